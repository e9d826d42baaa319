using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Abstractions.Llm;

/// <summary>Body of <c>POST</c> and <c>PUT</c> of <c>/api/models</c>; what is left out stays.</summary>
public sealed record ModelDraft
{
    /// <summary>Id of the provider; fixed once made.</summary>
    public string? ModelProvider { get; init; }

    /// <summary>The provider's name of the model; fixed once made.</summary>
    public string? TargetModel { get; init; }

    /// <summary>What callers ask for; the provider's name when left out.</summary>
    public string? Name { get; init; }

    /// <summary>One of <see cref="ModelUsages"/>.</summary>
    public string? Usage { get; init; }

    public bool? Active { get; init; }

    public ModelPrices? Prices { get; init; }
}

/// <summary>US dollars for a million tokens.</summary>
/// <param name="Input">Read by the model.</param>
/// <param name="Output">Written by the model, reasoning included.</param>
/// <param name="CachedInput">Read from the provider's cache; as <paramref name="Input"/> when left out.</param>
public sealed record ModelPrices(decimal Input, decimal Output, decimal? CachedInput = null);

/// <summary>A model as it is kept.</summary>
public sealed record ModelView : IManagedView
{
    public required string Id { get; init; }

    /// <summary>What callers ask for. Where two models share it, they serve in turn; <c>{provider}/{targetModel}</c> names one.</summary>
    public required string Name { get; init; }
    public required string TargetModel { get; init; }
    public required string ModelProvider { get; init; }
    public required string Usage { get; init; }
    public required bool Active { get; init; }

    /// <summary>Null: unknown, calls cost nothing in budgets of money.</summary>
    public ModelPrices? Prices { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>Port: models of all providers. Everybody may list; the rest needs role <see cref="Role.Admin"/>.</summary>
public interface IModels : IManaged<ModelDraft, ModelView>
{
    /// <summary>Oldest first. Callers who are no administrators see active models that they may use.</summary>
    /// <param name="provider">Only of this provider; null for all.</param>
    Task<Page<ModelView>> List(Principal caller, string? provider, int limit, string? cursor, CancellationToken cancellationToken);
}

/// <summary>Body of <c>POST</c> and <c>PUT</c> of <c>/api/default-model-aliases</c>: one name that stands for one model, or for several.</summary>
public sealed record ModelAliasDraft
{
    /// <summary><c>llm</c>, <c>llm-mini</c>, <c>text-embedding</c>, <c>image-generation</c>, <c>vision</c>, or a name of your own.</summary>
    public string? Alias { get; init; }

    /// <summary>Id or name of the one model; or <see cref="Targets"/>.</summary>
    public string? Model { get; init; }

    public IReadOnlyList<ModelAliasTarget>? Targets { get; init; }
}

/// <param name="Model">Id or name of a model.</param>
/// <param name="Weight">Share among those of the same order; 1 when left out, 0 for none.</param>
/// <param name="Order">Lower ones first; higher ones only when none of them answers.</param>
public sealed record ModelAliasTarget(string Model, int Weight = 1, int Order = 0);

public sealed record ModelAliasView(string Alias, string? Model, IReadOnlyList<ModelAliasTarget> Targets, DateTimeOffset UpdatedAt);

/// <summary>Port: names that stand for models. Everybody may list; the rest needs role <see cref="Role.Admin"/>.</summary>
public interface IModelAliases
{
    Task<IReadOnlyList<ModelAliasView>> List(Principal caller, CancellationToken cancellationToken);

    Task<ModelAliasView?> Find(Principal caller, string alias, CancellationToken cancellationToken);

    /// <summary>Makes or replaces.</summary>
    /// <exception cref="InvalidInputException">A field is missing or wrong, or names no model.</exception>
    Task<(ModelAliasView View, bool Created)> Set(Principal caller, ModelAliasDraft draft, CancellationToken cancellationToken);

    Task<bool> Delete(Principal caller, string alias, CancellationToken cancellationToken);
}
