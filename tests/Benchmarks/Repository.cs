namespace Obot.Benchmarks;

/// <summary>Where the product's parts are in the checkout.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>The silo: in the folder <c>OBOT_APP</c>, else where a Release build puts it.</summary>
    public static string Silo { get; } = Path.Combine(Environment.GetEnvironmentVariable("OBOT_APP") ?? Path.Combine(Root, "artifacts", "bin", "Silo", "release"), "Obot.Silo.dll");

    /// <summary>The native shim: <c>OBOT_SHIM</c>, else where the build publishes it.</summary>
    public static string Shim { get; } = Environment.GetEnvironmentVariable("OBOT_SHIM") ?? Path.Combine(Root, "artifacts", "shim", "Obot.Shim");

    public static string StdioServer { get; } = Path.Combine(Root, "tests", "Benchmarks", "stdio-server");

    public static string Report { get; } = Path.Combine(Root, "docs", "benchmarks.md");

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Obot.Orleans.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException($"no Obot.Orleans.sln above {AppContext.BaseDirectory}");
    }
}
