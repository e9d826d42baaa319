using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>What a server is configured with: static values of the manifest and those that were supplied.</summary>
internal static class ServerEnvironment
{
    /// <param name="folder">Where the server finds the values that go to files.</param>
    /// <returns>Variables, and the content of files by name.</returns>
    /// <exception cref="ServerStartException">A required value is missing.</exception>
    public static (Dictionary<string, string> Environment, Dictionary<string, string> Files) Of(ServerStart start, string folder)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in start.Manifest.Env)
        {
            var value = start.Values.TryGetValue(entry.Key, out var supplied) ? supplied : entry.Value;
            if (value is null)
            {
                if (entry.Required)
                {
                    throw new ServerStartException($"the required variable {entry.Key} has no value: configure the server first");
                }

                continue;
            }

            value = entry.Prefix + value;
            if (entry.File is true || entry.DynamicFile is true)
            {
                files[entry.Key] = value;
                value = $"{folder}/{entry.Key}";
            }

            environment[entry.Key] = value;
        }

        return (environment, files);
    }

    /// <summary>Variables that decide where npm fetches from, and as whom.</summary>
    public static bool ConfiguresNpm(string name) => name.StartsWith("npm_config_", StringComparison.OrdinalIgnoreCase) || name.StartsWith("NPM_", StringComparison.Ordinal);
}
