using Obot.Grains.Abstractions.IdentityProviders;

namespace Obot.Chat.IdentityProviders;

/// <summary>What the dialog edits.</summary>
internal sealed class ProviderForm
{
    public string Id { get; set; } = "";
    public string Name { get; set; } = "";
    public bool Enabled { get; set; } = true;
    public string Preset { get; set; } = AuthProviderPresets.Generic;
    public Dictionary<string, string> Values { get; } = new(StringComparer.Ordinal);
    public string ClientId { get; set; } = "";
    public string Secret { get; set; } = "";
    public string Scopes { get; set; } = "";
    public string GroupsClaim { get; set; } = "";
    public string Domains { get; set; } = "";
    public bool TrustEmail { get; set; }

    /// <summary>Where the form does not know how the authority came about, it is kept as it was written.</summary>
    private string? Authority { get; set; }

    public string? ResponseMode { get; set; }

    public AuthProviderPreset Kind => AuthProviderPresets.Find(Preset) ?? AuthProviderPresets.All[0];

    public static ProviderForm Of(AuthProviderView view)
    {
        var form = new ProviderForm
        {
            Id = view.Id,
            Name = view.Name,
            Enabled = view.Enabled,
            Preset = view.Settings.Preset ?? AuthProviderPresets.Generic,
            ClientId = view.Settings.ClientId,
            Scopes = string.Join(' ', view.Settings.Scopes ?? []),
            GroupsClaim = view.Settings.GroupsClaim ?? "",
            Domains = string.Join(", ", view.Settings.AllowedEmailDomains ?? []),
            TrustEmail = view.Settings.TrustEmail,
            Authority = view.Settings.Authority,
            ResponseMode = view.Settings.ResponseMode,
        };
        foreach (var (field, value) in view.Settings.PresetValues ?? new Dictionary<string, string>(StringComparer.Ordinal))
        {
            form.Values[field] = value;
        }

        if (form.Preset == AuthProviderPresets.Generic && !form.Values.ContainsKey("issuer"))
        {
            form.Values["issuer"] = view.Settings.Authority ?? "";
        }

        return form;
    }

    public AuthProviderDraft Draft() => new()
    {
        Id = Id.Trim(),
        Name = Name,
        Enabled = Enabled,
        ClientSecret = Secret.Length > 0 ? Secret : null,
        Settings = new()
        {
            Preset = Preset,
            PresetValues = Values.Count > 0 ? Kind.Fields.Where(field => Values.ContainsKey(field.Id)).ToDictionary(field => field.Id, field => Values[field.Id], StringComparer.Ordinal) : null,
            Authority = Values.Count > 0 ? null : Authority,
            ClientId = ClientId,
            Scopes = Words(Scopes),
            GroupsClaim = GroupsClaim,
            AllowedEmailDomains = Words(Domains),
            TrustEmail = TrustEmail,
            ResponseMode = ResponseMode,
        },
    };

    private static string[] Words(string text) => text.Split([' ', ',', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
