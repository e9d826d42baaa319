using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.ApiKeys;
using Obot.Grains.Credentials;
using Obot.Grains.Hosting;
using Obot.Grains.Identity;

namespace Obot.Grains.Tests.Identity;

/// <summary>Users, groups and keys as one silo has them; two rigs over one database are two silos.</summary>
internal sealed class UserRig
{
    private readonly UserEmails _emails;

    /// <param name="databases">The database.</param>
    /// <param name="encryption">Encryption over that database.</param>
    /// <param name="owners">Obot:Auth:OwnerEmails.</param>
    /// <param name="admins">Obot:Auth:AdminEmails.</param>
    public UserRig(IDbContextFactory<ObotDb> databases, Abstractions.Encryption.IEncryption encryption, string[]? owners = null, string[]? admins = null)
    {
        Databases = databases;
        var options = new AuthOptions();
        Array.ForEach(owners ?? [], options.OwnerEmails.Add);
        Array.ForEach(admins ?? [], options.AdminEmails.Add);
        Grains.GetGrain<IMcpServerGrain>(Arg.Any<string>()).Returns(Grain);

        _emails = new(encryption, NullLogger<UserEmails>.Instance);
        var preassigned = new PreassignedRoles(Options.Create(options), _emails);
        var rules = new UserRules(preassigned);
        var instances = new ServerInstances(databases, TimeProvider.System);
        var life = new ServerLife(Grains, instances, new InstanceLauncher(Grains, TimeProvider.System), NullLogger<ServerLife>.Instance);
        Users = new(databases, new UserViews(_emails, preassigned), _emails, rules, new UserRemoval(databases, rules, life, new ConnectionEnds(Grains, NullLogger<ConnectionEnds>.Instance)), TimeProvider.System);
        Groups = new(databases, TimeProvider.System);
        Directory = new(databases);
        Keys = new(databases, Directory, Substitute.For<IApiKeyUsage>(), TimeProvider.System);
        Settings = new(databases, TimeProvider.System);
    }

    public IDbContextFactory<ObotDb> Databases { get; }
    public IGrainFactory Grains { get; } = Substitute.For<IGrainFactory>();
    public IMcpServerGrain Grain { get; } = Substitute.For<IMcpServerGrain>();
    public StoredUsers Users { get; }
    public StoredGroups Groups { get; }
    public UserDirectory Directory { get; }
    public StoredApiKeys Keys { get; }
    public StoredAuthSettings Settings { get; }

    public async Task<Principal> AddAsync(Role role, UserKind kind = UserKind.Person, string? email = null, string? name = null, bool disabled = false)
    {
        var row = new UserRow
        {
            Id = $"u-{Guid.NewGuid():N}",
            Name = name ?? "n",
            Role = role.ToString(),
            Kind = kind.ToString(),
            CreatedAt = TimeProvider.System.Now(),
            DisabledAt = disabled ? TimeProvider.System.Now() : null,
        };
        _emails.Write(row, email);
        await using var db = await Databases.CreateDbContextAsync();
        db.Users.Add(row);
        await db.SaveChangesAsync();
        return new(row.Id, role, "session", Scopes.All);
    }

    public async Task<string> AddServerAsync(Principal owner, bool perUser = true, string name = "s")
    {
        var id = RandomId.New("ms1");
        await using var db = await Databases.CreateDbContextAsync();
        db.Servers.Add(new ServerRow
        {
            Id = id,
            OwnerId = owner.UserId,
            Name = name,
            Manifest = "{}",
            Revision = 1,
            PerUser = perUser,
            CreatedAt = TimeProvider.System.Now(),
            UpdatedAt = TimeProvider.System.Now(),
        });
        await db.SaveChangesAsync();
        return id;
    }

    /// <summary>Subjects of the announcements of a kind since a revision.</summary>
    public async Task<List<string>> AnnouncedAsync(string kind, long since)
    {
        await using var db = await Databases.CreateDbContextAsync();
        return await db.SecurityEvents.Where(row => row.Kind == kind && row.Revision > since).OrderBy(row => row.Revision).Select(row => row.Subject).ToListAsync();
    }

    public async Task<long> RevisionAsync()
    {
        await using var db = await Databases.CreateDbContextAsync();
        return (await db.Database.SqlQuery<long>($"SELECT revision AS \"Value\" FROM security_head").ToListAsync())[0];
    }
}
