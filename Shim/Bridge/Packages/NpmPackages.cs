using Obot.Shim.Bridge.Children;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Bridge.Packages;

/// <summary>
/// npm packages kept between starts. <c>{cache}/npm/{package}/{when installed, Unix ms}/</c> is one finished installation and is
/// never changed: the newest one counts, running servers keep theirs. Semantics are those of <c>npx -y package args…</c>, without
/// a resident npx.
/// </summary>
internal sealed class NpmPackages(BridgeBoot boot, TimeProvider time)
{
    private const string Staging = ".installing-";
    private const int KeptInstallations = 2;
    private static readonly TimeSpan MaxAge = TimeSpan.FromHours(24);

    private readonly PackageSpec spec = new(boot.Command.Package);

    private string Root => Path.Combine(
        boot.Command.PackageCache, "npm", spec.Folder(boot.Environment.Where(p => ChildEnvironment.IsNpmConfiguration(p.Key))));

    /// <summary>The command of an installed package, installing it first if there is none.</summary>
    /// <exception cref="ServerStartException">It could not be installed, or has nothing to run.</exception>
    public async Task<ChildCommand> PrepareAsync(CancellationToken cancellationToken)
    {
        if (spec.Text.StartsWith('-'))
        {
            throw new ServerStartException($"'{spec.Text}' is not the name of an npm package");
        }

        if (Executables.Find("node") is null)
        {
            throw InstalledPackage.NodeMissing();
        }

        Directory.CreateDirectory(Root);
        var installed = Newest() ?? await InstallAsync(replaces: null, cancellationToken);
        return installed.Resolve(boot.Command.Arguments);
    }

    /// <summary>Installs a newer version for the next start when the newest installation is older than a day; offline is no error.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!spec.IsExact && Newest() is { } newest && Age(newest) > MaxAge)
            {
                await InstallAsync(newest, cancellationToken);
            }
        }
        catch (Exception e) when (e is ServerStartException or IOException or UnauthorizedAccessException or OperationCanceledException)
        {
            // what is installed goes on being used; the next start tries again
        }
    }

    private async Task<InstalledPackage> InstallAsync(InstalledPackage? replaces, CancellationToken cancellationToken)
    {
        using var held = await PackageLock.AcquireAsync(Path.Combine(Root, ".lock"), cancellationToken);
        if (Newest() is { } newest && newest != replaces)
        {
            // another bridge installed it while this one waited
            return newest;
        }

        CleanUp();
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var staging = Directory.CreateDirectory(Path.Combine(Root, $"{Staging}{now}")).FullName;
        try
        {
            await NpmInstaller.InstallAsync(spec, staging, boot, cancellationToken);
            var final = Path.Combine(Root, $"{now}");
            Directory.Move(staging, final);
            return new InstalledPackage(final);
        }
        catch
        {
            TryDelete(staging);
            throw;
        }
    }

    private InstalledPackage? Newest() => Installations().FirstOrDefault() is { } folder ? new InstalledPackage(folder) : null;

    private IEnumerable<string> Installations() =>
        Directory.EnumerateDirectories(Root).Where(f => When(f) > 0).OrderByDescending(When);

    private TimeSpan Age(InstalledPackage package) => time.GetUtcNow() - DateTimeOffset.FromUnixTimeMilliseconds(When(package.Folder));

    private static long When(string folder) =>
        long.TryParse(Path.GetFileName(folder), System.Globalization.CultureInfo.InvariantCulture, out var at) ? at : 0;

    // under the lock: half installations of the dead, and installations that no server should still be running from
    private void CleanUp()
    {
        foreach (var folder in Directory.EnumerateDirectories(Root, $"{Staging}*").Concat(Installations().Skip(KeptInstallations)).ToList())
        {
            TryDelete(folder);
        }
    }

    private static void TryDelete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // the next clean-up tries again
        }
    }
}
