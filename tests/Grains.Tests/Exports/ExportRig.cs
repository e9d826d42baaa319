using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using Obot.Data;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Audit;
using Obot.Grains.Exports;
using Obot.Grains.Exports.Targets;
using Obot.Grains.Hosting;
using Obot.Grains.Tests.Audit;

namespace Obot.Grains.Tests.Exports;

/// <summary>Records, storages and exports over a database of the test's own; who runs an export is the test.</summary>
internal sealed class ExportRig : IAsyncDisposable
{
    public static readonly DateTimeOffset Noon = new(2026, 7, 28, 12, 0, 0, TimeSpan.Zero);
    private readonly Postgres _postgres;

    private ExportRig(Postgres postgres, AuditRig audit)
    {
        (_postgres, Audit) = (postgres, audit);
        Targets = new(postgres.Silo.Encryption, Microsoft.Extensions.Options.Options.Create(new HostingOptions { DataPath = Data.FullName }));
    }

    public DirectoryInfo Data { get; } = Directory.CreateTempSubdirectory("obot-exports-");

    public ExportOptions Options { get; } = new() { MaxRowsPerObject = 40, MaxAttempts = 3 };

    public IUserDirectory Users { get; } = Substitute.For<IUserDirectory>();

    public Principal Admin { get; } = new("u1admin", Role.Admin, "c", Scopes.All);

    public AuditRig Audit { get; }

    public ExportTargets Targets { get; }

    public StoredExports Exports => new(
        Databases, Substitute.For<IGrainFactory>(), new ExportSchedules(Databases, Substitute.For<IGrainFactory>(), Microsoft.Extensions.Options.Options.Create(Options), TimeProvider.System), TimeProvider.System);

    public StoredStorages Storages => new(Databases, Targets, TimeProvider.System);

    private IDbContextFactory<ObotDb> Databases => Audit.Services.GetRequiredService<IDbContextFactory<ObotDb>>();

    public static async Task<ExportRig> StartAsync(Postgres postgres) => new(postgres, await AuditRig.StartAsync(postgres, new(Noon)));

    public ExportRun Run() => new(
        Databases, new ExportReader(Audit.Database, _postgres.Silo.Encryption), Targets, Users, Microsoft.Extensions.Options.Options.Create(Options), TimeProvider.System, NullLogger<ExportRun>.Instance);

    public async ValueTask DisposeAsync()
    {
        await Audit.DisposeAsync();
        Data.Delete(recursive: true);
    }

    /// <summary>Records of two days, several of them in the same microsecond.</summary>
    public async Task<IReadOnlyList<AuditRow>> RecordsAsync(int count)
    {
        var detail = Detail();
        var rows = Enumerable.Range(0, count).Select(i =>
        {
            var row = AuditRig.Row(Noon.AddMinutes(-20 * (i / 2)), server: i % 2 == 0 ? "ms1a" : "ms1b", status: (short)(i % 3 == 0 ? 403 : 200), error: i % 3 == 0 ? "no \"rule\"\n" : null, microseconds: 1000 + i);
            return row with { Detail = _postgres.Silo.Encryption.Encrypt(AuditRow.PlaceOf(row.Id), detail) };
        }).ToList();
        await Audit.Writer.WriteAsync(rows, TestContext.Current.CancellationToken);
        return rows;
    }

    /// <summary>As a guard writes it: tag, length, content.</summary>
    private static byte[] Detail() => [.. Frame(1, [.. Frame(13, "x-test"u8), .. Frame(13, "v"u8)]), .. Frame(3, "{\"method\":\"tools/call\"}"u8), .. Frame(4, "{}"u8)];

    private static byte[] Frame(byte tag, ReadOnlySpan<byte> content) => [tag, .. BitConverter.GetBytes(content.Length), .. content];

    public static IEnumerable<JsonNode> Lines(byte[] zipped)
    {
        using var zip = new GZipStream(new MemoryStream(zipped), CompressionMode.Decompress);
        using var reader = new StreamReader(zip, Encoding.UTF8);
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
    }
}
