using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using Obot.Data;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Exports;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Audit;
using Obot.Grains.Exports;
using Obot.Grains.Exports.Targets;
using Obot.Grains.Hosting;
using Obot.Grains.Tests.Audit;

namespace Obot.Grains.Tests.Exports;

/// <summary>Exports of the audit log: what is written, where it cannot be, and what a crash leaves.</summary>
[Collection(nameof(PostgresTests))]
public sealed class ExportTests(Postgres postgres) : IAsyncLifetime
{
    private static readonly DateTimeOffset Noon = new(2026, 7, 28, 12, 0, 0, TimeSpan.Zero);
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("obot-exports-");
    private readonly ExportOptions _options = new() { MaxRowsPerObject = 40, MaxAttempts = 3 };
    private readonly IUserDirectory _users = Substitute.For<IUserDirectory>();
    private readonly Principal _admin = new("u1admin", Role.Admin, "c", Scopes.All);
    private AuditRig _audit = null!;
    private ExportTargets _targets = null!;

    private IDbContextFactory<ObotDb> Databases => _audit.Services.GetRequiredService<IDbContextFactory<ObotDb>>();

    private StoredExports Exports => new(Databases, Substitute.For<IGrainFactory>(), new ExportSchedules(Databases, Substitute.For<IGrainFactory>(), Options.Create(_options), TimeProvider.System), TimeProvider.System);

    private StoredStorages Storages => new(Databases, _targets, TimeProvider.System);

    public async ValueTask InitializeAsync()
    {
        _audit = await AuditRig.StartAsync(postgres, new(Noon));
        _targets = new(postgres.Silo.Encryption, Options.Create(new HostingOptions { DataPath = _data.FullName }));
    }

    public async ValueTask DisposeAsync()
    {
        await _audit.DisposeAsync();
        _data.Delete(recursive: true);
    }

    [Fact]
    public async Task Export_ToTheDirectory_HoldsTheTablesRowsAndNoBodies()
    {
        var rows = await RecordsAsync(130);
        var made = await Exports.Create(_admin, new() { StartTime = Noon.AddDays(-1), EndTime = Noon.AddDays(1) }, default);
        await Run().RunAsync(made.Id, default);

        var done = (await Exports.Find(_admin, made.Id, default))!;
        Assert.Equal((ExportStates.Completed, 130L, 130L, (string?)null), (done.State, done.TotalRows, done.ExportedRows, done.Error));
        Assert.All(done.Objects, name => Assert.Matches(@"^mcp-audit-logs/2026/07/2[78]/ae1[a-z2-7]{10}-\d{5}\.jsonl\.gz$", name));
        Assert.True(done.Objects.Count >= 4);
        var lines = done.Objects.SelectMany(name => Lines(File.ReadAllBytes(Path.Combine(_data.FullName, "exports", name)))).ToList();
        Assert.Equal(rows.OrderBy(row => row.At).ThenBy(row => row.Id).Select(row => row.Id.ToString()), lines.Select(line => line["id"]!.GetValue<string>()));
        foreach (var (line, row) in lines.Zip(rows.OrderBy(row => row.At).ThenBy(row => row.Id)))
        {
            Assert.Equal((row.ServerId, row.UserId, row.Method, row.Identifier, row.Status, row.Error), (Text("mcpServerID"), Text("userID"), Text("method"), Text("identifier"), line["status"]!.GetValue<short>(), Text("error")));
            Assert.Equal(row.At, line["createdAt"]!.GetValue<DateTimeOffset>());
            Assert.Equal(row.DurationMicroseconds / 1000.0, line["durationMs"]!.GetValue<double>());
            Assert.Null(line["requestBody"]);

            string? Text(string name) => line[name]?.GetValue<string>();
        }
    }

