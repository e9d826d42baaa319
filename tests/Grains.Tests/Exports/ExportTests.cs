using System.Text.Json.Nodes;
using NSubstitute;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Exports;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Exports;

namespace Obot.Grains.Tests.Exports;

/// <summary>Exports of the audit log: what is written, where it cannot be, and what a crash leaves.</summary>
[Collection(nameof(PostgresTests))]
public sealed class ExportTests(Postgres postgres) : IAsyncLifetime
{
    private static readonly DateTimeOffset Noon = ExportRig.Noon;
    private ExportRig _rig = null!;

    private Principal Admin => _rig.Admin;

    private StoredExports Exports => _rig.Exports;

    private StoredStorages Storages => _rig.Storages;

    public async ValueTask InitializeAsync() => _rig = await ExportRig.StartAsync(postgres);

    public ValueTask DisposeAsync() => _rig.DisposeAsync();

    [Fact]
    public async Task Export_ToTheDirectory_HoldsTheTablesRowsAndNoBodies()
    {
        var rows = await _rig.RecordsAsync(130);
        var made = await Exports.Create(Admin, new() { StartTime = Noon.AddDays(-1), EndTime = Noon.AddDays(1) }, default);
        await _rig.Run().RunAsync(made.Id, default);

        var done = (await Exports.Find(Admin, made.Id, default))!;
        Assert.Equal((ExportStates.Completed, 130L, 130L, (string?)null), (done.State, done.TotalRows, done.ExportedRows, done.Error));
        Assert.All(done.Objects, name => Assert.Matches(@"^mcp-audit-logs/2026/07/2[78]/ae1[a-z2-7]{10}-\d{5}\.jsonl\.gz$", name));
        Assert.True(done.Objects.Count >= 4);
        var lines = done.Objects.SelectMany(name => ExportRig.Lines(File.ReadAllBytes(Path.Combine(_rig.Data.FullName, "exports", name)))).ToList();
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
        var rows = await _rig.RecordsAsync(60);
        var wanted = rows.Where(row => row.ServerId == "ms1b" && row.Status == 403 && row.At >= Noon.AddHours(-5) && row.At < Noon).ToList();
        Assert.NotEmpty(wanted);
        var lines = await ExportAsync(new() { StartTime = Noon.AddHours(-5), EndTime = Noon, Filters = new() { McpServerID = "ms1b", Status = 403 }, KeyPrefix = "a/b" }, Admin, out var export);
        Assert.Equal(wanted.Select(row => row.Id.ToString()).Order(StringComparer.Ordinal), lines.Select(line => line["id"]!.GetValue<string>()).Order(StringComparer.Ordinal));
        Assert.All((await export).Objects, name => Assert.StartsWith("a/b/2026/", name, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Bodies_AreForAuditors_AndOnlyAsLongAsTheyAre()
    {
        await _rig.RecordsAsync(3);
        await Assert.ThrowsAsync<NotAllowedException>(() => Exports.Create(Admin, new() { StartTime = Noon.AddDays(-1), IncludeBodies = true }, default));
        await Assert.ThrowsAsync<NotAllowedException>(() => Exports.Create(Admin with { Role = Role.PowerPlus }, new() { StartTime = Noon.AddDays(-1) }, default));
        var auditor = new Principal("u1auditor", Role.Basic, "c", Scopes.All) { Auditor = true };
        _rig.Users.Find("u1auditor", default).ReturnsForAnyArgs(new UserStanding("u1auditor", "A", Role.Basic, true, []));
        var lines = await ExportAsync(new() { StartTime = Noon.AddDays(-1), EndTime = Noon.AddDays(1) }, auditor, out _);
        Assert.All(lines, line => Assert.Contains("tools/call", line["requestBody"]!.GetValue<string>(), StringComparison.Ordinal));
        Assert.All(lines, line => Assert.Equal("v", line["requestHeaders"]!["x-test"]!.GetValue<string>()));

        _rig.Users.Find("u1auditor", default).ReturnsForAnyArgs(new UserStanding("u1auditor", "A", Role.Admin, false, []));
        var late = await Exports.Create(auditor, new() { StartTime = Noon.AddDays(-1), EndTime = Noon.AddDays(1) }, default);
        await _rig.Run().RunAsync(late.Id, default);
        Assert.Equal(ExportStates.Failed, (await Exports.Find(Admin, late.Id, default))!.State);
    }

    [Fact]
    public async Task Crash_BetweenWritingAndWritingDown_LeavesNoRecordTwice()
    {
        var rows = await _rig.RecordsAsync(150);
        await using var s3 = await S3Stub.StartAsync();
        s3.HangAfter = 2;
        var storage = await Storages.Create(Admin, Settings(s3), default);
        var made = await Exports.Create(Admin, new() { StorageCredentialID = storage.Id, StartTime = Noon.AddDays(-2), EndTime = Noon.AddDays(1) }, default);

        // the second object is kept by the storage, and whoever wrote it dies before it could write that down
        using (var dying = new CancellationTokenSource())
        {
            var running = _rig.Run().RunAsync(made.Id, dying.Token);
            await s3.Hanging.Task.WaitAsync(TimeSpan.FromSeconds(30));
            await dying.CancelAsync();
            await running;
        }

        var half = (await Exports.Find(Admin, made.Id, default))!;
        Assert.Equal((ExportStates.Running, 1, 2), (half.State, half.Objects.Count, s3.Objects.Count));
        s3.HangAfter = null;

        // two go on at once, as under a partition: one of them notes each object
        await Task.WhenAll(_rig.Run().RunAsync(made.Id, default), _rig.Run().RunAsync(made.Id, default));
        await _rig.Run().RunAsync(made.Id, default);
        var done = (await Exports.Find(Admin, made.Id, default))!;
        Assert.Equal((ExportStates.Completed, 150L), (done.State, done.ExportedRows));
        Assert.Equal(s3.Objects.Keys.Order(StringComparer.Ordinal), done.Objects.Order(StringComparer.Ordinal));
        var ids = s3.Objects.Values.SelectMany(ExportRig.Lines).Select(line => line["id"]!.GetValue<string>()).ToList();
        Assert.Equal(150, ids.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(rows.Select(row => row.Id.ToString()).Order(StringComparer.Ordinal), ids.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Storage_ThatRefuses_FailsAtOnce_AndOneThatIsBusyIsAskedAgain()
    {
        await _rig.RecordsAsync(10);
        await using var s3 = await S3Stub.StartAsync();
        Assert.True((await Storages.Test(Admin, Settings(s3), default)).Ok);
        Assert.Empty(s3.Objects);
        await FailsAsync(Settings(s3) with { AccessKeyID = "WRONG" }, "InvalidAccessKeyId");
        await FailsAsync(Settings(s3) with { Bucket = "none" }, "NoSuchBucket");
        var (step, error) = await Storages.Test(Admin, Settings(s3) with { Endpoint = "http://127.0.0.1:9" }, default) is { Ok: false } test ? (test.Step, test.Error) : default;
        Assert.Equal("write", step);
        Assert.Contains("does not answer", error, StringComparison.Ordinal);

        // an older storage: the default is refused with advice, WHEN_REQUIRED works
        s3.IsOld = true;
        var refused = await Storages.Test(Admin, Settings(s3), default);
        Assert.Contains("WHEN_REQUIRED", refused.Error, StringComparison.Ordinal);
        Assert.True((await Storages.Test(Admin, Settings(s3) with { ChecksumMode = "WHEN_REQUIRED", ServerSideEncryption = "AES256" }, default)).Ok);
        Assert.Equal("AES256", s3.LastPut!["x-amz-server-side-encryption"]);
        s3.IsOld = false;

        s3.Busy = 2;
        var storage = await Storages.Create(Admin, Settings(s3), default);
        Assert.Equal(ExportStates.Completed, await RunAsync(storage.Id));
        Assert.Single(s3.Objects);

        async Task FailsAsync(NewStorage settings, string code)
        {
            Assert.Contains(code, (await Storages.Test(Admin, settings, default)).Error, StringComparison.Ordinal);
            var id = (await Storages.Create(Admin, settings, default)).Id;
            Assert.Equal(ExportStates.Failed, await RunAsync(id));

            // put right, it goes on
            await Storages.Update(Admin, id, Settings(s3), default);
            var export = (await Exports.List(Admin, 1, null, default)).Items[0];
            Assert.Contains(code, export.Error, StringComparison.Ordinal);
            await Exports.Retry(Admin, export.Id, default);
            await _rig.Run().RunAsync(export.Id, default);
            Assert.Equal(ExportStates.Completed, (await Exports.Find(Admin, export.Id, default))!.State);
            s3.Objects.Clear();
        }

        async Task<string> RunAsync(string storageId)
        {
            var export = await Exports.Create(Admin, new() { StorageCredentialID = storageId, StartTime = Noon.AddDays(-1), EndTime = Noon.AddDays(1) }, default);
            await _rig.Run().RunAsync(export.Id, default);
            return (await Exports.Find(Admin, export.Id, default))!.State;
        }
    }

    [Fact]
    public async Task Disk_ThatTakesNothing_FailsWithTheReason_AndCanBePutRight()
    {
        await _rig.RecordsAsync(10);
        var blocked = Path.Combine(_rig.Data.FullName, "blocked");
        await File.WriteAllTextAsync(blocked, "");
        var storage = await Storages.Create(Admin, new() { Name = "d", Kind = "directory", Directory = $"{blocked}/x" }, default);
        var export = await Exports.Create(Admin, new() { StorageCredentialID = storage.Id, StartTime = Noon.AddDays(-1), EndTime = Noon.AddDays(1) }, default);
        _rig.Options.MaxAttempts = 2;
        await _rig.Run().RunAsync(export.Id, default);
        var failed = (await Exports.Find(Admin, export.Id, default))!;
        Assert.Equal(ExportStates.Failed, failed.State);
        Assert.Contains(blocked, failed.Error, StringComparison.Ordinal);
        File.Delete(blocked);
        await Exports.Retry(Admin, export.Id, default);
        await _rig.Run().RunAsync(export.Id, default);
        Assert.Equal(ExportStates.Completed, (await Exports.Find(Admin, export.Id, default))!.State);
        await Assert.ThrowsAsync<ConflictException>(() => Exports.Retry(Admin, export.Id, default));
        Assert.DoesNotContain(_rig.Data.EnumerateFiles("*", SearchOption.AllDirectories), file => file.Name.EndsWith(".new", StringComparison.Ordinal));
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
    [InlineData("kind", "gcs", null, null)]
    [InlineData("endpoint", "azure", null, "b")]
    public async Task Settings_ThatAreWrong_NameTheField(string field, string kind, string? endpoint, string? bucket) =>
        Assert.Equal(field, (await Assert.ThrowsAsync<InvalidInputException>(() => Storages.Create(Admin, new() { Kind = kind, Endpoint = endpoint, Bucket = bucket }, default))).Field);

    [Fact]
    public async Task Secret_IsKeptEncrypted_NeverShown_AndBoundToItsEndpoint()
    {
        var storage = await Storages.Create(Admin, new() { Name = "s", Kind = "s3", Endpoint = "https://one.example", Bucket = "b", AccessKeyID = "k", SecretAccessKey = "very secret" }, default);
        Assert.True(storage.HasSecret);
        Assert.Null(storage.Settings.SecretAccessKey);
        Assert.DoesNotContain("very secret", await _rig.Audit.ScalarAsync<string>($"SELECT settings::text || secret FROM storage_credentials WHERE id = '{storage.Id}'"), StringComparison.Ordinal);
        var refused = await Assert.ThrowsAsync<InvalidInputException>(() => Storages.Update(Admin, storage.Id, storage.Settings with { Endpoint = "https://other.example" }, default));
        Assert.Equal("secretAccessKey", refused.Field);
        Assert.True((await Storages.Update(Admin, storage.Id, storage.Settings with { Bucket = "c" }, default))!.HasSecret);
    }

    private static NewStorage Settings(S3Stub s3) => new() { Name = "s3", Kind = "s3", Endpoint = s3.Url, Bucket = S3Stub.Bucket, AccessKeyID = S3Stub.Key, SecretAccessKey = "secret" };

    private Task<List<JsonNode>> ExportAsync(NewExport request, Principal caller, out Task<ExportView> export)
    {
        var running = RunAsync();
        export = ViewAsync();
        return LinesAsync();

        async Task<string> RunAsync()
        {
            var made = await Exports.Create(caller, request, default);
            await _rig.Run().RunAsync(made.Id, default);
            return made.Id;
        }

        async Task<ExportView> ViewAsync() => (await Exports.Find(Admin, await running, default))!;

        async Task<List<JsonNode>> LinesAsync() => [.. (await ViewAsync()).Objects.SelectMany(name => ExportRig.Lines(File.ReadAllBytes(Path.Combine(_rig.Data.FullName, "exports", name))))];
    }
}
