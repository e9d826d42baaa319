using System.Diagnostics;
using System.Security.Cryptography;

namespace Obot.SystemTests.Rig;

/// <summary>The pinned clients, servers and the conformance suite of <c>tests/clients</c>, installed once a lock file.</summary>
internal static class Npm
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly SemaphoreSlim Once = new(1);

    /// <summary>Coding agents: large, so in a folder of their own.</summary>
    public static string Agents { get; } = Path.Combine(Repository.Clients, "agents");

    /// <summary>Runs <c>npm ci</c> unless the stamp in <c>node_modules</c> is of this lock file. Other processes are waited for.</summary>
    /// <param name="folder">Null: <c>tests/clients</c>.</param>
    public static async Task EnsureInstalledAsync(string? folder = null)
    {
        folder ??= Repository.Clients;
        await Once.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            await using var alone = await LockAsync(Path.Combine(folder, ".npm.lock"));
            var stamp = Path.Combine(folder, "node_modules", ".obot-stamp");
            var wanted = Convert.ToHexString(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(folder, "package-lock.json"))));
            if (File.Exists(stamp) && string.Equals(await File.ReadAllTextAsync(stamp), wanted, StringComparison.Ordinal))
            {
                return;
            }

            (await ProcessRunner.RunAsync("npm", ["ci", "--no-audit", "--no-fund"], Patience, folder: folder)).Checked();
            await File.WriteAllTextAsync(stamp, wanted);
        }
        finally
        {
            Once.Release();
        }
    }

    /// <summary>Runs a script of <c>tests/clients</c>.</summary>
    public static async Task<ProcessResult> ScriptAsync(string script, IEnumerable<string> arguments, TimeSpan limit, IReadOnlyDictionary<string, string>? environment = null)
    {
        await EnsureInstalledAsync();
        return await ProcessRunner.RunAsync("node", [Path.Combine(Repository.Clients, script), .. arguments], limit, environment);
    }

    /// <summary>Path of a command that a package of <c>tests/clients</c> brings.</summary>
    public static string Command(string name) => Path.Combine(Repository.Clients, "node_modules", ".bin", name);

    private static async Task<FileStream> LockAsync(string file)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (clock.Elapsed < Patience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), TestContext.Current.CancellationToken);
            }
        }
    }
}
