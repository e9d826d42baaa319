using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Identity;

/// <inheritdoc cref="ISignIn"/>
internal sealed class SignIn(IOptions<AuthOptions> options, IApiKeys apiKeys, IBootstrap state, IUserDirectory users, OneTimeCodes codes) : ISignIn
{
    private static readonly TimeSpan CodeLifetime = TimeSpan.FromMinutes(10);

    private static readonly Principal Owner = new(WellKnownUsers.Bootstrap, Role.Owner, "bootstrap", Scopes.All);

    private readonly byte[]? bootstrap = options.Value.BootstrapToken is { Length: > 0 } token ? Hash(token) : null;

    public async Task<Principal?> WithToken(string token, CancellationToken cancellationToken)
    {
        if (IsBootstrap(token))
        {
            return await state.State(cancellationToken) is BootstrapState.Ended ? null : Owner;
        }

        var found = await apiKeys.Authenticate(token, cancellationToken);
        return found?.Principal is { } principal && principal.Has(Scopes.Api) ? principal : null;
    }

    public async Task<Principal?> WithCode(string code, CancellationToken cancellationToken) =>
        await codes.Spend(OneTimeCodes.SignIn, code, cancellationToken) is { } userId && await users.Find(userId, cancellationToken) is { } user
            ? user.As(userId, Scopes.All)
            : null;

    public Task<string> IssueCode(string userId, CancellationToken cancellationToken) => codes.Issue(OneTimeCodes.SignIn, userId, CodeLifetime, cancellationToken);

    public string? WhyRefused(string token) => IsBootstrap(token)
        ? "The bootstrap token has ended, because an owner has signed in. Sign in as yourself, or send an API key; Obot__Auth__BootstrapToken in the environment of the silos brings a token back."
        : null;

    private bool IsBootstrap(string token) => bootstrap is not null && CryptographicOperations.FixedTimeEquals(bootstrap, Hash(token));

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
