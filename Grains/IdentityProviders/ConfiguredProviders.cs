using Microsoft.Extensions.Configuration;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.IdentityProviders;

namespace Obot.Grains.IdentityProviders;

/// <summary>Providers of section <c>Obot:Auth:Providers</c>: <c>&lt;id&gt;:Preset</c>, <c>ClientId</c>, <c>ClientSecret</c>, <c>Authority</c> or <c>Values:&lt;field&gt;</c> …</summary>
internal sealed class ConfiguredProviders
{
    public ConfiguredProviders(IConfiguration configuration, ProviderAddresses addresses)
    {
        var all = new List<AuthProvider>();
        foreach (var section in configuration.GetSection("Obot:Auth:Providers").GetChildren())
        {
            try
            {
                all.Add(AuthProviderRules.Complete(Read(section), secret: null, addresses.PublicUrl));
            }
            catch (InvalidInputException e)
            {
                throw new InvalidOperationException($"Obot:Auth:Providers:{section.Key} cannot be used: {e.Field}: {e.Message}", e);
            }
        }

        All = all;
    }

    /// <summary>In the order of configuration.</summary>
    public IReadOnlyList<AuthProvider> All { get; }

    public AuthProvider? Find(string id) => All.FirstOrDefault(provider => provider.Id == id);

    private static AuthProviderDraft Read(IConfigurationSection section) => new()
    {
        Id = section.Key.ToLowerInvariant(),
        Name = section["Name"],
        Enabled = section.GetValue("Enabled", defaultValue: true),
        ClientSecret = section["ClientSecret"],
        Settings = new()
        {
            Preset = section["Preset"],
            PresetValues = section.GetSection("Values").GetChildren().ToDictionary(value => value.Key.ToLowerInvariant(), value => value.Value ?? "", StringComparer.Ordinal),
            Authority = section["Authority"],
            ClientId = section["ClientId"] ?? "",
            Scopes = Words(section["Scopes"]),
            GroupsClaim = section["GroupsClaim"],
            AllowedEmailDomains = Words(section["AllowedEmailDomains"]),
            TrustEmail = section.GetValue("TrustEmail", defaultValue: false),
            ResponseMode = section["ResponseMode"],
        },
    };

    private static string[]? Words(string? text) => text?.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries);
}
