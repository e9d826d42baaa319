using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Llm;

/// <summary>
/// Port: from what a caller asks for to what may be called, from memory. Providers, models, aliases, policies and budgets are read once per
/// silo and change.
/// </summary>
public interface ILlmDirectory
{
    /// <param name="asked">Alias, name, id, or <c>{provider}/{targetModel}</c>.</param>
    ValueTask<LlmDecision> Resolve(Principal caller, string asked, CancellationToken cancellationToken);

    /// <summary>The same for the platform itself, which needs no policy; empty where there is nothing of that name.</summary>
    ValueTask<IReadOnlyList<LlmTarget>> Find(string asked, CancellationToken cancellationToken);

    /// <summary>What the caller may ask for: aliases, then names, each once.</summary>
    ValueTask<IReadOnlyList<LlmListing>> Visible(Principal caller, CancellationToken cancellationToken);
}

public enum LlmVerdict
{
    Allowed,

    /// <summary>Nothing of that name, or nothing of it is switched on.</summary>
    Unknown,

    /// <summary>No model access policy opens it for the caller.</summary>
    Denied,
}

/// <param name="Targets">In the order in which they are to be tried first, before weights.</param>
/// <param name="Budgets">Those that the call counts against.</param>
/// <param name="Policies">Message policies that it has to pass.</param>
public sealed record LlmDecision(LlmVerdict Verdict, IReadOnlyList<LlmTarget> Targets, IReadOnlyList<LlmBudgetScope> Budgets, IReadOnlyList<MessagePolicyView> Policies)
{
    public static LlmDecision Unknown { get; } = new(LlmVerdict.Unknown, [], [], []);

    public static LlmDecision Denied { get; } = new(LlmVerdict.Denied, [], [], []);
}

/// <param name="Name">What to ask for.</param>
/// <param name="OwnedBy">Id of the provider; <c>obot</c> for an alias.</param>
public sealed record LlmListing(string Name, string OwnedBy, string Usage, DateTimeOffset CreatedAt);

/// <summary>One model at one provider.</summary>
public sealed record LlmTarget(LlmProvider Provider, string ModelId, string Name, string Model, string Usage, ModelPrices? Prices)
{
    public int Weight { get; init; } = 1;

    public int Order { get; init; }
}

/// <summary>A provider, ready to be called. Compared by reference: a change makes another one.</summary>
public sealed class LlmProvider
{
    public required string Id { get; init; }
    public required string Kind { get; init; }

    /// <summary>Without a trailing slash.</summary>
    public required string BaseUrl { get; init; }
    public required ModelProviderSettings Settings { get; init; }

    /// <summary>In memory only; never logged.</summary>
    public required IReadOnlyDictionary<string, string> Credentials { get; init; }
    public required long Revision { get; init; }

    /// <summary>Tells a provider from one of the same id that was removed before it.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    public Uri Address => field ??= new(BaseUrl);

    public TimeSpan FirstToken => TimeSpan.FromSeconds(Settings.FirstTokenSeconds ?? 120);

    public TimeSpan BetweenTokens => TimeSpan.FromSeconds(Settings.BetweenTokensSeconds ?? 60);

    public TimeSpan Total => TimeSpan.FromSeconds(Settings.TotalSeconds ?? 1800);

    public override string ToString() => $"{Kind} {Id}";
}

/// <summary>Port: what makes a request the platform's own at a provider.</summary>
public interface ILlmCredentials
{
    /// <summary>Headers to set on the request, from memory but for an Entra token that has to be fetched or renewed.</summary>
    /// <exception cref="InvalidOperationException">There is no credential, or the token service refused; the message says which.</exception>
    ValueTask<IReadOnlyList<KeyValuePair<string, string>>> HeadersFor(LlmProvider provider, LlmRequest request, CancellationToken cancellationToken);
}

/// <param name="Body">What is sent: SigV4 signs it.</param>
public readonly record struct LlmRequest(string Method, Uri Url, ReadOnlyMemory<byte> Body);
