using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Llm;

/// <summary>
/// Port: providers of models as administrators manage them (role <see cref="Role.Admin"/>). Saving asks the provider for its models once,
/// so that a wrong address or credential is refused at once; what it lists is kept as models. A change is in force on every silo within a
/// second.
/// </summary>
public interface IModelProviders
{
    /// <summary>By id.</summary>
    Task<IReadOnlyList<ModelProviderView>> List(Principal caller, CancellationToken cancellationToken);

    Task<ModelProviderView?> Find(Principal caller, string id, CancellationToken cancellationToken);

    /// <exception cref="InvalidInputException">A field is missing or wrong, or the provider did not take it.</exception>
    /// <exception cref="ConflictException">The id is taken.</exception>
    Task<ModelProviderView> Create(Principal caller, ModelProviderDraft draft, CancellationToken cancellationToken);

    /// <summary>Replaces everything; credentials that are left out stay, unless the address changes. Null when there is none.</summary>
    /// <exception cref="InvalidInputException">A field is missing or wrong, or the provider did not take it.</exception>
    /// <exception cref="ConflictException">Someone else changed it in between.</exception>
    Task<ModelProviderView?> Update(Principal caller, string id, ModelProviderDraft draft, CancellationToken cancellationToken);

    /// <summary>Its models go with it. False when there is none.</summary>
    Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>Looks for models again: new ones are added switched on, those that are gone are switched off. Null when there is none.</summary>
    Task<ModelProviderView?> Refresh(Principal caller, string id, CancellationToken cancellationToken);
}
