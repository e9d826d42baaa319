using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Catalog.Import;

/// <summary><c>server.json</c> of the MCP registry (schema 2025-12-11) → manifest. A remote is preferred; else the first package that can be run.</summary>
internal static partial class ServerJson
{
    public static ServerManifest Read(JsonObject server, string field, List<string> warnings)
    {
        var name = server.Text("name") ?? throw new InvalidInputException($"{field}.name", "Required: the server's name in reverse-DNS form, e.g. 'com.example/weather'.");
        var manifest = new ServerManifest
        {
            Name = server.Text("title") is { Length: > 0 } title ? title : name[(name.LastIndexOf('/') + 1)..],
            ShortDescription = server.Text("description"),
            RepoURL = (server["repository"] as JsonObject)?.Text("url") ?? server.Text("websiteUrl"),
            Icon = server.Objects("icons").Select(icon => icon.Text("src")).FirstOrDefault(src => src is not null),
            Metadata = new Dictionary<string, string>(StringComparer.Ordinal) { ["registryName"] = name, ["registryVersion"] = server.Text("version") ?? "" },
        };
        if (server.Objects("remotes").FirstOrDefault(remote => remote.Text("type") == "streamable-http") is { } remote)
        {
            return Remote(manifest, remote, $"{field}.remotes");
        }

        foreach (var package in server.Objects("packages"))
        {
            if (Package(manifest, package, $"{field}.packages", name, warnings) is { } made)
            {
                return made;
            }
        }

        throw new InvalidInputException(
            $"{field}.packages", $"'{name}' has no remote of type 'streamable-http' and no package of type 'npm', 'pypi' or 'oci': there is no way to run it here.");
    }

    private static ServerManifest Remote(ServerManifest manifest, JsonObject remote, string field)
    {
        var url = remote.Text("url") ?? throw new InvalidInputException($"{field}[0].url", "Required: the server's address.");
        var variables = remote["variables"] as JsonObject ?? [];
        var names = Variable().Matches(url).Select(match => match.Groups["name"].Value).Distinct(StringComparer.Ordinal).ToList();
        return manifest with
        {
            Runtime = Runtimes.Remote,
            RemoteConfig = new()
            {
                FixedURL = names.Count == 0 ? url : null,
                UrlTemplate = names.Count == 0 ? null : Variable().Replace(url, match => $"${{{match.Groups["name"].Value}}}"),
                Headers = [.. remote.Objects("headers").Select(Entry)],
            },
            Env = [.. names.Select(name => Input(name, variables[name] as JsonObject ?? []) with { Required = true })],
        };
    }

    private static ServerManifest? Package(ServerManifest manifest, JsonObject package, string field, string name, List<string> warnings)
    {
        var identifier = package.Text("identifier") ?? throw new InvalidInputException($"{field}.identifier", "Required: the package's name.");
        var version = package.Text("version");
        var arguments = Arguments(package, name, warnings);
        if (package.Objects("runtimeArguments").Any(one => one.Text("value") is not ("-y" or "--yes") && one.Text("name") is not ("-y" or "--yes")))
        {
            warnings.Add($"{name}: 'runtimeArguments' are left out; the platform starts packages in its own way.");
        }

        var configured = manifest with { Env = [.. package.Objects("environmentVariables").Select(Entry)] };
        return package.Text("registryType") switch
        {
            "npm" => configured with { Runtime = Runtimes.Npx, NpxConfig = new() { Package = version is null ? identifier : $"{identifier}@{version}", Args = arguments } },
            "pypi" => configured with { Runtime = Runtimes.Uvx, UvxConfig = new() { Package = version is null ? identifier : $"{identifier}=={version}", Args = arguments } },
            "oci" => configured with
            {
                Runtime = Runtimes.Containerized,
                ContainerizedConfig = new() { Image = Image(identifier, version), Args = arguments, Port = Port(package["transport"] as JsonObject), Path = PathOf(package["transport"] as JsonObject) },
            },
            _ => null,
        };
    }

    private static string[] Arguments(JsonObject package, string name, List<string> warnings)
    {
        var words = new List<string>();
        foreach (var argument in package.Objects("packageArguments"))
        {
            var value = argument.Text("value") ?? argument.Text("default");
            if (argument.Text("type") == "named" && argument.Text("name") is { } flag)
            {
                words.Add(value is null ? flag : $"{flag}={value}");
            }
            else if (value is not null)
            {
                words.Add(value);
            }
            else
            {
                warnings.Add($"{name}: the argument '{argument.Text("valueHint")}' has no value; add it to 'args'.");
            }

            if (value is not null && Variable().IsMatch(value))
            {
                warnings.Add($"{name}: put a value in the place of '{value}' in 'args'.");
            }
        }

        return [.. words];
    }

    private static string Image(string identifier, string? version) =>
        version is null || identifier.Contains('@', StringComparison.Ordinal) || identifier[(identifier.LastIndexOf('/') + 1)..].Contains(':', StringComparison.Ordinal) ? identifier : $"{identifier}:{version}";

    private static int? Port(JsonObject? transport) => transport?.Text("url") is { } url && Uri.TryCreate(url, UriKind.Absolute, out var uri) ? uri.Port : null;

    private static string? PathOf(JsonObject? transport) => transport?.Text("url") is { } url && Uri.TryCreate(url, UriKind.Absolute, out var uri) ? uri.AbsolutePath : null;

    private static ManifestValue Entry(JsonObject input)
    {
        var name = input.Text("name") ?? "";

        // "Bearer {token}": what stands before the variable is the prefix, and the variable is what the user supplies
        if (input.Text("value") is { } value && Placeholder().Match(value) is { Success: true } match)
        {
            var variable = (input["variables"] as JsonObject)?[match.Groups["name"].Value] as JsonObject ?? [];
            return Input(name, variable) with
            {
                Description = variable.Text("description") ?? input.Text("description"),
                Required = input.Flag("isRequired") || variable.Flag("isRequired"),
                Sensitive = input.Flag("isSecret") || variable.Flag("isSecret"),
                Prefix = match.Groups["before"].Value is { Length: > 0 } prefix ? prefix : null,
            };
        }

        return Input(name, input) with { Value = input.Text("value") };
    }

    private static ManifestValue Input(string key, JsonObject input) => new()
    {
        Key = key,
        Description = input.Text("default") is { Length: > 0 } usual ? $"{input.Text("description")} (usual: {usual})".Trim() : input.Text("description"),
        Required = input.Flag("isRequired"),
        Sensitive = input.Flag("isSecret"),
        Options = input["choices"] is JsonArray choices ? [.. choices.OfType<JsonValue>().Select(choice => choice.ToString())] : null,
    };

    [GeneratedRegex(@"(?<!\$)\{(?<name>[A-Za-z_][A-Za-z0-9_]*)\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Variable();

    [GeneratedRegex(@"^(?<before>[^{}]*)\{(?<name>[A-Za-z_][A-Za-z0-9_]*)\}$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Placeholder();
}
