using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Obot.Data;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Sessions;
using Orleans.Runtime;

namespace Obot.Grains.Sessions;

/// <inheritdoc cref="IUserSessions"/>
internal sealed class UserSessions(
    IGrainFactory grains, IDbContextFactory<ObotDb> databases, IUserDirectory users, SessionUse use, IOptions<SessionOptions> options, TimeProvider time) : IUserSessions
{
    private const int Most = 500;
    private const int MaxUserAgent = 300;

    public async Task<string> Start(NewUserSession request, CancellationToken cancellationToken)
    {
        var key = SessionKey.New();
        var (id, now) = (SessionKey.IdOf(key), time.Now());
        var agent = request.UserAgent.Length > MaxUserAgent ? request.UserAgent[..MaxUserAgent] : request.UserAgent;
        await Grain(id).Start(new(
            id, request.UserId, request.ProviderId, request.Scopes, request.ServerIds, request.KeyId, now, now, now + options.Value.AbsoluteTimeout, agent, request.ClientIp));
        use.Used(id);
        return key;
    }

    public async Task<UserSession?> Use(string sessionId, CancellationToken cancellationToken)
    {
        try
        {
            return await Grain(sessionId).Use();
        }
        catch (Exception e) when (e is SiloUnavailableException or OrleansMessageRejectionException or TimeoutException)
        {
            // its silo may just have died: asking again is harmless and finds the next one
            cancellationToken.ThrowIfCancellationRequested();
            return await Grain(sessionId).Use();
        }
    }

    public void Used(string sessionId) => use.Used(sessionId);

    public Task<bool> End(string sessionId, CancellationToken cancellationToken) => Grain(sessionId).End();

    public async Task<IReadOnlyList<UserSessionView>> List(Principal caller, string userId, CancellationToken cancellationToken)
    {
        await CheckAsync(caller, userId, cancellationToken);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var now = time.Now();
        return await db.UserSessions.AsNoTracking().Where(row => row.UserId == userId && row.ExpiresAt > now)
            .OrderByDescending(row => row.CreatedAt).ThenBy(row => row.Id).Take(Most)
            .Select(row => new UserSessionView
            {
                Id = row.Id,
                UserId = row.UserId,
                ProviderId = row.ProviderId,
                CreatedAt = row.CreatedAt,
                LastSeenAt = row.LastSeenAt,
                ExpiresAt = row.ExpiresAt,
                UserAgent = row.UserAgent,
                ClientIp = row.ClientIp,
                Current = row.Id == caller.CredentialId,
            }).ToListAsync(cancellationToken);
    }

    public async Task<bool> Revoke(Principal caller, string userId, string sessionId, CancellationToken cancellationToken)
    {
        await CheckAsync(caller, userId, cancellationToken);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.UserSessions.AnyAsync(row => row.Id == sessionId && row.UserId == userId, cancellationToken) && await Grain(sessionId).End();
    }

    public async Task<int> RevokeAll(Principal caller, string userId, string? exceptId, CancellationToken cancellationToken)
    {
        await CheckAsync(caller, userId, cancellationToken);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var ids = await db.UserSessions.Where(row => row.UserId == userId && row.Id != exceptId).Select(row => row.Id).ToListAsync(cancellationToken);
        var ended = await Task.WhenAll(ids.Select(id => Grain(id).End()));
        return ended.Count(done => done);
    }

    private async Task CheckAsync(Principal caller, string userId, CancellationToken cancellationToken)
    {
        if (caller.ServerIds is not null)
        {
            throw new NotAllowedException("The credential is bound to some servers; sessions need one that is not.");
        }

        if (caller.UserId == userId)
        {
            return;
        }

        if (caller.Role < Role.Admin)
        {
            throw new NotAllowedException("Sessions of others need role 'admin'.");
        }

        if (await users.Find(userId, cancellationToken) is { } user && user.Role > caller.Role)
        {
            throw new NotAllowedException($"The user has role '{user.Role.Text()}', which stands above yours.");
        }
    }

    private IUserSessionGrain Grain(string id) => grains.GetGrain<IUserSessionGrain>(id);
}
