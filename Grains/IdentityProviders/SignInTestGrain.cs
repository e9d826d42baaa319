using Obot.Grains.Abstractions.IdentityProviders;

namespace Obot.Grains.IdentityProviders;

/// <summary>A test sign-in under way; in memory and for a quarter of an hour. Key: random.</summary>
internal interface ISignInTestGrain : IGrainWithStringKey
{
    [Alias("Start")]
    Task Start(Draft draft, string userId);

    /// <summary>Null when there is none, or its time is over.</summary>
    [Alias("Find")]
    Task<SignInTest?> Find();

    [Alias("Save")]
    Task Save(SignInTrial trial);
}

/// <param name="UserId">Who started it.</param>
[GenerateSerializer, Immutable, Alias("Obot.SignInTest")]
internal sealed record SignInTest([property: Id(0)] Draft Draft, [property: Id(1)] string UserId, [property: Id(2)] SignInTrial? Trial);

/// <summary><see cref="AuthProvider"/> between silos.</summary>
[GenerateSerializer, Immutable, Alias("Obot.AuthProviderDraft")]
internal sealed record Draft(
    [property: Id(0)] string Id,
    [property: Id(1)] bool IsGitHub,
    [property: Id(2)] string Name,
    [property: Id(3)] string Authority,
    [property: Id(4)] string ClientId,
    [property: Id(5)] string Secret,
    [property: Id(6)] IReadOnlyList<string> Scopes,
    [property: Id(7)] string? GroupsClaim,
    [property: Id(8)] IReadOnlyList<string>? Domains,
    [property: Id(9)] bool TrustEmail,
    [property: Id(10)] string? ResponseMode,
    [property: Id(11)] string? Preset)
{
    public static Draft Of(AuthProvider provider) => new(
        provider.Id,
        provider.Kind is AuthProviderKind.GitHub,
        provider.Name,
        provider.Authority,
        provider.Settings.ClientId,
        provider.Secret,
        provider.Settings.Scopes ?? [],
        provider.Settings.GroupsClaim,
        provider.Settings.AllowedEmailDomains,
        provider.Settings.TrustEmail,
        provider.Settings.ResponseMode,
        provider.Settings.Preset);

    public AuthProvider Provider => new(
        Id,
        IsGitHub ? AuthProviderKind.GitHub : AuthProviderKind.Oidc,
        Name,
        Enabled: true,
        new()
        {
            Preset = Preset, Authority = Authority, ClientId = ClientId, Scopes = Scopes, GroupsClaim = GroupsClaim, AllowedEmailDomains = Domains, TrustEmail = TrustEmail, ResponseMode = ResponseMode,
        },
        Secret);

    public override string ToString() => $"draft of {Id}";
}

[GrainType("sign-in-test")]
internal sealed class SignInTestGrain(TimeProvider time) : Grain, ISignInTestGrain
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(15);
    private SignInTest? test;
    private DateTimeOffset until;

    public Task Start(Draft draft, string userId)
    {
        (test, until) = (new(draft, userId, null), time.GetUtcNow() + Lifetime);
        DelayDeactivation(Lifetime);
        return Task.CompletedTask;
    }

    public Task<SignInTest?> Find()
    {
        if (test is null || time.GetUtcNow() > until)
        {
            DeactivateOnIdle();
            return Task.FromResult<SignInTest?>(null);
        }

        return Task.FromResult<SignInTest?>(test);
    }

    public Task Save(SignInTrial trial)
    {
        test = test is null ? null : test with { Trial = trial };
        return Task.CompletedTask;
    }
}
