using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>The rules of the catalog format. The first broken one is reported with its JSON path and what is allowed there.</summary>
internal static class ManifestValidation
{
    private const int MaxName = 200;
    private const int MaxText = 100_000;
    private const int MaxItems = 200;
    private const int MaxTimeout = 600;
    private static readonly string[] AllRuntimes = [Runtimes.Npx, Runtimes.Uvx, Runtimes.Containerized, Runtimes.Remote, Runtimes.Composite];

    /// <exception cref="InvalidInputException">A rule is broken.</exception>
    public static void Check(ServerManifest manifest, string root = "manifest")
    {
        if (string.IsNullOrWhiteSpace(manifest.Name) || manifest.Name.Length > MaxName || manifest.Name.Any(char.IsControl))
        {
            throw new InvalidInputException($"{root}.name", $"Required: a text of 1 to {MaxName} characters without control characters.");
        }

        Text(manifest.ShortDescription, $"{root}.shortDescription");
        Text(manifest.Description, $"{root}.description");
        if (manifest.ServerUserType is not (ServerUserTypes.SingleUser or ServerUserTypes.MultiUser))
        {
            throw new InvalidInputException(
                $"{root}.serverUserType",
                $"'{manifest.ServerUserType}' is not allowed. Allowed: '{ServerUserTypes.SingleUser}' (default), '{ServerUserTypes.MultiUser}'.");
        }

        if (manifest.SessionRecovery is not (null or SessionRecoveries.Transparent or SessionRecoveries.Expire))
        {
            throw new InvalidInputException(
                $"{root}.sessionRecovery",
                $"'{manifest.SessionRecovery}' is not allowed. Allowed: '{SessionRecoveries.Transparent}' (default), '{SessionRecoveries.Expire}'.");
        }

        Runtime(manifest, root);
        Amounts(manifest.Resources?.Requests, $"{root}.resources.requests");
        Amounts(manifest.Resources?.Limits, $"{root}.resources.limits");
        ManifestEntries.Check(manifest.Env, $"{root}.env", environment: true);
        ManifestEntries.Check(manifest.Headers, $"{root}.headers", environment: false);
        ManifestEntries.Check(manifest.MultiUserConfig?.UserDefinedHeaders ?? [], $"{root}.multiUserConfig.userDefinedHeaders", environment: false);
        ManifestEntries.CheckUnique([.. ManifestEntries.HeadersOf(manifest)], $"{root}.remoteConfig.headers");
    }

    private static void Runtime(ServerManifest manifest, string root)
    {
        if (!AllRuntimes.Contains(manifest.Runtime, StringComparer.Ordinal))
        {
            var given = manifest.Runtime.Length == 0 ? "Required." : $"'{manifest.Runtime}' is not allowed.";
            throw new InvalidInputException($"{root}.runtime", $"{given} Allowed: {string.Join(", ", AllRuntimes.Select(name => $"'{name}'"))}.");
        }

        (string Runtime, string Field, bool Present)[] blocks =
        [
            (Runtimes.Npx, "npxConfig", manifest.NpxConfig is not null),
            (Runtimes.Uvx, "uvxConfig", manifest.UvxConfig is not null),
            (Runtimes.Containerized, "containerizedConfig", manifest.ContainerizedConfig is not null),
            (Runtimes.Remote, "remoteConfig", manifest.RemoteConfig is not null),
            (Runtimes.Composite, "compositeConfig", manifest.CompositeConfig is not null),
        ];
        var wanted = blocks.Single(block => block.Runtime == manifest.Runtime);
        if (!wanted.Present)
        {
            throw new InvalidInputException($"{root}.{wanted.Field}", $"Required when 'runtime' is '{manifest.Runtime}'.");
        }

        if (Array.Find(blocks, block => block.Present && block.Runtime != manifest.Runtime).Field is { } extra)
        {
            throw new InvalidInputException($"{root}.{extra}", $"Not allowed when 'runtime' is '{manifest.Runtime}': only '{wanted.Field}' may be there.");
        }

        Package(manifest.NpxConfig, $"{root}.npxConfig", uvx: false);
        Package(manifest.UvxConfig, $"{root}.uvxConfig", uvx: true);
        Container(manifest.ContainerizedConfig, $"{root}.containerizedConfig");
        RemoteValidation.Check(manifest.RemoteConfig, $"{root}.remoteConfig");
        CompositeValidation.Check(manifest.CompositeConfig, $"{root}.compositeConfig");
    }

