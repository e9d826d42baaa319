using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Policies;

/// <summary>
/// Port: the rules that say who may call which servers and tools. Deny by default: whoever made a server may call it without a rule,
/// everyone else, administrators included, needs one. Administrators manage all rules; users with role <c>powerPlus</c> those whose
/// resources are servers that they made; nobody else any. Every change is in force on every guard within a second.
/// </summary>
public interface IAccessRules
{
    /// <exception cref="NotAllowedException">The caller may not manage this rule.</exception>
    /// <exception cref="InvalidInputException">A field is missing or wrong, or names what does not exist.</exception>
    Task<AccessRuleView> Create(Principal caller, NewAccessRule request, CancellationToken cancellationToken);

    /// <summary>The rules that the caller manages, oldest first.</summary>
    /// <param name="limit">1 … 500.</param>
    /// <param name="cursor">Opaque, from an earlier page.</param>
    /// <exception cref="NotAllowedException">The caller manages no rules.</exception>
    Task<Page<AccessRuleView>> List(Principal caller, int limit, string? cursor, CancellationToken cancellationToken);

    /// <summary>Null when there is none, or the caller does not manage it.</summary>
    /// <exception cref="NotAllowedException">The caller manages no rules.</exception>
    Task<AccessRuleView?> Find(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>Replaces the rule; ids that it names already may stay although they are gone. Null when there is none.</summary>
    /// <exception cref="NotAllowedException">The caller may not manage this rule, or not what it would become.</exception>
    /// <exception cref="InvalidInputException">A field is missing or wrong, or names what does not exist.</exception>
    Task<AccessRuleView?> Update(Principal caller, string id, NewAccessRule request, CancellationToken cancellationToken);

    /// <summary>False when there is none.</summary>
    /// <exception cref="NotAllowedException">The caller manages no rules.</exception>
    Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>What the caller may put into a rule: for choosing from lists.</summary>
    /// <exception cref="NotAllowedException">The caller manages no rules.</exception>
    Task<RuleChoices> Choices(Principal caller, CancellationToken cancellationToken);
}

/// <param name="Users">At most 500 by name.</param>
/// <param name="Groups">At most 500 by name.</param>
/// <param name="Servers">At most 500 by name: all for administrators, otherwise the caller's own.</param>
/// <param name="Everything">The caller may also name catalogs and everything.</param>
public sealed record RuleChoices(IReadOnlyList<RuleChoice> Users, IReadOnlyList<RuleChoice> Groups, IReadOnlyList<RuleChoice> Servers, bool Everything)
{
    /// <summary>At most 500 by name, for administrators.</summary>
    public IReadOnlyList<RuleChoice> Entries { get; init; } = [];

    /// <summary>At most 500 by name, for administrators.</summary>
    public IReadOnlyList<RuleChoice> Catalogs { get; init; } = [];
}

public sealed record RuleChoice(string Id, string Name);
