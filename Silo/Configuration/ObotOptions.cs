using System.Net;
using Obot.Grains.Encryption;

namespace Obot.Silo.Configuration;

/// <summary>What the host itself reads of section <c>Obot</c>; subjects bind their own sections. See docs/configuration.md.</summary>
internal sealed class ObotOptions
{
    public const string Section = "Obot";

    /// <summary>Address of the public listener, http only: TLS ends before it. Default <c>http://127.0.0.1:8080</c>.</summary>
    public string Url { get; set; } = "http://127.0.0.1:8080";

    /// <summary>How users and clients reach the platform. Default: <see cref="Url"/>.</summary>
    public string PublicUrl { get; set; } = "";

    /// <summary>Folder of everything this silo keeps on disk. Default <c>.obot</c> in the current directory.</summary>
    public string DataFolder { get; set; } = ".obot";

    /// <summary>Comma-separated: <c>gateway</c>, <c>chat</c>, <c>grains</c>. Default: all.</summary>
    public string Roles { get; set; } = "gateway,chat,grains";

    /// <summary>Silos with the same id and database are one cluster. Default <c>obot</c>.</summary>
    public string ClusterId { get; set; } = "obot";

    /// <summary>Proxies before the silo, whose <c>X-Forwarded-For</c> is believed: addresses and networks, separated by commas. Default: none.</summary>
    public string TrustedProxies { get; set; } = "";

    public SiloOptions Silo { get; set; } = new();

    public DatabaseOptions Database { get; set; } = new();

    public GuardListenerOptions Guard { get; set; } = new();

    public EncryptionOptions Encryption { get; set; } = new();

    public TelemetryOptions Telemetry { get; set; } = new();

    public bool HasRole(string role) => RoleNames.Contains(role, StringComparer.OrdinalIgnoreCase);

    public IReadOnlyList<string> RoleNames => Roles.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}

internal static class SiloRoles
{
    public const string Gateway = "gateway";
    public const string Chat = "chat";
    public const string Grains = "grains";

    public static IReadOnlyList<string> All { get; } = [Gateway, Chat, Grains];
}

/// <summary>Section <c>Obot:Silo</c>: how silos reach each other. A silo should come back on the ports it had.</summary>
internal sealed class SiloOptions
{
    /// <summary>Port for other silos. Default 11111.</summary>
    public int SiloPort { get; set; } = 11111;

    /// <summary>Port for Orleans clients outside the cluster. Default 30000.</summary>
    public int GatewayPort { get; set; } = 30000;

    /// <summary>IP address that others reach this silo at; the internal listeners are bound to it. Default <c>127.0.0.1</c>.</summary>
    public string AdvertisedAddress { get; set; } = "127.0.0.1";

    public IPAddress Address => IPAddress.Parse(AdvertisedAddress);
}

/// <summary>Section <c>Obot:Database</c>.</summary>
internal sealed class DatabaseOptions
{
    /// <summary>PostgreSQL 15 or newer, in Npgsql's words. Unset: a PostgreSQL of our own in the data folder.</summary>
    public string ConnectionString { get; set; } = "";
}

/// <summary>Section <c>Obot:Guard</c>, as far as the host is concerned.</summary>
internal sealed class GuardListenerOptions
{
    /// <summary>Port of the TLS listener that guards dial, on the advertised address; silos with role gateway only. Default 8443.</summary>
    public int ListenPort { get; set; } = 8443;

    /// <summary>The same listener as guards reach it. Default: <c>wss://{AdvertisedAddress}:{ListenPort}/control</c>.</summary>
    public string ControlUrl { get; set; } = "";

    /// <summary>The same as guards in containers reach it; see <see cref="ContainerReach"/>.</summary>
    public string ContainerControlUrl { get; set; } = "";

    /// <summary>A further address of the listener, for containers of this machine; null without.</summary>
    public IPAddress? BridgeAddress { get; set; }
}

/// <summary>Section <c>Obot:Telemetry</c>. Where metrics and traces are sent is said by OpenTelemetry's own <c>OTEL_…</c> variables.</summary>
internal sealed class TelemetryOptions
{
    /// <summary>Bearer that <c>/metrics</c> asks for. Default: none; what is shown there names no user, server or tool.</summary>
    public string MetricsToken { get; set; } = "";
}
