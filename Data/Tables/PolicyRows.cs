namespace Obot.Data.Tables;

/// <summary>Table <c>access_control_rules</c>: who may call what.</summary>
public sealed class AccessRuleRow
{
    public required string Id { get; set; }
    public required string DisplayName { get; set; }

    /// <summary>Id of the user who made it.</summary>
    public required string CreatedBy { get; set; }

    /// <summary>Selector <c>*</c> among the subjects.</summary>
    public required bool Everyone { get; set; }
    public required string[] UserIds { get; set; }
    public required string[] GroupIds { get; set; }

    /// <summary>Selector <c>*</c> among the resources.</summary>
    public required bool Everything { get; set; }
    public required string[] ServerIds { get; set; }
    public required string[] EntryIds { get; set; }
    public required string[] CatalogIds { get; set; }

    /// <summary>Names and globs; null for all tools and everything else that a server offers.</summary>
    public string[]? Tools { get; set; }

    /// <summary>From 1, up by one with every change.</summary>
    public required long Revision { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }
}
