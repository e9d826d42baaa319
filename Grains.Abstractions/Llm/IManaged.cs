using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Llm;

/// <summary>
/// What ports have in common behind which administrators keep things by id: providers, models, policies, budgets. Every change is in force on every silo within a second.
/// </summary>
/// <typeparam name="TDraft">What somebody sends.</typeparam>
/// <typeparam name="TView">What is there.</typeparam>
public interface IManaged<in TDraft, TView>
    where TView : class, IManagedView
{
    /// <exception cref="InvalidInputException">A field is missing or wrong, or names what does not exist; for a provider, it did not take it.</exception>
    /// <exception cref="ConflictException">There is one already, or there are too many.</exception>
    /// <exception cref="NotAllowedException">The caller is no administrator.</exception>
    Task<TView> Create(Principal caller, TDraft draft, CancellationToken cancellationToken);

    /// <summary>Null when there is none.</summary>
    Task<TView?> Find(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>Null when there is none.</summary>
    /// <exception cref="InvalidInputException">A field is missing or wrong, or names what does not exist; for a provider, it did not take it.</exception>
    /// <exception cref="ConflictException">Someone else changed it in between.</exception>
    Task<TView?> Update(Principal caller, string id, TDraft draft, CancellationToken cancellationToken);

    /// <summary>False when there is none.</summary>
    Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken);
}

/// <summary>Where there are so few that they are listed at once.</summary>
public interface IManagedList<in TDraft, TView> : IManaged<TDraft, TView>
    where TView : class, IManagedView
{
    /// <summary>Providers by id, others oldest first.</summary>
    Task<IReadOnlyList<TView>> List(Principal caller, CancellationToken cancellationToken);
}

public interface IManagedView
{
    string Id { get; }
}
