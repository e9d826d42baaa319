using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Obot.Grains.Abstractions.Credentials;
using Obot.Grains.Abstractions.Outbound;
using Obot.Grains.Credentials.Authorization;

namespace Obot.Grains.Credentials;

/// <summary>The way to a third party and back (MCP 2026-07-28, Authorization; OAuth 2.1 section 4.1), and the end of it.</summary>
internal sealed partial class CredentialGrain
{
    private const string OfflineAccess = "offline_access";

    public async Task<ConnectOutcome> Connect(string? returnPath)
    {
        if (await needs.FindAsync(ServerId, UserId, CancellationToken.None) is not { } need)
        {
            return Failed("The server was removed.", returnPath);
        }

        if (!need.TakesTokens)
        {
            return new() { NotNeeded = true, ReturnPath = returnPath };
        }

        await changing.WaitAsync();
        try
        {
            var (denies, challenge) = State.Challenge is { } known && known.ServerUrl == need.Url!.AbsoluteUri
                ? (true, known.Header)
                : await discovery.ChallengeAsync(need.Url!, CancellationToken.None);
            if (await discovery.FindAsync(need.Url!, denies, challenge, CancellationToken.None) is not { } target)
            {
                await needs.LearnAsync(ServerId, need.Revision, wantsAccount: false, CancellationToken.None);
                return new() { NotNeeded = true, ReturnPath = returnPath };
            }

            var client = await clients.EnsureAsync(ServerId, target, need.StaticClientOnly, CancellationToken.None);
            var signIn = new PendingSignIn
            {
                Nonce = NewSecret(),
                Verifier = NewSecret(),
                ServerUrl = need.Url!.AbsoluteUri,
                Target = target,
                ClientId = client.ClientId,
                ClientSecret = client.Secret,
                AuthMethod = client.AuthMethod,
                Scopes = ScopesFor(need, target),
                ReturnPath = returnPath,
                ExpiresAt = time.GetUtcNow() + options.Value.SignInLifetime,
            };
            await WriteAsync(State with { SignIn = signIn });
            if (need.WantsAccount is not true)
            {
                await needs.LearnAsync(ServerId, need.Revision, wantsAccount: true, CancellationToken.None);
            }

            return new() { Url = AuthorizationUrl(signIn), Nonce = signIn.Nonce, ReturnPath = returnPath };
        }
        catch (AuthorizationFault fault)
        {
            LogNoWay(ServerId, UserId, fault.Message);
            return Failed(fault.Message, returnPath);
        }
        finally
        {
            changing.Release();
        }
    }

