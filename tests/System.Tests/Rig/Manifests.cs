namespace Obot.SystemTests.Rig;

/// <summary>Manifests of the servers that the tests register.</summary>
internal static class Manifests
{
    public const string Everything = "@modelcontextprotocol/server-everything@2026.8.31";
    public const string Memory = "@modelcontextprotocol/server-memory@2026.8.31";
    public const string FileSystem = "@modelcontextprotocol/server-filesystem@2026.8.31";

    public static object Npx(string name, string package, object[]? environment = null, string[]? arguments = null, int startupTimeoutSeconds = 60) => new
    {
        name,
        shortDescription = "made by a test",
        serverUserType = "multiUser",
        runtime = "npx",
        npxConfig = new { package, args = arguments ?? [], startupTimeoutSeconds },
        env = environment ?? [],
    };

    /// <summary>The fixture behind the bridge.</summary>
    public static async Task<object> StdioFixtureAsync(string name, string? mode = null, string? log = null, int startupTimeoutSeconds = 60, params (string Key, string Value)[] more) =>
        Npx(name, await Fixture.PackageSpecAsync(), Fixture.PackageEnvironment(mode, log, more), startupTimeoutSeconds: startupTimeoutSeconds);

    public static object Composite(string name, params object[] components) => new
    {
        name,
        shortDescription = "made by a test",
        runtime = "composite",
        compositeConfig = new { componentServers = components },
    };

    public static object Remote(string name, Uri url) => new
    {
        name,
        shortDescription = "made by a test",
        serverUserType = "multiUser",
        runtime = "remote",
        remoteConfig = new { fixedURL = url.ToString() },
    };
}
