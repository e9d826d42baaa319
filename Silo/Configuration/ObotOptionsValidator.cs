using System.Net;
using Npgsql;
using Obot.Grains.Encryption;

namespace Obot.Silo.Configuration;

/// <summary>Finds everything that is wrong at once, each with its key and what is allowed there.</summary>
internal static class ObotOptionsValidator
{
    public static IReadOnlyList<string> Failures(ObotOptions options)
    {
        var failures = new List<string>();
        Check(IsHttp(options.Url, out var url) && url.Scheme == Uri.UriSchemeHttp && url.PathAndQuery == "/", "Obot:Url", options.Url, "an http:// address without a path, such as http://127.0.0.1:8080");
        Check(options.PublicUrl.Length == 0 || IsHttp(options.PublicUrl, out _), "Obot:PublicUrl", options.PublicUrl, "an http:// or https:// address");
        Check(options.DataFolder.Length > 0, "Obot:DataFolder", options.DataFolder, "a folder that can be written");
        Check(options.ClusterId.Length is > 0 and <= 100, "Obot:ClusterId", options.ClusterId, "1 to 100 characters");
        Check(
            options.RoleNames.Count > 0 && options.RoleNames.All(role => SiloRoles.All.Contains(role, StringComparer.OrdinalIgnoreCase)),
            "Obot:Roles",
            options.Roles,
            "one or more of " + string.Join(", ", SiloRoles.All));
        Check(Http.TrustedProxies.TryRead(options.TrustedProxies, out _), "Obot:TrustedProxies", options.TrustedProxies, "addresses and networks such as 10.0.0.7, 10.0.0.0/8");
        Check(
            IPAddress.TryParse(options.Silo.AdvertisedAddress, out var address) && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any),
            "Obot:Silo:AdvertisedAddress",
            options.Silo.AdvertisedAddress,
            "the IP address at which other silos reach this one (not 0.0.0.0)");
        Check(IsPort(options.Silo.SiloPort), "Obot:Silo:SiloPort", options.Silo.SiloPort, "a port from 1 to 65535");
        Check(IsPort(options.Silo.GatewayPort), "Obot:Silo:GatewayPort", options.Silo.GatewayPort, "a port from 1 to 65535");
        Check(IsPort(options.Guard.ListenPort), "Obot:Guard:ListenPort", options.Guard.ListenPort, "a port from 1 to 65535");
        Check(AreControlUrls(options.Guard.ControlUrl), "Obot:Guard:ControlUrl", options.Guard.ControlUrl, "wss:// addresses that guards reach, separated by commas");
        Check(AreControlUrls(options.Guard.ContainerControlUrl), "Obot:Guard:ContainerControlUrl", options.Guard.ContainerControlUrl, "wss:// addresses that containers reach, separated by commas");
        Check(IsConnectionString(options.Database.ConnectionString), "Obot:Database:ConnectionString", "…", "Npgsql's form: Host=…;Database=…;Username=…;Password=…");
        var ports = new[] { url?.Port ?? 0, options.Silo.SiloPort, options.Silo.GatewayPort, options.Guard.ListenPort };
        Check(ports.Distinct().Count() == ports.Length, "Obot:Silo:SiloPort", string.Join(", ", ports), "ports that differ from each other (url, silo, gateway, guards)");
        foreach (var (key, value, allowed) in EncryptionOptionsValidator.Failures(options.Encryption))
        {
            Check(good: false, $"{EncryptionOptions.Section}:{key}", value, allowed);
        }

        return failures;

        void Check(bool good, string key, object value, string allowed)
        {
            if (!good)
            {
                failures.Add($"{key} is '{value}': it must be {allowed} (environment: {key.Replace(":", "__", StringComparison.Ordinal)})");
            }
        }
    }

    private static bool AreControlUrls(string list) =>
        list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).All(url => Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is "wss" or "https");

    private static bool IsPort(int port) => port is > 0 and <= 65535;

    private static bool IsHttp(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Uri? url) =>
        Uri.TryCreate(text, UriKind.Absolute, out url) && url.Scheme is "http" or "https";

    private static bool IsConnectionString(string text)
    {
        try
        {
            return text.Length == 0 || new NpgsqlConnectionStringBuilder(text).Host is { Length: > 0 };
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
