using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Credentials;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Credentials.Authorization;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Exchange;

namespace Obot.Grains.Credentials;

/// <summary>
/// The credentials of one user for one server. Turns interleave, because third parties are slow; whoever changes the state holds
/// <see cref="changing"/>, and writes down before it acts.
/// </summary>
[GrainType("credential")]
internal sealed partial class CredentialGrain(
    [PersistentState("credential")] IPersistentState<CredentialState> storage,
    ServerNeeds needs,
    Discovery discovery,
    ClientIdentities clients,
    TokenRequests requests,
    ConnectionRecords records,
    PlatformAddresses addresses,
    IOptions<CredentialOptions> options,
    TimeProvider time,
    ILogger<CredentialGrain> logger) : Grain, ICredentialGrain, IDisposable
{
    /// <summary>Headers do not expire; a change is pushed. This bounds what a lost push costs.</summary>
    private static readonly TimeSpan HeadersGoodFor = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan MinGoodFor = TimeSpan.FromSeconds(1);

    /// <summary>After a refusal at the third party a client's own sign-in goes on without it for so long.</summary>
    private static readonly TimeSpan DeclineHolds = TimeSpan.FromMinutes(5);

    private readonly SemaphoreSlim changing = new(1, 1);

    private McpInstanceId Key => McpInstanceId.Parse(this.GetPrimaryKeyString());

    private string ServerId => Key.ServerId;

    private string UserId => Key.UserId!;

    private CredentialState State => storage.State;

    public async Task<ExchangeOutcome> Exchange(ExchangeDemand demand)
    {
        if (await needs.FindAsync(ServerId, UserId, CancellationToken.None) is not { } need)
        {
            return Refused(ExchangeErrors.AccessDenied, "the server was removed");
        }

        if (need.Missing.Count > 0)
        {
            return Refused(ExchangeErrors.ConfigurationRequired, $"the server needs a value for {string.Join(", ", need.Missing)} first; enter it here and try again");
        }

        if (!need.TakesTokens)
        {
            return demand.Denied is null ? Granted(demand, need, new(null, HeadersGoodFor, null))
                : need.SetsAuthorization
                    ? Refused(ExchangeErrors.ConfigurationRequired, $"the server does not take the credentials that it is configured with (HTTP {demand.Denied.Status}); enter good ones here and try again")
                    : Refused(ExchangeErrors.AccessDenied, $"the server denies access (HTTP {demand.Denied.Status})");
        }

        if (demand.Denied is { } denied && await LearnAsync(need, denied) is { } refusal)
        {
            return refusal;
        }

        var found = await TokenAsync(need);
        return found.Refusal ?? Granted(demand, need, found);
    }

    public async Task<ConnectionView> Find()
    {
        var need = await needs.FindAsync(ServerId, UserId, CancellationToken.None);
        var connection = need is null ? null : UsableFor(need);
        return new()
        {
            Connected = connection is not null,
            Required = need is not null && Wants(need),
            Issuer = connection?.Issuer,
            Scopes = connection?.Scopes ?? [],
            ConnectedAt = connection?.ConnectedAt,
            ExpiresAt = connection?.ExpiresAt,
            Reason = connection is null ? State.Reason : null,
        };
    }

    public async Task<bool> NeedsAccount()
    {
        if (State.DeclinedAt > time.GetUtcNow() - DeclineHolds || await needs.FindAsync(ServerId, UserId, CancellationToken.None) is not { TakesTokens: true } need || UsableFor(need) is not null)
        {
            return false;
        }

        if (Wants(need) || need.WantsAccount is not null)
        {
            return Wants(need);
        }

        var (denies, challenge) = await discovery.ChallengeAsync(need.Url!, CancellationToken.None);
        var wants = denies && await discovery.FindAsync(need.Url!, denies, challenge, CancellationToken.None) is not null;
        await needs.LearnAsync(ServerId, need.Revision, wants, CancellationToken.None);
        return wants;
    }

    public void Dispose() => changing.Dispose();

    /// <summary>A token that is good, or that can be renewed, for the address that the server has now.</summary>
    private Connection? UsableFor(ServerNeed need) =>
        need.TakesTokens && State.Connection is { } connection && connection.ServerUrl == need.Url!.AbsoluteUri && (CanRenew(connection) || !(connection.ExpiresAt <= time.GetUtcNow()))
            ? connection
            : null;

    private bool Wants(ServerNeed need) =>
        need.TakesTokens && (need.StaticClientOnly || need.WantsAccount is true || State.Challenge?.ServerUrl == need.Url!.AbsoluteUri);

    /// <summary>What the server's denial teaches. Null when it makes sense to look for a token now.</summary>
    private async Task<ExchangeOutcome?> LearnAsync(ServerNeed need, ServerDenial denied)
    {
        var challenge = BearerChallenge.Parse(denied.Challenge);
        var connection = UsableFor(need);
        if (denied.Status == 403)
        {
            return challenge is { Error: BearerChallenge.InsufficientScope, Scopes.Count: > 0 } && denied.TokenHash is not null && connection is not null
                ? await StepUpAsync(need, connection, challenge.Scopes)
                : Refused(ExchangeErrors.AccessDenied, "the server denies this call to you (HTTP 403): ask whoever runs it for access");
        }

        if (denied.TokenHash is not null && connection is not null)
        {
            return denied.TokenHash == HashOf(connection.AccessToken) ? await ReplaceAsync(connection) : null;
        }

        if (connection is null && !Wants(need))
        {
            if (challenge is null && await FindTargetAsync(need, denied) is null)
            {
                return Refused(ExchangeErrors.AccessDenied, "the server denies access (HTTP 401) and names no place to sign in: whoever made it has to configure its credentials");
            }

            await needs.LearnAsync(ServerId, need.Revision, wantsAccount: true, CancellationToken.None);
        }

        await ChangeAsync(state => state with { Challenge = new(need.Url!.AbsoluteUri, denied.Challenge, time.GetUtcNow()) });
        return null;
    }

    /// <summary>Scopes of the denial beyond those granted: asked for together with those, a few times.</summary>
    private async Task<ExchangeOutcome?> StepUpAsync(ServerNeed need, Connection connection, IReadOnlyList<string> scopes)
    {
        var (wanted, asked) = (connection.Scopes.Union(scopes, StringComparer.Ordinal).ToList(), State.StepUp?.Granted ?? 0);
        if (asked >= options.Value.MaxStepUps || connection.Scopes.ToHashSet(StringComparer.Ordinal).IsSupersetOf(scopes))
        {
            return Refused(ExchangeErrors.AccessDenied, $"the server denies this call for want of the scope '{string.Join(' ', scopes)}', which your account was asked for and does not give: ask whoever runs it");
        }

        await ChangeAsync(state => state with { StepUp = new(wanted, asked) });
        return Refused(ExchangeErrors.InteractionRequired, $"this call needs more than you granted '{need.Manifest.Name}' ({string.Join(' ', scopes.Except(connection.Scopes, StringComparer.Ordinal))}); grant it here and try again");
    }

    private async Task<AuthorizationTarget?> FindTargetAsync(ServerNeed need, ServerDenial denied)
    {
        try
        {
            return await discovery.FindAsync(need.Url!, denies: false, denied.Challenge, CancellationToken.None);
        }
        catch (AuthorizationFault)
        {
            return null;
        }
    }

    private ExchangeOutcome Granted(ExchangeDemand demand, ServerNeed need, TokenFound found)
    {
        var credentials = new InjectedCredentials { Token = found.Token, Headers = need.Headers };
        var plaintext = JsonSerializer.SerializeToUtf8Bytes(credentials, ShimJson.Default.InjectedCredentials);
        var goodFor = found.GoodFor < HeadersGoodFor ? found.GoodFor : HeadersGoodFor;
        return new() { Sealed = SealedAnswer.Seal(demand.GuardKey, plaintext), GoodFor = goodFor > MinGoodFor ? goodFor : MinGoodFor };
    }

    private static ExchangeOutcome Refused(string error, string description) => new() { Error = error, Description = description };

    private static string HashOf(string token) => Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    private async Task ChangeAsync(Func<CredentialState, CredentialState> change)
    {
        await changing.WaitAsync();
        try
        {
            await WriteAsync(change(State));
        }
        finally
        {
            changing.Release();
        }
    }

    /// <summary>Only with <see cref="changing"/>. Whoever lost the row to another activation learns what stands there now.</summary>
    private async Task WriteAsync(CredentialState next)
    {
        var before = State;
        storage.State = next;
        try
        {
            await storage.WriteStateAsync();
        }
        catch
        {
            storage.State = before;
            DeactivateOnIdle();
            throw;
        }
    }

    /// <param name="Token">Null when the server wants none.</param>
    private sealed record TokenFound(string? Token, TimeSpan GoodFor, ExchangeOutcome? Refusal)
    {
        public override string ToString() => nameof(TokenFound);
    }
}
