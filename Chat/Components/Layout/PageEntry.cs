using Obot.Grains.Abstractions.Identity;

namespace Obot.Chat.Components.Layout;

/// <summary>
/// A page as the navigation offers it. Whoever finds the address of another one is refused by the ports behind it: this list hides, it
/// does not protect.
/// </summary>
/// <param name="Least">Who is offered it.</param>
/// <param name="Auditors">Auditors are offered it, too, whatever their role.</param>
internal sealed record PageEntry(string Href, string Name, Role Least, bool Auditors = false)
{
    private static readonly PageEntry[] All =
    [
        new("/admin/servers", "Servers", Role.Basic),
        new("/catalog", "Catalog", Role.Basic),
        new("/api-keys", "API keys", Role.Basic),
        new("/admin/access-rules", "Access rules", Role.PowerPlus),
        new("/admin/audit-logs", "Audit log", Role.Power, Auditors: true),
        new("/admin/usage", "Usage", Role.Power, Auditors: true),
        new("/admin/filters", "Filters", Role.Admin),
        new("/admin/models", "Models", Role.Admin),
        new("/admin/model-policies", "Model policies", Role.Admin),
        new("/admin/message-policies", "Message policies", Role.Admin),
        new("/admin/llm-usage", "Model usage", Role.Admin),
        new("/admin/users", "Users", Role.Admin),
        new("/admin/groups", "Groups", Role.Admin),
        new("/admin/service-accounts", "Service accounts", Role.Admin),
        new("/admin/sign-in", "Sign-in", Role.Admin),
        new("/admin/changes", "Changes", Role.Admin),
        new("/admin/exports", "Exports", Role.Admin, Auditors: true),
    ];

    /// <summary>Heading that it stands under; empty for what everybody uses.</summary>
    public string Section => Href switch
    {
        "/admin/servers" => "",
        "/admin/users" or "/admin/groups" or "/admin/service-accounts" or "/admin/sign-in" => "People",
        _ when Href.StartsWith("/admin/llm", StringComparison.Ordinal) || Href.StartsWith("/admin/model", StringComparison.Ordinal) || Href == "/admin/message-policies" => "Models",
        _ when Href.StartsWith("/admin/", StringComparison.Ordinal) => "Governance",
        _ => "",
    };

    public static IEnumerable<PageEntry> For(Principal? caller) => All.Where(page => page.Least <= (caller?.Role ?? Role.Basic) || (page.Auditors && caller?.Auditor is true));
}