    [Fact]
    public async Task Filters_AndTimes_ChooseRecords()
    {
        var rows = await RecordsAsync(60);
        var wanted = rows.Where(row => row.ServerId == "ms1b" && row.Status == 403 && row.At >= Noon.AddHours(-5) && row.At < Noon).ToList();
        Assert.NotEmpty(wanted);
        var lines = await ExportAsync(new() { StartTime = Noon.AddHours(-5), EndTime = Noon, Filters = new() { McpServerID = "ms1b", Status = 403 }, KeyPrefix = "a/b" }, _admin, out var export);
        Assert.Equal(wanted.Select(row => row.Id.ToString()).Order(StringComparer.Ordinal), lines.Select(line => line["id"]!.GetValue<string>()).Order(StringComparer.Ordinal));
        Assert.All((await export).Objects, name => Assert.StartsWith("a/b/2026/", name, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Bodies_AreForAuditors_AndOnlyAsLongAsTheyAre()
    {
        await RecordsAsync(3);
        await Assert.ThrowsAsync<NotAllowedException>(() => Exports.Create(_admin, new() { StartTime = Noon.AddDays(-1), IncludeBodies = true }, default));
        await Assert.ThrowsAsync<NotAllowedException>(() => Exports.Create(_admin with { Role = Role.PowerPlus }, new() { StartTime = Noon.AddDays(-1) }, default));
        var auditor = new Principal("u1auditor", Role.Basic, "c", Scopes.All) { Auditor = true };
        _users.Find("u1auditor", default).ReturnsForAnyArgs(new UserStanding("u1auditor", "A", Role.Basic, true, []));
        var lines = await ExportAsync(new() { StartTime = Noon.AddDays(-1), EndTime = Noon.AddDays(1) }, auditor, out _);
        Assert.All(lines, line => Assert.Contains("tools/call", line["requestBody"]!.GetValue<string>(), StringComparison.Ordinal));
        Assert.All(lines, line => Assert.Equal("v", line["requestHeaders"]!["x-test"]!.GetValue<string>()));

        _users.Find("u1auditor", default).ReturnsForAnyArgs(new UserStanding("u1auditor", "A", Role.Admin, false, []));
        var late = await Exports.Create(auditor, new() { StartTime = Noon.AddDays(-1), EndTime = Noon.AddDays(1) }, default);
        await Run().RunAsync(late.Id, default);
        Assert.Equal(ExportStates.Failed, (await Exports.Find(_admin, late.Id, default))!.State);
    }

    [Fact]
    public async Task Crash_BetweenWritingAndWritingDown_LeavesNoRecordTwice()
    {
        var rows = await RecordsAsync(150);
        await using var s3 = await S3Stub.StartAsync();
        s3.HangAfter = 2;
        var storage = await Storages.Create(_admin, Settings(s3), default);
        var made = await Exports.Create(_admin, new() { StorageCredentialID = storage.Id, StartTime = Noon.AddDays(-2), EndTime = Noon.AddDays(1) }, default);

        // the second object is kept by the storage, and whoever wrote it dies before it could write that down
        using (var dying = new CancellationTokenSource())
        {
            var running = Run().RunAsync(made.Id, dying.Token);
            await s3.Hanging.Task.WaitAsync(TimeSpan.FromSeconds(30));
            await dying.CancelAsync();
            await running;
        }

        var half = (await Exports.Find(_admin, made.Id, default))!;
        Assert.Equal((ExportStates.Running, 1, 2), (half.State, half.Objects.Count, s3.Objects.Count));
        s3.HangAfter = null;

        // two go on at once, as under a partition: one of them notes each object
        await Task.WhenAll(Run().RunAsync(made.Id, default), Run().RunAsync(made.Id, default));
        await Run().RunAsync(made.Id, default);
        var done = (await Exports.Find(_admin, made.Id, default))!;
        Assert.Equal((ExportStates.Completed, 150L), (done.State, done.ExportedRows));
        Assert.Equal(s3.Objects.Keys.Order(StringComparer.Ordinal), done.Objects.Order(StringComparer.Ordinal));
        var ids = s3.Objects.Values.SelectMany(Lines).Select(line => line["id"]!.GetValue<string>()).ToList();
        Assert.Equal(150, ids.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(rows.Select(row => row.Id.ToString()).Order(StringComparer.Ordinal), ids.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Storage_ThatRefuses_FailsAtOnce_AndOneThatIsBusyIsAskedAgain()
    {
        await RecordsAsync(10);
        await using var s3 = await S3Stub.StartAsync();
        Assert.True((await Storages.Test(_admin, Settings(s3), default)).Ok);
        Assert.Empty(s3.Objects);
        await FailsAsync(Settings(s3) with { AccessKeyID = "WRONG" }, "InvalidAccessKeyId");
        await FailsAsync(Settings(s3) with { Bucket = "none" }, "NoSuchBucket");
        var (step, error) = await Storages.Test(_admin, Settings(s3) with { Endpoint = "http://127.0.0.1:9" }, default) is { Ok: false } test ? (test.Step, test.Error) : default;
        Assert.Equal("write", step);
        Assert.Contains("does not answer", error, StringComparison.Ordinal);

        // an older storage: the default is refused with advice, WHEN_REQUIRED works
        s3.IsOld = true;
        var refused = await Storages.Test(_admin, Settings(s3), default);
        Assert.Contains("WHEN_REQUIRED", refused.Error, StringComparison.Ordinal);
        Assert.True((await Storages.Test(_admin, Settings(s3) with { ChecksumMode = "WHEN_REQUIRED", ServerSideEncryption = "AES256" }, default)).Ok);
        Assert.Equal("AES256", s3.LastPut!["x-amz-server-side-encryption"]);
        s3.IsOld = false;

        s3.Busy = 2;
        var storage = await Storages.Create(_admin, Settings(s3), default);
        Assert.Equal(ExportStates.Completed, await RunAsync(storage.Id));
        Assert.Single(s3.Objects);

        async Task FailsAsync(NewStorage settings, string code)
        {
            Assert.Contains(code, (await Storages.Test(_admin, settings, default)).Error, StringComparison.Ordinal);
            var id = (await Storages.Create(_admin, settings, default)).Id;
            Assert.Equal(ExportStates.Failed, await RunAsync(id));

            // put right, it goes on
            await Storages.Update(_admin, id, Settings(s3), default);
            var export = (await Exports.List(_admin, 1, null, default)).Items[0];
            Assert.Contains(code, export.Error, StringComparison.Ordinal);
            await Exports.Retry(_admin, export.Id, default);
            await Run().RunAsync(export.Id, default);
            Assert.Equal(ExportStates.Completed, (await Exports.Find(_admin, export.Id, default))!.State);
            s3.Objects.Clear();
        }

        async Task<string> RunAsync(string storageId)
        {
            var export = await Exports.Create(_admin, new() { StorageCredentialID = storageId, StartTime = Noon.AddDays(-1), EndTime = Noon.AddDays(1) }, default);
            await Run().RunAsync(export.Id, default);
            return (await Exports.Find(_admin, export.Id, default))!.State;
        }
    }

    [Fact]
    public async Task Disk_ThatTakesNothing_FailsWithTheReason_AndCanBePutRight()
    {
        await RecordsAsync(10);
        var blocked = Path.Combine(_data.FullName, "blocked");
        await File.WriteAllTextAsync(blocked, "");
        var storage = await Storages.Create(_admin, new() { Name = "d", Kind = "directory", Directory = $"{blocked}/x" }, default);
        var export = await Exports.Create(_admin, new() { StorageCredentialID = storage.Id, StartTime = Noon.AddDays(-1), EndTime = Noon.AddDays(1) }, default);
        _options.MaxAttempts = 2;
        await Run().RunAsync(export.Id, default);
        var failed = (await Exports.Find(_admin, export.Id, default))!;
        Assert.Equal(ExportStates.Failed, failed.State);
        Assert.Contains(blocked, failed.Error, StringComparison.Ordinal);
        File.Delete(blocked);
        await Exports.Retry(_admin, export.Id, default);
        await Run().RunAsync(export.Id, default);
        Assert.Equal(ExportStates.Completed, (await Exports.Find(_admin, export.Id, default))!.State);
        await Assert.ThrowsAsync<ConflictException>(() => Exports.Retry(_admin, export.Id, default));
        Assert.DoesNotContain(_data.EnumerateFiles("*", SearchOption.AllDirectories), file => file.Name.EndsWith(".new", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("hourly", "2026-07-29T13:45:00Z", "2026-07-29T13:00:00Z", "2026-07-29T14:00:00Z")]
    [InlineData("daily", "2026-07-29T13:45:00Z", "2026-07-29T00:00:00Z", "2026-07-30T00:00:00Z")]
    [InlineData("weekly", "2026-08-02T23:00:00Z", "2026-07-27T00:00:00Z", "2026-08-03T00:00:00Z")]
    [InlineData("monthly", "2026-02-28T13:45:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z")]
    public void Period_OfASchedule_BeginsAndEnds(string period, string at, string begin, string next)
    {
        var culture = System.Globalization.CultureInfo.InvariantCulture;
        var from = ExportPeriods.Begin(period, DateTimeOffset.Parse(at, culture));
        Assert.Equal((DateTimeOffset.Parse(begin, culture), DateTimeOffset.Parse(next, culture)), (from, ExportPeriods.Next(period, from)));
    }

    [Theory]
    [InlineData("endpoint", "s3", "ftp://x", "b")]
    [InlineData("bucket", "s3", "https://x", "a/b")]
    [InlineData("kind", "azure", null, null)]
    public async Task Settings_ThatAreWrong_NameTheField(string field, string kind, string? endpoint, string? bucket) =>
        Assert.Equal(field, (await Assert.ThrowsAsync<InvalidInputException>(() => Storages.Create(_admin, new() { Kind = kind, Endpoint = endpoint, Bucket = bucket }, default))).Field);

    [Fact]
    public async Task Secret_IsKeptEncrypted_NeverShown_AndBoundToItsEndpoint()
    {
        var storage = await Storages.Create(_admin, new() { Name = "s", Kind = "s3", Endpoint = "https://one.example", Bucket = "b", AccessKeyID = "k", SecretAccessKey = "very secret" }, default);
        Assert.True(storage.HasSecret);
        Assert.Null(storage.Settings.SecretAccessKey);
        Assert.DoesNotContain("very secret", await _audit.ScalarAsync<string>($"SELECT settings::text || secret FROM storage_credentials WHERE id = '{storage.Id}'"), StringComparison.Ordinal);
        var refused = await Assert.ThrowsAsync<InvalidInputException>(() => Storages.Update(_admin, storage.Id, storage.Settings with { Endpoint = "https://other.example" }, default));
        Assert.Equal("secretAccessKey", refused.Field);
        Assert.True((await Storages.Update(_admin, storage.Id, storage.Settings with { Bucket = "c" }, default))!.HasSecret);
    }

    private ExportRun Run() => new(Databases, new ExportReader(_audit.Database, postgres.Silo.Encryption), _targets, _users, Options.Create(_options), TimeProvider.System, NullLogger<ExportRun>.Instance);

    private static NewStorage Settings(S3Stub s3) => new() { Name = "s3", Kind = "s3", Endpoint = s3.Url, Bucket = S3Stub.Bucket, AccessKeyID = S3Stub.Key, SecretAccessKey = "secret" };

    private Task<List<JsonNode>> ExportAsync(NewExport request, Principal caller, out Task<ExportView> export)
    {
        var running = RunAsync();
        export = ViewAsync();
        return LinesAsync();

        async Task<string> RunAsync()
        {
            var made = await Exports.Create(caller, request, default);
            await Run().RunAsync(made.Id, default);
            return made.Id;
        }

        async Task<ExportView> ViewAsync() => (await Exports.Find(_admin, await running, default))!;

        async Task<List<JsonNode>> LinesAsync() => [.. (await ViewAsync()).Objects.SelectMany(name => Lines(File.ReadAllBytes(Path.Combine(_data.FullName, "exports", name))))];
    }

    /// <summary>Records of two days, several of them in the same microsecond.</summary>
    private async Task<IReadOnlyList<AuditRow>> RecordsAsync(int count)
    {
        var detail = Detail();
        var rows = Enumerable.Range(0, count).Select(i =>
        {
            var row = AuditRig.Row(Noon.AddMinutes(-20 * (i / 2)), server: i % 2 == 0 ? "ms1a" : "ms1b", status: (short)(i % 3 == 0 ? 403 : 200), error: i % 3 == 0 ? "no \"rule\"\n" : null, microseconds: 1000 + i);
            return row with { Detail = postgres.Silo.Encryption.Encrypt(AuditRow.PlaceOf(row.Id), detail) };
        }).ToList();
        await _audit.Writer.WriteAsync(rows, TestContext.Current.CancellationToken);
        return rows;
    }

    /// <summary>As a guard writes it: tag, length, content.</summary>
    private static byte[] Detail() => [.. Frame(1, [.. Frame(13, "x-test"u8), .. Frame(13, "v"u8)]), .. Frame(3, "{\"method\":\"tools/call\"}"u8), .. Frame(4, "{}"u8)];

    private static byte[] Frame(byte tag, ReadOnlySpan<byte> content) => [tag, .. BitConverter.GetBytes(content.Length), .. content];

    private static IEnumerable<JsonNode> Lines(byte[] zipped)
    {
        using var zip = new GZipStream(new MemoryStream(zipped), CompressionMode.Decompress);
        using var reader = new StreamReader(zip, Encoding.UTF8);
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
    }
}
