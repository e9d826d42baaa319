using System.Diagnostics;
using SystemProcess = System.Diagnostics.Process;

namespace Obot.Grains.Hosting.Docker;

/// <summary>The shared libraries that a program of this machine needs, as <c>ldd</c> finds them: what an image "from scratch" has to bring.</summary>
internal static class LibraryClosure
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Where libraries lie that are opened by name at run time.</summary>
    private static readonly string[] Folders = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"];

    /// <param name="opened">Libraries that the program opens at run time (<c>libssl.so.3</c>).</param>
    /// <returns>Paths as the loader asks for them.</returns>
    /// <exception cref="ServerStartException">The program is none of this machine, or a library is missing.</exception>
    public static async Task<IReadOnlySet<string>> OfAsync(string program, IReadOnlyList<string> opened, CancellationToken cancellationToken)
    {
        var paths = new HashSet<string>(StringComparer.Ordinal);
        await AddAsync(program, paths, cancellationToken);
        var beside = paths.Select(Path.GetDirectoryName).OfType<string>().Distinct(StringComparer.Ordinal).Concat(Folders).ToList();
        foreach (var name in opened)
        {
            var path = beside.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists)
                ?? throw new ServerStartException($"{name}, which {Path.GetFileName(program)} needs, was not found in {string.Join(", ", beside)}");
            paths.Add(path);
            await AddAsync(path, paths, cancellationToken);
        }

        return paths;
    }

    private static async Task AddAsync(string file, HashSet<string> paths, CancellationToken cancellationToken)
    {
        using var process = SystemProcess.Start(new ProcessStartInfo("ldd", [file]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })
            ?? throw new ServerStartException("ldd could not be started");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        if (process.ExitCode != 0 && !output.Contains("statically linked", StringComparison.Ordinal) && !(await errors).Contains("not a dynamic", StringComparison.Ordinal))
        {
            throw new ServerStartException($"ldd says of {file}: {(await errors).Trim()}");
        }

        foreach (var line in output.Split('\n'))
        {
            paths.UnionWith(Parse(line) is { } path ? [path] : []);
        }
    }

    /// <summary>"libc.so.6 => /lib/x/libc.so.6 (0x…)" or "/lib64/ld-linux-x86-64.so.2 (0x…)".</summary>
    internal static string? Parse(string line)
    {
        var arrow = line.IndexOf("=>", StringComparison.Ordinal);
        var found = (arrow < 0 ? line : line[(arrow + 2)..]).Trim();
        if (found.StartsWith("not found", StringComparison.Ordinal))
        {
            throw new ServerStartException($"a library is missing on this machine: {line[..arrow].Trim()}");
        }

        return found.StartsWith('/') ? found.Split(' ')[0] : null;
    }
}
