using Microsoft.Extensions.Logging;
using Obot.Grains.Abstractions.Credentials;
using Obot.Grains.Abstractions.Outbound;
using Obot.Grains.Credentials.Authorization;
using Obot.Shim.Contracts.Exchange;
using Orleans.Storage;

namespace Obot.Grains.Credentials;

/// <summary>Tokens in use: found, renewed ahead of their expiry, replaced when they are denied.</summary>
internal sealed partial class CredentialGrain
{
    private static readonly TimeSpan UnknownLife = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan WhileRenewing = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan MaxAhead = TimeSpan.FromMinutes(5);

    /// <summary>A token that is denied so soon is not replaced: the next one would be too.</summary>
    private static readonly TimeSpan TooYoung = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);
    private const int SaveAttempts = 8;

    /// <summary>Tells this activation's attempts from those of another one.</summary>
    private readonly string activation = Guid.NewGuid().ToString("N");
    private Task<string?>? renewing;
    private DateTimeOffset? retryAt;

    /// <summary>Null when the server wants none.</summary>
    private async Task<TokenFound> TokenAsync(ServerNeed need)
    {
        if (UsableFor(need) is null && Wants(need) && await ObtainAsync(need) is { } refusal)
        {
            return new(null, TimeSpan.Zero, refusal);
        }

        if (UsableFor(need) is not { } connection)
        {
            return Wants(need)
                ? new(null, TimeSpan.Zero, Refused(ExchangeErrors.InteractionRequired, State.Reason ?? $"'{need.Manifest.Name}' needs your account: connect it here and try again"))
                : new(null, HeadersGoodFor, null);
        }

        var now = time.GetUtcNow();
        if (connection.RenewAt is not { } renewAt || !CanRenew(connection))
        {
            return new(connection.AccessToken, connection.ExpiresAt - now ?? UnknownLife, null);
        }

        if (now < renewAt)
        {
            return new(connection.AccessToken, renewAt - now, null);
        }

        var left = connection.ExpiresAt - now ?? TimeSpan.Zero;
        if (left > WhileRenewing)
        {
            // still good: nobody waits for the next one
            Renew().Ignore();
            return new(connection.AccessToken, WhileRenewing, null);
        }

        var fault = await Renew();
        now = time.GetUtcNow();
        return UsableFor(need) switch
        {
            { } current when !(current.ExpiresAt <= now) => new(current.AccessToken, (current.RenewAt ?? current.ExpiresAt) - now is { } good && good > TimeSpan.Zero ? good : WhileRenewing, null),
            null => new(null, TimeSpan.Zero, Refused(ExchangeErrors.InteractionRequired, State.Reason ?? $"'{need.Manifest.Name}' needs your account: connect it here and try again")),
            _ => new(null, TimeSpan.Zero, Refused(ExchangeErrors.TemporarilyUnavailable, $"your sign-in at '{connection.Issuer}' could not be renewed: {fault ?? "it did not answer"}")),
        };
    }

    private static bool CanRenew(Connection connection) => connection.RefreshToken is not null;

    /// <summary>The server denies the token that is in force: another one, or none any more.</summary>
    private async Task<ExchangeOutcome?> ReplaceAsync(Connection denied)
    {
        if (time.GetUtcNow() - denied.ReceivedAt < TooYoung)
        {
            return Refused(ExchangeErrors.AccessDenied, $"the server denies the token that '{denied.Issuer}' issued for it just now: ask whoever runs it");
        }

        if (CanRenew(denied))
        {
            return await Renew() is { } fault && State.Connection?.AccessToken == denied.AccessToken
                ? Refused(ExchangeErrors.TemporarilyUnavailable, $"the server does not take your token any more, and it could not be renewed: {fault}")
                : null;
        }

        await ChangeAsync(state => state.Connection?.AccessToken == denied.AccessToken
            ? state with { Connection = null, Reason = $"the server does not take your sign-in at '{denied.Issuer}' any more: sign in again here" }
            : state);
        return null;
    }

    /// <summary>One renewal for everybody who waits for it. Null when it worked, else why not.</summary>
    private Task<string?> Renew() => renewing is { IsCompleted: false } running ? running : renewing = RenewOnceAsync();

    private async Task<string?> RenewOnceAsync()
    {
        var before = State.Connection?.AccessToken;
        if (time.GetUtcNow() < retryAt)
        {
            return "the last attempt failed a moment ago";
        }

        await changing.WaitAsync();
        try
        {
            var wasLost = await AwaitOtherAttemptAsync();
            if (State.Connection is not { RefreshToken: not null } connection || connection.AccessToken != before)
            {
                return null;
            }

            // whoever finds this after us knows that the token may have been used
            var now = time.GetUtcNow();
            await WriteAsync(State with { Attempt = new(activation, now, now + options.Value.RefreshTimeout) });
            return await SendRefreshAsync(connection, wasLost);
        }
        catch (InconsistentStateException)
        {
            return "another silo is at it";
        }
        finally
        {
            changing.Release();
        }
    }

    /// <summary>
    /// An attempt that somebody else wrote down: a silo that died on the way, or one that we cannot see. Its outcome is waited for until it can
    /// have none any more; only then the same refresh token is sent again, since nothing better is left.
    /// </summary>
    /// <returns>An attempt is lost.</returns>
    private async Task<bool> AwaitOtherAttemptAsync()
    {
        while (State.Attempt is { } attempt && attempt.Id != activation && time.GetUtcNow() < attempt.Deadline)
        {
            await Task.Delay(LookAgain, time);
            await storage.ReadStateAsync();
        }

        if (State.Attempt is not { } lost || lost.Id == activation)
        {
            return false;
        }

        LogLost(ServerId, UserId, lost.StartedAt);
        return true;
    }

    private async Task<string?> SendRefreshAsync(Connection connection, bool wasLost)
    {
        try
        {
            using var limit = new CancellationTokenSource(options.Value.RefreshTimeout, time);
            var client = await clients.FindAsync(ServerId, connection, limit.Token);
            var answer = await requests.AskAsync(
                connection.TokenEndpoint,
                client,
                new(StringComparer.Ordinal) { ["grant_type"] = "refresh_token", ["refresh_token"] = connection.RefreshToken, ["resource"] = connection.Resource },
                limit.Token);
            await SaveAsync(State with { Attempt = null, Reason = null, Connection = With(connection, answer) });
            retryAt = null;
            GrainsInstruments.Refreshed(renewed: true);
            LogRenewed(ServerId, UserId, connection.Issuer);
            return null;
        }
        catch (TokenDenied denied) when (denied.IsFinal)
        {
            // the access token is not touched: it is good until it expires
            var reason = $"your sign-in at '{connection.Issuer}' has ended ({denied.Message}): sign in again here";
            await SaveAsync(State with { Attempt = null, Reason = reason, Connection = connection with { RefreshToken = null, RenewAt = null } });
            GrainsInstruments.Refreshed(renewed: false);
            LogEnded(ServerId, UserId, connection.Issuer, denied.Error, wasLost);
            return reason;
        }
        catch (Exception e) when (e is TokenDenied or OutboundRefusedException or OperationCanceledException)
        {
            retryAt = time.GetUtcNow() + RetryAfter;
            await SaveAsync(State with { Attempt = null });
            GrainsInstruments.Refreshed(renewed: false);
            LogFailed(ServerId, UserId, connection.Issuer, e.Message);
            return e.Message;
        }
    }

    /// <summary>What the third party has given is not given a second time: writing it down is tried again, and memory keeps it meanwhile.</summary>
    private async Task SaveAsync(CredentialState next)
    {
        for (var attempt = 1; ; attempt++)
        {
            storage.State = next;
            try
            {
                await storage.WriteStateAsync();
                return;
            }
            catch (Exception e) when (e is not InconsistentStateException && attempt < SaveAttempts)
            {
                LogNotSaved(e, ServerId, UserId, attempt);
                await Task.Delay(LookAgain * attempt, time);
            }
        }
    }

    private Connection With(Connection connection, TokenAnswer answer)
    {
        var now = time.GetUtcNow();
        var (expires, renew) = LifeOf(answer, now);
        return connection with
        {
            AccessToken = answer.AccessToken!,
            RefreshToken = answer.RefreshToken ?? connection.RefreshToken,
            ReceivedAt = now,
            ExpiresAt = expires,
            RenewAt = renew,
            Scopes = answer.Scope is { } scope ? scope.Split(' ', StringSplitOptions.RemoveEmptyEntries) : connection.Scopes,
        };
    }

    /// <summary>When it ends, and when it is renewed: ahead, and not all tokens of a morning at the same second.</summary>
    private (DateTimeOffset? Expires, DateTimeOffset? Renew) LifeOf(TokenAnswer answer, DateTimeOffset now)
    {
        if (answer.ExpiresIn is not (> 0 and < 315_360_000) and var seconds)
        {
            return seconds is null or >= 315_360_000 ? (null, null) : (now, now);
        }

        var life = TimeSpan.FromSeconds(answer.ExpiresIn.Value);
        var ahead = life * options.Value.RefreshAhead;
        var jitter = life * (0.1 * Random.Shared.NextDouble());
        return (now + life, now + life - (ahead < MaxAhead ? ahead : MaxAhead) - (jitter < MaxAhead ? jitter : MaxAhead));
    }

    [LoggerMessage(LogLevel.Information, "Renewed the token of {UserId} for {ServerId} at {Issuer}")]
    private partial void LogRenewed(string serverId, string userId, string issuer);

    [LoggerMessage(LogLevel.Warning, "A renewal of the token of {UserId} for {ServerId} began at {StartedAt} and was never finished: the refresh token is sent once more")]
    private partial void LogLost(string serverId, string userId, DateTimeOffset startedAt);

    [LoggerMessage(LogLevel.Warning, "{Issuer} ended the sign-in of {UserId} for {ServerId}: {Error} (after a lost attempt: {WasLost})")]
    private partial void LogEnded(string serverId, string userId, string issuer, string error, bool wasLost);

    [LoggerMessage(LogLevel.Warning, "The token of {UserId} for {ServerId} could not be renewed at {Issuer}: {Fault}")]
    private partial void LogFailed(string serverId, string userId, string issuer, string fault);

    [LoggerMessage(LogLevel.Error, "The new token of {UserId} for {ServerId} could not be written down (attempt {Attempt})")]
    private partial void LogNotSaved(Exception exception, string serverId, string userId, int attempt);
}
