using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.LocalAccounts;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Abstractions.Sessions;
using Obot.Grains.Identity;
using Obot.Grains.IdentityProviders;

namespace Obot.Grains.LocalAccounts;

/// <inheritdoc cref="ILocalAccounts"/>
internal sealed partial class StoredLocalAccounts(
    IDbContextFactory<ObotDb> databases,
    IUserDirectory users,
    IAuthSettings settings,
    IUserSessions sessions,
    IBootstrap bootstrap,
    OneTimeCodes codes,
    Passwords passwords,
    Attempts attempts,
    IOptions<AuthOptions> options,
    TimeProvider time) : ILocalAccounts
{
    private static readonly TimeSpan CodeLifetime = TimeSpan.FromDays(1);
    private const int Most = 500;

    public bool IsEnabled => options.Value.LocalAccounts;

    public async Task<CreatedLocalAccount> Create(Principal caller, NewLocalAccount request, CancellationToken cancellationToken)
    {
        Administrators.Check(caller);
        CheckEnabled();
        var userName = request.UserName.Trim().ToLowerInvariant();
        if (!UserNameForm().IsMatch(userName))
        {
            throw new InvalidInputException("userName", "Must be 3 to 64 of a–z, 0–9 and . _ - @, beginning with a letter or digit.");
        }

        var name = request.Name?.Trim() is { Length: > 0 } given ? given : userName;
        if (name.Length > 100 || name.Any(char.IsControl))
        {
            throw new InvalidInputException("name", "Must be a text of 1 to 100 characters without control characters.");
        }

        var role = request.Role is { } wanted ? RoleNames.Parse(wanted, "role") : await settings.DefaultRole(cancellationToken);
        if (role > caller.Role)
        {
            throw new NotAllowedException($"Nobody gives a role above their own: yours is '{caller.Role.Text()}', asked for was '{role.Text()}'.");
        }

        var (id, now) = (RandomId.New(ExternalSignIn.UserIdPrefix), time.Now());
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        db.Users.Add(new UserRow { Id = id, Name = name, Role = role.ToString(), CreatedAt = now });
        db.LocalAccounts.Add(new LocalAccountRow { UserId = id, UserName = userName, PasswordHash = "", Failures = 0, ChangedAt = now });
        try
        {
            await db.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException e) when (e.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            throw new ConflictException($"There is a local account '{userName}' already.");
        }

        return new(id, userName, name, role, await codes.Issue(OneTimeCodes.SetPassword, id, CodeLifetime, cancellationToken));
    }

    public async Task<IReadOnlyList<LocalAccountView>> List(Principal caller, CancellationToken cancellationToken)
    {
        Administrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await db.LocalAccounts.AsNoTracking().Join(db.Users, account => account.UserId, user => user.Id, (account, user) => new { account, user })
            .OrderBy(pair => pair.account.UserName).Take(Most).ToListAsync(cancellationToken);
        return [.. rows.Select(pair => new LocalAccountView(
            pair.user.Id, pair.account.UserName, pair.user.Name, Enum.Parse<Role>(pair.user.Role), pair.account.PasswordHash.Length > 0, pair.account.ChangedAt, pair.account.Failures))];
    }

    public async Task<string?> IssuePasswordCode(Principal caller, string userId, CancellationToken cancellationToken)
    {
        Administrators.Check(caller);
        CheckEnabled();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (!await db.LocalAccounts.AnyAsync(row => row.UserId == userId, cancellationToken) || await users.Find(userId, cancellationToken) is not { } user)
        {
            return null;
        }

        return user.Role <= caller.Role
            ? await codes.Issue(OneTimeCodes.SetPassword, userId, CodeLifetime, cancellationToken)
            : throw new NotAllowedException($"'{user.Name}' has role '{user.Role.Text()}', which stands above yours.");
    }

    public async Task<string?> Peek(string code, CancellationToken cancellationToken)
    {
        if (!IsEnabled || await codes.Peek(OneTimeCodes.SetPassword, code, cancellationToken) is not { } userId)
        {
            return null;
        }

        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.LocalAccounts.Where(row => row.UserId == userId).Select(row => row.UserName).SingleOrDefaultAsync(cancellationToken);
    }

    public async Task<UserStanding?> SetPassword(string code, string password, CancellationToken cancellationToken)
    {
        if (await Peek(code, cancellationToken) is not { } userName)
        {
            return null;
        }

        Passwords.Check(password, userName, "password");
        var hash = await passwords.Hash(password, cancellationToken);
        if (await codes.Spend(OneTimeCodes.SetPassword, code, cancellationToken) is not { } userId)
        {
            return null;
        }

        await WriteAsync(userId, hash, cancellationToken);
        await attempts.Succeeded(userName, device: null);
        return await SignedInAsync(userId, cancellationToken);
    }

    public async Task<UserStanding?> ChangePassword(Principal caller, string current, string next, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (!IsEnabled || await db.LocalAccounts.AsNoTracking().SingleOrDefaultAsync(row => row.UserId == caller.UserId, cancellationToken) is not { } account)
        {
            return null;
        }

        if (await attempts.ByName(account.UserName, caller.CredentialId) is var wait && wait > TimeSpan.Zero)
        {
            throw new InvalidInputException("current", $"Too many attempts. Try again in {Math.Ceiling(wait.TotalSeconds)} s.");
        }

        if (!(await passwords.Verify(account.PasswordHash, current, cancellationToken)).Right)
        {
            throw new InvalidInputException("current", "That is not your present password.");
        }

        Passwords.Check(next, account.UserName, "next");
        await WriteAsync(caller.UserId, await passwords.Hash(next, cancellationToken), cancellationToken);
        return await SignedInAsync(caller.UserId, cancellationToken);
    }

    public async Task<LocalSignIn> SignIn(string userName, string password, string? device, string clientIp, CancellationToken cancellationToken)
    {
        var name = userName.Trim().ToLowerInvariant();
        if (!IsEnabled || name.Length is 0 or > 64 || password.Length is 0 or > Passwords.Longest)
        {
            return new(null, null, TimeSpan.Zero);
        }

        if (await attempts.ByAddress(clientIp) is var byAddress && byAddress > TimeSpan.Zero)
        {
            return new(null, null, byAddress);
        }

        if (await attempts.ByName(name, device) is var byName && byName > TimeSpan.Zero)
        {
            return new(null, null, byName);
        }

        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var account = await db.LocalAccounts.SingleOrDefaultAsync(row => row.UserName == name, cancellationToken);
        var (right, outdated) = await passwords.Verify(account?.PasswordHash, password, cancellationToken);
        if (!right || account is null)
        {
            await db.LocalAccounts.Where(row => row.UserName == name).ExecuteUpdateAsync(set => set.SetProperty(row => row.Failures, row => row.Failures + 1), cancellationToken);
            return new(null, null, TimeSpan.Zero);
        }

        await attempts.Succeeded(name, device);
        await attempts.Forgive(clientIp);
        account.Failures = 0;
        account.PasswordHash = outdated ? await passwords.Hash(password, cancellationToken) : account.PasswordHash;
        await db.SaveChangesAsync(cancellationToken);
        return await SignedInAsync(account.UserId, cancellationToken) is { } user
            ? new(user, device ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), TimeSpan.Zero)
            : new(null, null, TimeSpan.Zero);
    }

    public async Task<bool> Has(string userId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return IsEnabled && await db.LocalAccounts.AnyAsync(row => row.UserId == userId, cancellationToken);
    }

    public Task<TimeSpan> CountAttempt(string clientIp, CancellationToken cancellationToken) => attempts.ByAddress(clientIp);

    public Task ForgiveAttempt(string clientIp, CancellationToken cancellationToken) => attempts.Forgive(clientIp);

    /// <summary>Whoever knew the old password is signed out.</summary>
    private async Task WriteAsync(string userId, string hash, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var now = time.Now();
        await db.LocalAccounts.Where(row => row.UserId == userId).ExecuteUpdateAsync(
            set => set.SetProperty(row => row.PasswordHash, hash).SetProperty(row => row.Failures, 0).SetProperty(row => row.ChangedAt, now), cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.User, userId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        var open = await db.UserSessions.Where(row => row.UserId == userId).Select(row => row.Id).ToListAsync(cancellationToken);
        await Task.WhenAll(open.Select(id => sessions.End(id, cancellationToken)));
    }

    private async Task<UserStanding?> SignedInAsync(string userId, CancellationToken cancellationToken)
    {
        if (await users.Find(userId, cancellationToken) is not { } user)
        {
            return null;
        }

        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var now = time.Now();
        await db.Users.Where(row => row.Id == userId).ExecuteUpdateAsync(set => set.SetProperty(row => row.LastSeenAt, now), cancellationToken);
        await bootstrap.EndIfDue(cancellationToken);
        return user;
    }

    private void CheckEnabled()
    {
        if (!IsEnabled)
        {
            throw new ConflictException("Local accounts are switched off (Obot:Auth:LocalAccounts).");
        }
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9._@-]{2,63}$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex UserNameForm();
}
