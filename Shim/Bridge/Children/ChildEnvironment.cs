using System.Diagnostics;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Bridge.Children;

/// <summary>Environments are built from nothing: what the bridge itself was started with reaches no one by accident.</summary>
internal static class ChildEnvironment
{
    private static readonly string[] Proxy = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"];
    private static readonly string[] Basic = ["LANG", "TZ", "TMPDIR", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"];

    /// <summary>Of the MCP server: the basics, then what its manifest says.</summary>
    public static void ForServer(ProcessStartInfo start, BridgeBoot boot, string? pathPrefix)
    {
        SetBasics(start, boot.WorkingDirectory, pathPrefix);
        foreach (var (name, value) in boot.Environment)
        {
            start.Environment[name] = value;
        }
    }

    /// <summary>Of <c>npm install</c>: the basics and npm's own configuration; none of the server's secrets.</summary>
    public static void ForInstaller(ProcessStartInfo start, BridgeBoot boot, string cache)
    {
        SetBasics(start, Environment.GetEnvironmentVariable("HOME") ?? boot.WorkingDirectory, pathPrefix: null);
        start.Environment["npm_config_cache"] = cache;
        foreach (var (name, value) in boot.Environment)
        {
            if (IsNpmConfiguration(name) || Proxy.Contains(name, StringComparer.Ordinal) || Basic.Contains(name, StringComparer.Ordinal))
            {
                start.Environment[name] = value;
            }
        }
    }

    public static bool IsNpmConfiguration(string name) =>
        name.StartsWith("npm_config_", StringComparison.OrdinalIgnoreCase) || name.StartsWith("NPM_", StringComparison.Ordinal);

    private static void SetBasics(ProcessStartInfo start, string home, string? pathPrefix)
    {
        start.Environment.Clear();
        var path = Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/bin:/usr/bin:/bin";
        start.Environment["PATH"] = pathPrefix is null ? path : $"{pathPrefix}:{path}";
        start.Environment["HOME"] = home;
        foreach (var name in Basic.Concat(Proxy))
        {
            if (Environment.GetEnvironmentVariable(name) is { } value)
            {
                start.Environment[name] = value;
            }
        }
    }
}
