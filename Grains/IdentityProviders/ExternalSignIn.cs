using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.IdentityProviders;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Identity;

namespace Obot.Grains.IdentityProviders;

/// <inheritdoc cref="IExternalSignIn"/>
internal sealed class ExternalSignIn(
    IDbContextFactory<ObotDb> databases,
    IUserDirectory users,
    IAuthSettings settings,
    IBootstrap bootstrap,
    UserEmails emails,
    PreassignedRoles preassigned,
    TimeProvider time) : IExternalSignIn
{
    public const string UserIdPrefix = "pu1";

    public async Task<ExternalSignInResult> SignIn(AuthProvider provider, ExternalIdentity identity, CancellationToken cancellationToken)
    {
        if (EmailRule.Refusal(provider.Settings, identity) is { } refusal)
        {
            return new(null, refusal);
        }

        var defaultRole = await settings.DefaultRole(cancellationToken);
        var now = time.Now();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);

        // somebody's first sign-in may come twice at once, at two silos
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(hashtextextended({$"{provider.Id}\n{identity.Subject}"}, 0))", cancellationToken);
        var link = await db.UserIdentities.SingleOrDefaultAsync(row => row.ProviderId == provider.Id && row.Subject == identity.Subject, cancellationToken);
        var user = link is null ? null : await db.Users.SingleAsync(row => row.Id == link.UserId, cancellationToken);
        if (user is { DisabledAt: not null })
        {
            return new(null, SignInRefusal.Disabled);
        }

        var changed = user is null;
        if (user is null || link is null)
        {
            user = new() { Id = RandomId.New(UserIdPrefix), Name = identity.Name, Role = defaultRole.ToString(), CreatedAt = now };
            link = new() { ProviderId = provider.Id, Subject = identity.Subject, UserId = user.Id, CreatedAt = now, LastSignInAt = now };
            db.Users.Add(user);
            db.UserIdentities.Add(link);
        }

        Write(user, identity);
        if (Raised(user) is { } role)
        {
            (user.Role, changed) = (role.ToString(), true);
        }

        (user.LastSeenAt, link.LastSignInAt) = (now, now);
        await db.SaveChangesAsync(cancellationToken);
        changed |= await ExternalGroups.ReplaceAsync(db, provider.Id, user.Id, identity.Groups, now, cancellationToken);
        if (changed)
        {
            await db.AnnounceAsync(SecurityChangeKinds.User, user.Id, cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        await bootstrap.EndIfDue(cancellationToken);
        return await users.Find(user.Id, cancellationToken) is { } standing ? new(standing, null) : new(null, SignInRefusal.Disabled);
    }

    public async Task<UserStanding?> Find(AuthProvider provider, string subject, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var id = await db.UserIdentities.AsNoTracking().Where(row => row.ProviderId == provider.Id && row.Subject == subject).Select(row => row.UserId).SingleOrDefaultAsync(cancellationToken);
        return id is null ? null : await users.Find(id, cancellationToken);
    }

    public async Task<ExternalVerdict> Judge(AuthProvider provider, ExternalIdentity identity, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var known = await db.UserIdentities.AsNoTracking().Where(row => row.ProviderId == provider.Id && row.Subject == identity.Subject)
            .Join(db.Users, row => row.UserId, user => user.Id, (_, user) => user).SingleOrDefaultAsync(cancellationToken);
        var user = known ?? new UserRow { Id = "", Name = identity.Name, Role = (await settings.DefaultRole(cancellationToken)).ToString(), CreatedAt = time.Now() };
        Write(user, identity);
        var role = Raised(user) ?? RoleOf(user);
        var refusal = EmailRule.Refusal(provider.Settings, identity) ?? (user.DisabledAt is null ? null : SignInRefusal.Disabled);
        return new(refusal, role, known is null);
    }

    /// <summary>Only verified addresses are indexed: roles are given by the index.</summary>
    private void Write(UserRow user, ExternalIdentity identity)
    {
        emails.Write(user, identity.Email);
        if (!identity.EmailVerified)
        {
            user.EmailIndex = null;
        }
    }

    /// <summary>The role by configuration, where it is above the one that is there.</summary>
    private Role? Raised(UserRow user) => preassigned.Of(user) is { Role: var least } && least > RoleOf(user) ? least : null;

    private static Role RoleOf(UserRow user) => Enum.TryParse<Role>(user.Role, out var role) ? role : Role.Basic;
}
