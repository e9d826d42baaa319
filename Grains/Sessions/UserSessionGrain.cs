using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Abstractions.Sessions;

namespace Obot.Grains.Sessions;

/// <summary>What the grain writes down; members are only ever added.</summary>
internal sealed record UserSessionState
{
    public UserSession? Session { get; init; }
}

/// <inheritdoc cref="IUserSessionGrain"/>
[GrainType("user-session")]
internal sealed class UserSessionGrain(
    [PersistentState("user-session")] IPersistentState<UserSessionState> storage,
    IDbContextFactory<ObotDb> databases,
    IOptions<SessionOptions> options,
    TimeProvider time) : Grain, IUserSessionGrain
{
    public async Task Start(UserSession session)
    {
        if (storage.State.Session is not null)
        {
            throw new ConflictException("The session exists already.");
        }

        storage.State = new() { Session = session };
        await storage.WriteStateAsync();
        await using var db = await databases.CreateDbContextAsync();
        db.UserSessions.Add(new UserSessionRow
        {
            Id = session.Id,
            UserId = session.UserId,
            ProviderId = session.ProviderId,
            CreatedAt = session.CreatedAt,
            LastSeenAt = session.LastSeenAt,
            ExpiresAt = Expiry(session),
            UserAgent = session.UserAgent,
            ClientIp = session.ClientIp,
        });
        try
        {
            await db.SaveChangesAsync();
        }
        catch (DbUpdateException)
        {
            // without its row nobody could see or revoke it
            await storage.ClearStateAsync();
            DeactivateOnIdle();
            throw;
        }
    }

    public async Task<UserSession?> Use()
    {
        if (storage.State.Session is not { } session)
        {
            DeactivateOnIdle();
            return null;
        }

        var now = time.Now();
        if (now >= Expiry(session))
        {
            await End();
            return null;
        }

        if (now - session.LastSeenAt >= options.Value.Recheck / 2)
        {
            session = session with { LastSeenAt = now };
            storage.State = new() { Session = session };
            await storage.WriteStateAsync();
        }

        return session;
    }

    /// <summary>The state goes first: a silo that asks between the two steps is refused, and one that does not ask hears of it by the feed.</summary>
    public async Task<bool> End()
    {
        var id = this.GetPrimaryKeyString();
        var existed = storage.State.Session is not null;
        await storage.ClearStateAsync();
        storage.State = new();
        await using var db = await databases.CreateDbContextAsync();
        await using var transaction = await db.Database.BeginTransactionAsync();
        var rows = await db.UserSessions.Where(row => row.Id == id).ExecuteDeleteAsync();
        if (existed || rows > 0)
        {
            await db.AnnounceAsync(SecurityChangeKinds.Session, id, CancellationToken.None);
        }

        await transaction.CommitAsync();
        DeactivateOnIdle();
        return existed || rows > 0;
    }

    public async Task Reap()
    {
        if (storage.State.Session is not { } session || time.Now() >= Expiry(session))
        {
            await End();
            return;
        }

        var (id, expiry) = (session.Id, Expiry(session));
        await using var db = await databases.CreateDbContextAsync();
        await db.UserSessions.Where(row => row.Id == id).ExecuteUpdateAsync(set => set.SetProperty(row => row.ExpiresAt, expiry));
    }

    private DateTimeOffset Expiry(UserSession session)
    {
        var idle = session.LastSeenAt + options.Value.IdleTimeout;
        return idle < session.EndsAt ? idle : session.EndsAt;
    }
}
