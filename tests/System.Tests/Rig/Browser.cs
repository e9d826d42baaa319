namespace Obot.SystemTests.Rig;

/// <summary>What a command-line client finds when it opens a browser: a script that is signed in and says yes (<c>tests/clients/browser.mjs</c>).</summary>
internal sealed class Browser : IDisposable
{
    private readonly Scratch folder = new("browser");

    private Browser(Visitor person, string origin)
    {
        var script = Path.Combine(folder.Folder, "xdg-open");
        File.WriteAllText(script, $"#!/bin/sh\nexec node '{Path.Combine(Repository.Clients, "browser.mjs")}' \"$1\" >>'{Log}' 2>&1\n");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["BROWSER"] = script,
            ["PATH"] = $"{folder.Folder}:{System.Environment.GetEnvironmentVariable("PATH")}",
            ["HOME"] = folder.Folder,
            ["MCP_REMOTE_CONFIG_DIR"] = folder.Folder,
            ["OBOT_ORIGIN"] = origin,
            ["OBOT_COOKIE"] = person.Cookie,
            ["MCP_AUTO_OPEN_ENABLED"] = "true",
        };
    }

    /// <summary>For the client's process.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; }

    private string Log => Path.Combine(folder.Folder, "browser.log");

    public static async Task<Browser> OpenAsync(ObotCluster cluster)
    {
        using var person = await Visitor.OwnerAsync(cluster);
        return new(person, cluster.Urls[0].GetLeftPart(UriPartial.Authority));
    }

    public void Dispose() => folder.Dispose();
}
