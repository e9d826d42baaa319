using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using Npgsql;
using Obot.Data;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Outbound;
using Obot.Grains.Catalog;
using Obot.Grains.Catalog.Sources;
using Obot.Grains.Credentials;
using Obot.Grains.Hosting;

namespace Obot.Grains.Tests.Catalog;

/// <summary>Catalogs over a database of their own; their grains read at once, without a silo.</summary>
internal sealed class CatalogRig : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly DirectoryInfo _work = Directory.CreateTempSubdirectory("obot-catalog-");
    private readonly ServerTools _tools = new(Substitute.For<IAssertionIssuer>(), TimeProvider.System);

    private CatalogRig(ServiceProvider services, Postgres postgres, Action<CatalogOptions>? configure)
    {
        _services = services;
        var options = new CatalogOptions();
        configure?.Invoke(options);
        var hosting = new HostingOptions { DataPath = _work.FullName };
        var reader = new SourceReader(Options.Create(options), Options.Create(hosting), TimeProvider.System);
        var encryption = postgres.Silo.Encryption;
        var sync = new CatalogSync(Databases, reader, encryption, Options.Create(options), TimeProvider.System, NullLogger<CatalogSync>.Instance);
        var grains = Substitute.For<IGrainFactory>();
        grains.GetGrain<ICatalogSourceGrain>(Arg.Any<string>(), Arg.Any<string?>()).Returns(call => new AtOnce(sync, call.ArgAt<string>(0)));
        var server = Substitute.For<IMcpServerGrain>();
        server.GetDeployment().Returns(new ServerDeployment { Status = DeploymentStatus.Stopped });
        grains.GetGrain<IMcpServerGrain>(Arg.Any<string>(), Arg.Any<string?>()).Returns(server);
        Catalogs = new StoredCatalogs(Databases, grains, encryption, TimeProvider.System);
        var instances = new ServerInstances(Databases, TimeProvider.System);
        var views = new ServerViews(grains, encryption, NullLogger<ServerViews>.Instance);
        Servers = new McpServers(
            Databases, instances, views, new ServerLife(grains, instances, new InstanceLauncher(grains, TimeProvider.System), NullLogger<ServerLife>.Instance),
            _tools, Substitute.For<IServerLogs>(), new ConnectionEnds(grains, NullLogger<ConnectionEnds>.Instance), encryption, TimeProvider.System, NullLogger<McpServers>.Instance);
        Index = new SearchIndex(DataSource, NullLogger<SearchIndex>.Instance);
        Entries = new StoredCatalogEntries(
            Databases, new EntryList(DataSource, Index), new EntryIcons(Substitute.For<IOutboundDocuments>(), TimeProvider.System), Servers, encryption, TimeProvider.System);
        Deployments = new EntryDeployments(Databases, encryption, TimeProvider.System);
        EntryServers = new EntryServers(Databases, Deployments, views, Servers, encryption, TimeProvider.System);
    }

    public static Principal Admin { get; } = new("u1admin", Role.Admin, "c", Scopes.All);

    public Microsoft.EntityFrameworkCore.IDbContextFactory<ObotDb> Databases => _services.GetRequiredService<Microsoft.EntityFrameworkCore.IDbContextFactory<ObotDb>>();
    public NpgsqlDataSource DataSource => _services.GetRequiredService<NpgsqlDataSource>();
    public IMcpCatalogs Catalogs { get; }
    public ICatalogEntries Entries { get; }
    public IEntryServers EntryServers { get; }
    public IMcpServers Servers { get; }
    public EntryDeployments Deployments { get; }
    public SearchIndex Index { get; }

    /// <summary>Where readings happen; empty between them.</summary>
    public string Work => Path.Combine(_work.FullName, "catalogs");

    public static async Task<CatalogRig> CreateAsync(Postgres postgres, Action<CatalogOptions>? configure = null) =>
        new(await postgres.CreateDatabaseAsync(), postgres, configure);

    public static Principal User(string id, params string[] groups) => new(id, Role.Basic, "c", Scopes.All) { Groups = groups };

    public Task<CatalogView> AddAsync(params string[] urls) => Catalogs.Create(Admin, new NewCatalog { SourceURLs = urls }, default);

    public async Task<CatalogView> RefreshAsync(CatalogView catalog) => (await Catalogs.Refresh(Admin, catalog.Id, default))!;

    public async Task<IReadOnlyList<CatalogEntryView>> AllAsync(Principal? caller = null, EntryQuery? query = null)
    {
        var all = new List<CatalogEntryView>();
        string? cursor = null;
        do
        {
            var page = await Entries.List(caller ?? Admin, query ?? new(Removed: true), 500, cursor, default);
            all.AddRange(page.Items);
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        return all;
    }

    public async ValueTask DisposeAsync()
    {
        _tools.Dispose();
        Index.Dispose();
        await _services.DisposeAsync();
        _work.Delete(recursive: true);
    }

    private sealed class AtOnce(CatalogSync sync, string id) : ICatalogSourceGrain
    {
        public async Task<long> Sync()
        {
            await sync.RunAsync(id, default);
            return 1;
        }

        public Task<CatalogProgress> GetProgress() => Task.FromResult(new CatalogProgress(1, false, null));

        public Task Forget() => Task.CompletedTask;
    }
}

/// <summary>Rows that rules may name.</summary>
internal static class RuleSubjectRows
{
    public static async Task AddUserAsync(this Microsoft.EntityFrameworkCore.IDbContextFactory<ObotDb> databases, string id)
    {
        await using var db = await databases.CreateDbContextAsync();
        db.Users.Add(new() { Id = id, Name = id, Role = "Basic", CreatedAt = DateTimeOffset.UnixEpoch });
        await db.SaveChangesAsync();
    }

    public static async Task AddGroupAsync(this Microsoft.EntityFrameworkCore.IDbContextFactory<ObotDb> databases, string id)
    {
        await using var db = await databases.CreateDbContextAsync();
        db.Groups.Add(new() { Id = id, ProviderId = "", ExternalId = id, Name = id, CreatedAt = DateTimeOffset.UnixEpoch });
        await db.SaveChangesAsync();
    }
}
