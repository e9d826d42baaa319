namespace Obot.SystemTests.Rig;

/// <summary>Where things are in the checkout.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static string Script { get; } = Path.Combine(Root, "obot");

    public static string Clients { get; } = Path.Combine(Root, "tests", "clients");

    public static string StdioPackage { get; } = Path.Combine(Root, "tests", "Fixtures", "stdio-package");

    /// <summary>The fixture of our own configuration: <c>artifacts/bin/{project}/{configuration}</c>.</summary>
    public static string FixtureFolder { get; } =
        Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "ConformanceServer", new DirectoryInfo(AppContext.BaseDirectory).Name));

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Obot.Orleans.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"no Obot.Orleans.sln above {AppContext.BaseDirectory}");
    }
}
