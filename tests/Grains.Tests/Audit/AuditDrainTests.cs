using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Audit;
using Obot.Grains.Encryption;
using Obot.Grains.Hosting;
using Obot.Shim.Contracts.Audit;

namespace Obot.Grains.Tests.Audit;

/// <summary>What a dead writer left comes home once, under the server whose folder it lay in, and only an auditor reads its bodies.</summary>
[Collection(nameof(PostgresTests))]
public sealed class AuditDrainTests(Postgres postgres) : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("obot-drain-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task Journal_OfADeadGuard_IsDrainedOnce_AndItsBodiesAreForAuditors()
    {
        await using var rig = await AuditRig.StartAsync(postgres);
        var folders = new AuditFolders(Options.Create(new HostingOptions { DataPath = _data }), Keys(1));
        var intake = new AuditIntake(rig.Writer, postgres.Silo.Encryption, NullLogger<AuditIntake>.Instance);
        var drain = new AuditDrain([new AuditJournals(folders, intake)], TimeProvider.System, NullLogger<AuditDrain>.Instance);
        var instance = McpInstanceId.Of("ms1drain", "u1x");
        var id = CallId.New(TimeProvider.System.GetUtcNow());
        using (var journal = Journal.Open(folders.Of(instance), folders.KeyOf(instance), 1_000_000))
        {
            journal.Append(Frame(id, "claimed"));
            await drain.LookAsync(Cancellation);
            Assert.Equal(0, await rig.ScalarAsync<long>("SELECT count(*) FROM mcp_audit_logs"));
        }

        await drain.LookAsync(Cancellation);
        await drain.LookAsync(Cancellation);
        Assert.Equal("ms1drain", await rig.ScalarAsync<string>("SELECT string_agg(server_id, ',') FROM mcp_audit_logs"));
        Assert.Empty(Directory.GetDirectories(folders.Of(instance)));
        Assert.Equal(0, await rig.ScalarAsync<long>("SELECT count(*) FROM mcp_audit_bodies WHERE position('secret body' in encode(detail, 'escape')) > 0"));

        var events = new List<AuditEvent>();
        var journalOfSilo = new Recorder(events);
        var sight = new AuditSight((Microsoft.EntityFrameworkCore.IDbContextFactory<Obot.Data.ObotDb>)rig.Services.GetService(typeof(Microsoft.EntityFrameworkCore.IDbContextFactory<Obot.Data.ObotDb>))!);
        var logs = new StoredAuditLogs(rig.Pools, sight, postgres.Silo.Encryption, journalOfSilo, Options.Create(rig.Options), TimeProvider.System);
        var admin = new Principal("u1admin", Role.Owner, "k", Scopes.All);
        Assert.Null((await logs.Find(admin, id.ToString(), Cancellation))!.Bodies);
        Assert.Empty(events);
        var whole = (await logs.Find(admin with { Role = Role.Basic, Auditor = true }, id.ToString(), Cancellation))!;
        Assert.Equal("secret body", whole.Bodies!.RequestBody);
        var read = Assert.Single(events);
        Assert.Equal((AuditMethods.BodiesRead, id.ToString(), "ms1drain", "u1admin"), (read.Method, read.Identifier, read.ServerId, read.UserId));

        // whose reading cannot be recorded is shown nothing
        journalOfSilo.IsBroken = true;
        await Assert.ThrowsAsync<Abstractions.ServerUnavailableException>(() => logs.Find(admin with { Auditor = true }, id.ToString(), Cancellation));
    }

    [Fact]
    public async Task Journal_OfAnotherCluster_StaysWhereItIs_AndHoldsUpNoOther()
    {
        await using var rig = await AuditRig.StartAsync(postgres);
        var (mine, theirs) = (Folders(1), Folders(2));
        var drain = new AuditDrain([new AuditJournals(mine, new(rig.Writer, postgres.Silo.Encryption, NullLogger<AuditIntake>.Instance))], TimeProvider.System, NullLogger<AuditDrain>.Instance);
        foreach (var (folders, name) in (IEnumerable<(AuditFolders, string)>)[(theirs, "ms1a"), (mine, "ms1b")])
        {
            using var journal = Journal.Open(folders.Of(McpInstanceId.Parse(name)), folders.KeyOf(McpInstanceId.Parse(name)), 1_000_000);
            journal.Append(Frame(CallId.New(TimeProvider.System.GetUtcNow()), name));
        }

        await drain.LookAsync(Cancellation);
        Assert.Equal("ms1b", await rig.ScalarAsync<string>("SELECT string_agg(server_id, ',') FROM mcp_audit_logs"));
        Assert.Single(Directory.GetDirectories(theirs.Of(McpInstanceId.Parse("ms1a"))));

        AuditFolders Folders(byte secret) => new(Options.Create(new HostingOptions { DataPath = _data }), Keys(secret));
    }

    private static IAssertionIssuer Keys(byte secret)
    {
        var keys = Substitute.For<IAssertionIssuer>();
        keys.DeriveKey(Arg.Any<string>(), Arg.Any<string>()).Returns(call => System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{secret}{call.ArgAt<string>(0)}{call.ArgAt<string>(1)}")));
        return keys;
    }

    private static byte[] Frame(Guid id, string server)
    {
        var writer = new FrameWriter();
        writer.Begin(new() { Id = id, At = CallId.TimeOf(id)!.Value, Method = "tools/call", Status = 200, ServerId = server, UserId = "u" });
        writer.BeginDetail();
        writer.RequestBody("secret body"u8);
        writer.EndDetail();
        return writer.End().ToArray();
    }

    private sealed class Recorder(List<AuditEvent> events) : IAuditEvents
    {
        public bool IsBroken { get; set; }

        public bool Record(AuditEvent happened)
        {
            events.Add(happened);
            return !IsBroken;
        }
    }
}
