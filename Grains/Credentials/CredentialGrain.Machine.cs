using Microsoft.Extensions.Logging;
using Obot.Grains.Abstractions.Credentials;
using Obot.Grains.Abstractions.Outbound;
using Obot.Grains.Credentials.Authorization;
using Obot.Shim.Contracts.Exchange;

namespace Obot.Grains.Credentials;

/// <summary>Tokens that come without the user, where an administrator entered a client that gets them so.</summary>
internal sealed partial class CredentialGrain
{
    /// <summary>Null when there is a token afterwards, or when users sign in for this server; else why there is none.</summary>
    private async Task<ExchangeOutcome?> ObtainAsync(ServerNeed need)
    {
        if (await clients.MachineGrantAsync(ServerId, CancellationToken.None) is not { } kind)
        {
            return null;
        }

        await changing.WaitAsync();
        try
        {
            if (UsableFor(need) is not null)
            {
                // whoever waited before us has got it
                return null;
            }

            var target = await discovery.FindAsync(need.Url!, denies: true, State.Challenge?.Header, CancellationToken.None) ?? throw new AuthorizationFault("The server names no authorization server.");
            var client = await clients.EnsureAsync(ServerId, target, staticOnly: true, CancellationToken.None);
            var answer = await requests.AskAsync(target.TokenEndpoint, client, await machines.FormAsync(kind, UserId, client.ClientId, target, CancellationToken.None), CancellationToken.None);
            var now = time.GetUtcNow();
            var connection = With(
                new Connection
                {
                    ServerUrl = need.Url!.AbsoluteUri,
                    Resource = target.Resource,
                    Issuer = target.Issuer,
                    TokenEndpoint = target.TokenEndpoint,
                    RevocationEndpoint = target.RevocationEndpoint,
                    ClientId = client.ClientId,
                    ClientSecret = client.Secret,
                    AuthMethod = client.AuthMethod,
                    AccessToken = "",
                    ConnectedAt = now,
                    Scopes = target.Scopes ?? [],
                    Grant = kind,
                },
                answer);

            // the next one comes the same way
            await SaveAsync(State with { Connection = connection with { RefreshToken = null, RenewAt = null }, Attempt = null, Reason = null });
            await records.ConnectedAsync(ServerId, UserId, connection.Issuer, CancellationToken.None);
            LogObtained(ServerId, UserId, connection.Issuer, kind);
            return null;
        }
        catch (OutboundRefusedException e)
        {
            LogNoWay(ServerId, UserId, e.Message);
            return Refused(ExchangeErrors.TemporarilyUnavailable, $"the server's authorization server does not issue a token now: {e.Message}");
        }
        catch (Exception e) when (e is TokenDenied or AuthorizationFault)
        {
            LogNoWay(ServerId, UserId, e.Message);
            return Refused(ExchangeErrors.AccessDenied, $"the server's authorization server does not issue a token for you: {e.Message}");
        }
        finally
        {
            changing.Release();
        }
    }

    [LoggerMessage(LogLevel.Information, "Got a token for {UserId} and {ServerId} at {Issuer} by {Grant}")]
    private partial void LogObtained(string serverId, string userId, string issuer, string grant);
}
