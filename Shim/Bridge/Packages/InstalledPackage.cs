using System.Text.Json;
using Obot.Shim.Bridge.Children;

namespace Obot.Shim.Bridge.Packages;

/// <summary>A folder with one npm package in its <c>node_modules</c>, and the executable of it that npx would choose.</summary>
internal sealed record InstalledPackage(string Folder)
{
    private string Modules => Path.Combine(Folder, "node_modules");

    /// <exception cref="ServerStartException">The package has no executable that npx would run.</exception>
    public ChildCommand Resolve(IReadOnlyList<string> arguments)
    {
        var name = ReadName();
        var package = Path.Combine(Modules, name);
        var (command, file) = ReadBin(name, package);
        var bin = Path.Combine(Modules, ".bin");
        var target = Path.GetFullPath(Path.Combine(package, file));
        if (!File.Exists(target))
        {
            throw new ServerStartException($"npm package '{name}' names the executable {file}, which is not in the package");
        }

        return IsPlainNodeScript(target)
            ? new ChildCommand(Executables.Find("node") ?? throw NodeMissing(), [target, .. arguments], bin)
            : new ChildCommand(Path.Combine(bin, command), arguments, bin);
    }

    public static ServerStartException NodeMissing() =>
        new("node was not found on PATH: install Node.js with npm (https://nodejs.org) on the machine that runs this server");

    // the installer wrote exactly one dependency, whatever the spec looked like (a name, a tarball, a Git URL)
    private string ReadName()
    {
        using var manifest = Parse(Path.Combine(Folder, "package.json"));
        return manifest.RootElement.GetProperty("dependencies").EnumerateObject().First().Name;
    }

    // npm's getBinFromManifest: one bin (or many names of one file), else the one named like the package without its scope
    private static (string Command, string File) ReadBin(string name, string package)
    {
        using var manifest = Parse(Path.Combine(package, "package.json"));
        var unscoped = name[(name.IndexOf('/', StringComparison.Ordinal) + 1)..];
        if (manifest.RootElement.TryGetProperty("bin", out var bin))
        {
            if (bin.ValueKind == JsonValueKind.String)
            {
                return (unscoped, bin.GetString()!);
            }

            if (bin.ValueKind == JsonValueKind.Object)
            {
                var all = bin.EnumerateObject().Select(p => (p.Name, File: p.Value.GetString() ?? string.Empty)).ToList();
                if (all.Select(b => b.File).Distinct(StringComparer.Ordinal).Count() == 1)
                {
                    return all[0];
                }

                if (all.Find(b => string.Equals(b.Name, unscoped, StringComparison.Ordinal)) is { Name: not null } same)
                {
                    return same;
                }
            }
        }

        throw new ServerStartException($"npm package '{name}' has no executable that npx could run (no 'bin' named '{unscoped}' in its package.json)");
    }

    private static JsonDocument Parse(string file) => JsonDocument.Parse(File.ReadAllBytes(file));

    // anything else (other interpreters, node with options, native code) runs through its link in .bin
    private static bool IsPlainNodeScript(string file)
    {
        using var reader = new StreamReader(file);
        var buffer = new char[128];
        var first = new string(buffer, 0, reader.ReadBlock(buffer)).Split('\n')[0].TrimEnd('\r', ' ');
        return first is "#!/usr/bin/env node" or "#!/usr/bin/node" or "#!/usr/local/bin/node";
    }
}