    public async Task<ConnectOutcome> Complete(AuthorizationReturn answer)
    {
        await changing.WaitAsync();
        try
        {
            if (State.SignIn is not { } signIn || signIn.ExpiresAt < time.GetUtcNow() || !CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(signIn.Nonce), Encoding.ASCII.GetBytes(answer.Nonce)))
            {
                return Failed("This sign-in took too long, was finished already, or another one was begun after it. Begin again.", null);
            }

            // whatever comes of it: an answer counts once
            var declined = answer.Error == "access_denied" ? time.GetUtcNow() : (DateTimeOffset?)null;
            await WriteAsync(State with { SignIn = null, DeclinedAt = declined });
            if (FaultOf(signIn, answer) is { } fault)
            {
                LogNoWay(ServerId, UserId, fault);
                return Failed(fault, signIn.ReturnPath);
            }

            return await RedeemAsync(signIn, answer.Code!);
        }
        catch (Exception e) when (e is TokenDenied or OutboundRefusedException)
        {
            LogNoWay(ServerId, UserId, e.Message);
            return Failed($"The third party does not issue a token: {e.Message}", null);
        }
        finally
        {
            changing.Release();
        }
    }

    public async Task<bool> Disconnect()
    {
        await changing.WaitAsync();
        try
        {
            var connection = State.Connection;
            await storage.ClearStateAsync();
            storage.State = new();
            await records.DisconnectedAsync(ServerId, UserId, CancellationToken.None);
            if (connection is null)
            {
                return false;
            }

            await RevokeAsync(connection);
            return true;
        }
        finally
        {
            changing.Release();
        }
    }

    /// <summary>RFC 9207, and OAuth 2.1 section 4.1.2.1. The issuer comes first: a stranger's error is no news of ours.</summary>
    private static string? FaultOf(PendingSignIn signIn, AuthorizationReturn answer) => answer switch
    {
        { Issuer: null } when signIn.Target.SendsIssuer => $"The answer does not say that it comes from '{signIn.Target.Issuer}' (RFC 9207), which always does: it is not taken.",
        { Issuer: { } issuer } when issuer != signIn.Target.Issuer => $"The answer comes from '{issuer}', not from '{signIn.Target.Issuer}', where you were sent: it is not taken.",
        { Error: "access_denied" } => "You, or the third party, said no.",
        { Error: { } error } => $"The third party answered '{error}'. {answer.ErrorDescription}",
        { Code: null or "" } => "The third party answered without a code.",
        _ => null,
    };

    private async Task<ConnectOutcome> RedeemAsync(PendingSignIn signIn, string code)
    {
        var client = new ClientIdentity(signIn.ClientId, signIn.ClientSecret, signIn.AuthMethod);
        TokenAnswer token;
        try
        {
            token = await requests.AskAsync(
                signIn.Target.TokenEndpoint,
                client,
                new(StringComparer.Ordinal)
                {
                    ["grant_type"] = "authorization_code",
                    ["code"] = code,
                    ["redirect_uri"] = addresses.RedirectUri,
                    ["code_verifier"] = signIn.Verifier,
                    ["resource"] = signIn.Target.Resource,
                },
                CancellationToken.None);
        }
        catch (TokenDenied denied) when (denied.Error is "invalid_client")
        {
            await clients.ForgetAsync(ServerId, signIn.ClientId, CancellationToken.None);
            throw;
        }

        var now = time.GetUtcNow();
        var connection = With(
            new Connection
            {
                ServerUrl = signIn.ServerUrl,
                Resource = signIn.Target.Resource,
                Issuer = signIn.Target.Issuer,
                TokenEndpoint = signIn.Target.TokenEndpoint,
                RevocationEndpoint = signIn.Target.RevocationEndpoint,
                ClientId = signIn.ClientId,
                ClientSecret = signIn.ClientSecret,
                AuthMethod = signIn.AuthMethod,
                AccessToken = "",
                ConnectedAt = now,
                Scopes = signIn.Scopes,
            },
            token);
        var steps = State.StepUp is { } step ? step with { Granted = step.Granted + 1 } : null;
        retryAt = null;
        await SaveAsync(State with { Connection = connection, Attempt = null, Reason = null, DeclinedAt = null, StepUp = steps });
        await records.ConnectedAsync(ServerId, UserId, connection.Issuer, CancellationToken.None);
        LogConnected(ServerId, UserId, connection.Issuer);
        return new() { ReturnPath = signIn.ReturnPath };
    }

    /// <summary>What the server asked for, what was granted before, and a refresh token where there is one to be had.</summary>
    private List<string> ScopesFor(ServerNeed need, AuthorizationTarget target)
    {
        var scopes = new List<string>(target.Scopes ?? []);
        if (State.StepUp is { } step && State.Connection?.ServerUrl == need.Url!.AbsoluteUri)
        {
            scopes.AddRange(step.Scopes);
        }

        if (target.OffersRefresh)
        {
            scopes.Add(OfflineAccess);
        }

        return [.. scopes.Distinct(StringComparer.Ordinal)];
    }

    private string AuthorizationUrl(PendingSignIn signIn)
    {
        var parameters = new List<(string Key, string? Value)>
        {
            ("response_type", "code"),
            ("client_id", signIn.ClientId),
            ("redirect_uri", addresses.RedirectUri),
            ("code_challenge", Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(signIn.Verifier)))),
            ("code_challenge_method", "S256"),
            ("resource", signIn.Target.Resource),
            ("scope", signIn.Scopes.Count == 0 ? null : string.Join(' ', signIn.Scopes)),

            // without being asked, OpenID providers give no refresh token (OpenID Connect Core, section 11)
            ("prompt", signIn.Scopes.Contains(OfflineAccess, StringComparer.Ordinal) ? "consent" : null),
        };
        var endpoint = signIn.Target.AuthorizationEndpoint;
        var query = string.Join('&', parameters.Where(pair => pair.Value is not null).Select(pair => $"{pair.Key}={Uri.EscapeDataString(pair.Value!)}"));
        return $"{endpoint}{(endpoint.Contains('?', StringComparison.Ordinal) ? '&' : '?')}{query}";
    }

    /// <summary>The refresh token first: with it, decent servers end everything that came of it (RFC 7009 section 2.1).</summary>
    private async Task RevokeAsync(Connection connection)
    {
        if (connection.RevocationEndpoint is not { } endpoint)
        {
            return;
        }

        try
        {
            var client = await clients.FindAsync(ServerId, connection, CancellationToken.None);
            if (connection.RefreshToken is { } refresh)
            {
                await requests.RevokeAsync(endpoint, client, refresh, "refresh_token", CancellationToken.None);
            }

            await requests.RevokeAsync(endpoint, client, connection.AccessToken, "access_token", CancellationToken.None);
        }
        catch (OutboundRefusedException e)
        {
            LogNotRevoked(ServerId, UserId, connection.Issuer, e.Message);
        }
    }

    private static ConnectOutcome Failed(string fault, string? returnPath) => new() { Fault = fault, ReturnPath = returnPath };

    private static string NewSecret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    [LoggerMessage(LogLevel.Information, "{UserId} connected an account of {Issuer} for {ServerId}")]
    private partial void LogConnected(string serverId, string userId, string issuer);

    [LoggerMessage(LogLevel.Information, "{UserId} could not connect an account for {ServerId}: {Fault}")]
    private partial void LogNoWay(string serverId, string userId, string fault);

    [LoggerMessage(LogLevel.Warning, "The tokens of {UserId} for {ServerId} are forgotten here, but {Issuer} could not be told: {Fault}")]
    private partial void LogNotRevoked(string serverId, string userId, string issuer, string fault);
}
