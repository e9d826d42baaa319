using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Llm;

/// <summary>
/// Port: providers of models as administrators manage them (role <see cref="Role.Admin"/>). Saving asks the provider for its models once,
/// so that a wrong address or credential is refused at once; what it lists is kept as models. A change is in force on every silo within a
/// second.
/// </summary>
public interface IModelProviders : IManagedList<ModelProviderDraft, ModelProviderView>
{
    /// <summary>Looks for models again: new ones are added switched on, those that are gone are switched off. Null when there is none.</summary>
    Task<ModelProviderView?> Refresh(Principal caller, string id, CancellationToken cancellationToken);
}
