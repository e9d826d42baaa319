using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using Obot.Data;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;
using Obot.Grains.Audit;
using Obot.Grains.Hosting;
using Obot.Grains.Llm.Recording;
using Obot.Grains.Records;

namespace Obot.Grains.Tests.Llm;

[Collection(nameof(PostgresTests))]
public sealed class LlmRecorderTests(Postgres postgres) : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("obot-llm-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    /// <summary>Nothing ships, as when the process is killed right behind the answer.</summary>
    [Fact]
    public async Task Records_OfADeadSilo_AreBroughtHomeOnce_AsTheyWere_AndUnreadableOnDisk()
    {
        await using var services = await postgres.CreateDatabaseAsync();
        var pools = services.GetRequiredService<RecordPools>();
        var kind = new LlmKind(Options.Create(new AuditOptions()));
        using var partitions = new DayPartitions(pools, [DayTables.Of(kind)], TimeProvider.System, NullLogger<DayPartitions>.Instance);
        using var writer = new RecordWriter<LlmRow>(pools, partitions, kind, TimeProvider.System, NullLogger<RecordWriter<LlmRow>>.Instance);
        await writer.StartAsync(Cancellation);
        var intake = new LlmIntake(Folders(), writer, postgres.Silo.Encryption, NullLogger<LlmIntake>.Instance);
        using var drain = new AuditDrain([intake], TimeProvider.System, NullLogger<AuditDrain>.Instance);
        var record = Record();
        using (var silo = Recorder(intake))
        {
            silo.Record(record, "the question"u8, "the answer"u8);
            await drain.LookAsync(Cancellation);
            Assert.Empty((await ListAsync()).Items);
        }

        Assert.DoesNotContain("the question", string.Concat(Directory.EnumerateFiles(intake.Place.Folder, "*.wal", SearchOption.AllDirectories).Select(file => Encoding.Latin1.GetString(File.ReadAllBytes(file)))), StringComparison.Ordinal);
        await drain.LookAsync(Cancellation);
        await drain.LookAsync(Cancellation);
        var entry = Assert.Single((await ListAsync()).Items);
        Assert.Equal(
            (record.Id.ToString("D"), "messages", "llm", "prov", "claude", 200, 12L, 8L, 4L, true, 0.000048m, 1234.5, 100.25),
            (entry.Id, entry.Operation, entry.ModelAsked, entry.ModelProvider, entry.ModelUsed, entry.Status, entry.InputTokens, entry.CachedTokens, entry.OutputTokens, entry.UsageKnown, entry.Usd, entry.DurationMs, entry.FirstTokenMs));
        Assert.Equal(record.Violations, entry.Violations!);
        var whole = (await Audit().Find(Auditor, entry.Id, Cancellation))!;
        Assert.Equal(("the question", "the answer"), (whole.RequestBody, whole.ResponseBody));
        Assert.Empty(Directory.GetDirectories(intake.Place.Folder));

        Task<Abstractions.Hosting.Page<LlmAuditEntry>> ListAsync() => Audit().List(Auditor, new(null, null, null, null, null, null, null, null), 10, null, Cancellation);

        StoredLlmAudit Audit() => new(pools, postgres.Silo.Encryption, TimeProvider.System);
    }

    [Fact]
    public void File_ThatIsFull_StopsCalls_UnlessTheOperatorLetsRecordsGo()
    {
        using var strict = Recorder(new(Folders(), null!, null!, NullLogger<LlmIntake>.Instance));
        using var lax = Recorder(new(Folders(), null!, null!, NullLogger<LlmIntake>.Instance), AuditWhenFull.Drop);
        foreach (var recorder in new[] { strict, lax })
        {
            for (var i = 0; i < 20; i++)
            {
                Assert.Equal(i > 15 && recorder == strict, recorder.MustRefuse);
                recorder.Record(Record(), new byte[64 * 1024], default);
            }
        }
    }

    private static Principal Auditor => new("u1admin", Role.Owner, "k", Scopes.All) { Auditor = true };

    private static LlmRecorder Recorder(LlmIntake intake, AuditWhenFull whenFull = AuditWhenFull.Refuse) =>
        new(intake, Options.Create(new AuditOptions { MaxBacklogBytes = 1024 * 1024, WhenFull = whenFull }), TimeProvider.System, NullLogger<LlmRecorder>.Instance);

    private AuditFolders Folders()
    {
        var keys = Substitute.For<IAssertionIssuer>();
        keys.DeriveKey(Arg.Any<string>(), Arg.Any<string>()).Returns(call => SHA256.HashData(Encoding.UTF8.GetBytes($"{call.ArgAt<string>(0)} {call.ArgAt<string>(1)}")));
        return new(Options.Create(new HostingOptions { DataPath = _data }), keys);
    }

    private static LlmRecord Record()
    {
        var at = TimeProvider.System.GetUtcNow();
        return new()
        {
            Id = Guid.CreateVersion7(at), At = at, UserId = "u1", CredentialId = "k1", Operation = LlmOperation.Messages, ModelAsked = "llm", ProviderId = "prov", ModelId = "m1", ModelUsed = "claude", Status = 200,
            InputTokens = 12, CachedTokens = 8, OutputTokens = 4, UsageKnown = true, MicroUsd = 48, Duration = TimeSpan.FromMilliseconds(1234.5), FirstToken = TimeSpan.FromMilliseconds(100.25), Streamed = true, Attempts = 1,
            Client = "sdk", Violations = [new("p1", "no pay", "user-message", "it asks for pay")],
        };
    }
}