    private static void Package(PackageConfig? config, string path, bool uvx)
    {
        if (config is null)
        {
            return;
        }

        Word(config.Package, $"{path}.package", uvx ? "a Python package, e.g. 'mcp-server-time'" : "an npm package, e.g. '@modelcontextprotocol/server-everything'");
        if (config.Command is not null)
        {
            if (!uvx)
            {
                throw new InvalidInputException($"{path}.command", "Only 'uvxConfig' has a command; npx runs the package's own.");
            }

            Word(config.Command, $"{path}.command", "the name of a command that the package brings");
        }

        Args(config.Args, $"{path}.args");
        Limits(config.StartupTimeoutSeconds, config.EgressDomains, config.DenyAllEgress, path);
    }

    private static void Container(ContainerizedConfig? config, string path)
    {
        if (config is null)
        {
            return;
        }

        Word(config.Image, $"{path}.image", "an image reference, e.g. 'ghcr.io/org/server:1.2'");
        if (config.Port is < 1 or > 65535)
        {
            throw new InvalidInputException($"{path}.port", "Must be a port from 1 to 65535.");
        }

        foreach (var (field, value) in new[] { ("path", config.Path), ("healthzPath", config.HealthzPath) })
        {
            if (value is not null && (value.Any(char.IsControl) || value.Contains(' ', StringComparison.Ordinal)))
            {
                throw new InvalidInputException($"{path}.{field}", "Must be a URL path such as '/mcp'.");
            }
        }

        Args(config.Args, $"{path}.args");
        Limits(config.StartupTimeoutSeconds, config.EgressDomains, config.DenyAllEgress, path);
    }

    /// <summary>One word of a command line: it may not pass for an option of the tool that runs it.</summary>
    private static void Word(string value, string path, string meaning)
    {
        if (value.Length is 0 or > MaxName || value[0] == '-' || value.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)))
        {
            throw new InvalidInputException(path, $"Required: {meaning}; up to {MaxName} characters, no spaces, not beginning with '-'.");
        }
    }

    private static void Args(IReadOnlyList<string> args, string path)
    {
        if (args.Count > MaxItems)
        {
            throw new InvalidInputException(path, $"At most {MaxItems} arguments.");
        }

        for (var i = 0; i < args.Count; i++)
        {
            if (args[i] is null || args[i].Length > MaxText || args[i].Contains('\0', StringComparison.Ordinal))
            {
                throw new InvalidInputException($"{path}[{i}]", $"Must be a text of at most {MaxText} characters without NUL.");
            }
        }
    }

    private static void Limits(int? timeout, IReadOnlyList<string>? egressDomains, bool? denyAllEgress, string path)
    {
        if (timeout is < 1 or > MaxTimeout)
        {
            throw new InvalidInputException($"{path}.startupTimeoutSeconds", $"Must be a whole number from 1 to {MaxTimeout} (default 60).");
        }

        if (denyAllEgress is true && egressDomains is { Count: > 0 })
        {
            throw new InvalidInputException($"{path}.egressDomains", "Not allowed together with 'denyAllEgress'.");
        }

        for (var i = 0; i < egressDomains?.Count; i++)
        {
            if (!RemoteValidation.IsHostPattern(egressDomains[i]))
            {
                throw new InvalidInputException($"{path}.egressDomains[{i}]", "Must be a host name such as 'api.example.com' or '*.example.com'.");
            }
        }
    }

    private static void Amounts(ResourceAmounts? amounts, string path)
    {
        if (amounts?.Cpu is { } cpu && ResourceAmounts.Cores(cpu) is null)
        {
            throw new InvalidInputException($"{path}.cpu", "Must be a number of cores such as '0.5', or of thousandths such as '500m'.");
        }

        if (amounts?.Memory is { } memory && ResourceAmounts.Bytes(memory) is null)
        {
            throw new InvalidInputException($"{path}.memory", "Must be an amount of bytes such as '256Mi' or '1Gi'.");
        }
    }

    private static void Text(string? value, string path)
    {
        if (value?.Length > MaxText || value?.Contains('\0', StringComparison.Ordinal) is true)
        {
            throw new InvalidInputException(path, $"At most {MaxText} characters without NUL.");
        }
    }
}
