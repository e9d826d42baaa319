using System.Diagnostics;
using Obot.Shim.Bridge.Children;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Bridge.Packages;

/// <summary>Runs <c>npm install</c> of one package into an empty folder.</summary>
internal static class NpmInstaller
{
    private const int KeptErrorLines = 20;

    public static async Task InstallAsync(PackageSpec spec, string folder, BridgeBoot boot, CancellationToken cancellationToken)
    {
        var npm = Executables.Find("npm") ?? throw new ServerStartException(
            "npm was not found on PATH: install Node.js with npm (https://nodejs.org) on the machine that runs this server");
        var start = new ProcessStartInfo(npm)
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in new[] { "install", "--prefix", folder, "--save", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error", "--", spec.Text })
        {
            start.ArgumentList.Add(argument);
        }

        var cache = boot.Accounts is null ? Path.Combine(boot.Command.PackageCache, ".npm") : OwnCache(folder, boot.Accounts.Packages);
        ChildEnvironment.ForInstaller(start, boot, cache);
        await File.WriteAllTextAsync(Path.Combine(folder, "package.json"), """{"private":true}""", cancellationToken);
        if (boot.Accounts is { Packages: var id })
        {
            OtherUser.Give(Path.Combine(folder, "package.json"), id);
            OtherUser.Give(folder, id);
            start.Environment["HOME"] = cache;
            OtherUser.RunAs(start, id);
        }

        using var process = Process.Start(start)!;
        try
        {
            process.StandardInput.Close();
            var errors = ReadTailAsync(process.StandardError, cancellationToken);
            var output = ReadTailAsync(process.StandardOutput, cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            await output;
            if (process.ExitCode != 0)
            {
                throw Explain(spec, process.ExitCode, await errors);
            }
        }
        catch (OperationCanceledException)
        {
            ProcessTree.Kill(ProcessTree.Of(process.Id));
            throw;
        }
    }

    /// <summary>Beside the installations of the package, its own user's: with the user configuration of npm that the platform itself would use.</summary>
    private static string OwnCache(string folder, uint id)
    {
        var cache = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(folder)!, ".npm")).FullName;
        OtherUser.Give(cache, id);
        var settings = Path.Combine(Environment.GetEnvironmentVariable("HOME") ?? "/root", ".npmrc");
        if (File.Exists(settings))
        {
            // never through a link that an earlier installation left: whatever is there goes first
            var copy = Path.Combine(cache, ".npmrc");
            File.Delete(copy);
            using (var file = new FileStream(copy, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
            {
                file.Write(File.ReadAllBytes(settings));
            }

            OtherUser.Give(copy, id);
        }

        return cache;
    }

    private static ServerStartException Explain(PackageSpec spec, int exitCode, IReadOnlyCollection<string> errors)
    {
        var code = errors.Select(CodeOf).FirstOrDefault(c => c is not null);
        return new ServerStartException(code switch
        {
            "E404" => $"npm package '{spec.Text}' was not found in the registry (E404)",
            "ETARGET" => $"npm package '{spec.Text}' has no such version (ETARGET)",
            "E401" or "E403" => $"the npm registry refused '{spec.Text}' ({code}): it needs credentials (npm_config_* of this server)",
            "ENOTFOUND" or "ECONNREFUSED" or "ETIMEDOUT" or "EAI_AGAIN" or "ECONNRESET" or "FETCH_ERROR" =>
                $"npm could not reach the registry for '{spec.Text}' ({code})",
            _ => $"npm could not install '{spec.Text}' (exit code {exitCode}): {string.Join('\n', errors)}",
        });
    }

    // "npm error code E404", or "npm ERR! code E404" of older versions
    private static string? CodeOf(string line)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words is ["npm", _, "code", var code, ..] ? code : null;
    }

    private static async Task<IReadOnlyCollection<string>> ReadTailAsync(StreamReader reader, CancellationToken cancellationToken)
    {
        var tail = new Queue<string>();
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            tail.Enqueue(line.Length > 500 ? line[..500] : line);
            if (tail.Count > KeptErrorLines)
            {
                tail.Dequeue();
            }
        }

        return tail;
    }
}
