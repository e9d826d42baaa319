using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Catalog.Import;

/// <summary>The block of servers in a client's settings → manifests. What stands in the place of a secret becomes a value to supply.</summary>
internal static partial class ClientBlock
{
    public static IEnumerable<(string Field, ServerManifest Manifest)> Read(JsonObject block, JsonArray? inputs, string field, List<string> warnings)
    {
        var known = (inputs?.OfType<JsonObject>() ?? []).Where(input => input.Text("id") is not null).GroupBy(input => input.Text("id")!, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.First(), StringComparer.Ordinal);
        return block.Select(member => ($"{field}.{member.Key}", member.Value is JsonObject server
            ? Server(member.Key, server, known, $"{field}.{member.Key}", warnings)
            : throw new InvalidInputException($"{field}.{member.Key}", "Must be an object with 'command' or 'url'.")));
    }

    private static ServerManifest Server(string name, JsonObject server, Dictionary<string, JsonObject> inputs, string field, List<string> warnings)
    {
        var manifest = new ServerManifest { Name = name, ShortDescription = server.Text("description") };
        if ((server.Text("url") ?? server.Text("serverUrl") ?? server.Text("httpUrl")) is { } url)
        {
            if (server.Text("type") == "sse")
            {
                warnings.Add($"{name}: the old transport 'sse' is not spoken; the server must answer streamable HTTP at this address.");
            }

            return manifest with
            {
                Runtime = Runtimes.Remote,
                RemoteConfig = new() { FixedURL = url, Headers = [.. server.Map("headers", field).Select(header => Value(header.Key, header.Value, inputs))] },
            };
        }

        if (server.Text("command") is not { Length: > 0 } command)
        {
            throw new InvalidInputException(field, "Must have 'command' (npx, uvx or docker) or 'url'.");
        }

        var line = CommandLine.Read(command, [.. server.Texts("args", field)], field);
        warnings.AddRange(line.LeftOut.Select(word => $"{name}: '{word}' is left out; the platform starts servers in its own way."));
        var given = server.Map("env", field);
        var environment = given.Concat(line.Environment.Where(one => !given.ContainsKey(one.Key))).Select(one => Value(one.Key, one.Value, inputs)).ToArray();
        return manifest with
        {
            Runtime = line.Runtime,
            NpxConfig = line.Runtime == Runtimes.Npx ? new() { Package = line.What, Args = line.Args } : null,
            UvxConfig = line.Runtime == Runtimes.Uvx ? new() { Package = line.What, Command = line.Command, Args = line.Args } : null,
            ContainerizedConfig = line.Runtime == Runtimes.Containerized ? new() { Image = line.What, Args = line.Args } : null,
            Env = environment,
        };
    }

    /// <summary>A value that is none (empty, an input, a variable of a shell, "your key here") has to be supplied by the user.</summary>
    private static ManifestValue Value(string key, string value, Dictionary<string, JsonObject> inputs)
    {
        var match = Reference().Match(value);
        var prefix = match.Success && match.Groups["before"].Value is { Length: > 0 } before ? before : null;
        if (match.Success && inputs.TryGetValue(match.Groups["input"].Value, out var input))
        {
            return new() { Key = key, Description = input.Text("description"), Required = true, Sensitive = input.Flag("password"), Prefix = prefix };
        }

        return match.Success || Empty().IsMatch(value)
            ? new() { Key = key, Required = true, Sensitive = true, Prefix = prefix }
            : new() { Key = key, Value = value, Sensitive = Secret().IsMatch(key) };
    }

    [GeneratedRegex(@"^(?<before>[^${}<>]*)(?:\$\{(?:input:(?<input>[^}]+)|[^}]+)\}|<[^<>]+>)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Reference();

    [GeneratedRegex(@"^\s*$|^<.*>$|^\.\.\.$|^x{3,}$|^your[-_ ]|[-_ ]here$|^replace[-_ ]?me|^\$[A-Za-z_]\w*$", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Empty();

    [GeneratedRegex("key|token|secret|password|passwd|credential|auth|cookie|dsn|connection", RegexOptions.IgnoreCase, 1000)]
    private static partial Regex Secret();
}
