using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Grains.Abstractions.Llm;

/// <summary>Body of <c>POST</c> and <c>PUT</c> of <c>/api/model-access-policies</c>.</summary>
public sealed record NewModelAccessPolicy
{
    /// <summary>1 to 100 characters.</summary>
    public string DisplayName { get; init; } = "";

    /// <summary>Who may call: users, groups, or the selector <c>*</c>. 1 to 500.</summary>
    public IReadOnlyList<RuleSubject>? Subjects { get; init; }

    /// <summary>What they may call. 1 to 500.</summary>
    public IReadOnlyList<PolicyModel>? Models { get; init; }
}

/// <param name="Id">
/// Id of a model, what callers ask for (name, <c>{provider}/{targetModel}</c>, alias), a beginning of that followed by <c>*</c>, or <c>*</c> for all.
/// </param>
public sealed record PolicyModel(string Id);

public sealed record ModelAccessPolicyView : IManagedView
{
    public required string Id { get; init; }
    public required string DisplayName { get; init; }
    public required IReadOnlyList<RuleSubject> Subjects { get; init; }
    public required IReadOnlyList<PolicyModel> Models { get; init; }
    public required string CreatedBy { get; init; }
    public required long Revision { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>
/// Port: who may call which models. Deny by default, administrators included. Managed with role <see cref="Role.Admin"/>; in force on every
/// silo within a second.
/// </summary>
public interface IModelAccessPolicies : IManaged<NewModelAccessPolicy, ModelAccessPolicyView>
{
    /// <summary>Oldest first.</summary>
    Task<Page<ModelAccessPolicyView>> List(Principal caller, int limit, string? cursor, CancellationToken cancellationToken);
}
