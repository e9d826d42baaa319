using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Catalog.Import;

/// <summary>What a client's command runs.</summary>
/// <param name="What">Package or image.</param>
/// <param name="Command">The package's command, where it is not the package's name.</param>
/// <param name="Environment">Variables that the command line itself sets; an empty value is to be supplied.</param>
/// <param name="LeftOut">Words that have no place in a manifest.</param>
internal sealed record CommandLine(string Runtime, string What, string? Command, IReadOnlyList<string> Args, IReadOnlyDictionary<string, string> Environment, IReadOnlyList<string> LeftOut)
{
    private static readonly HashSet<string> DockerValues = new(
        ["-v", "--volume", "--mount", "--name", "-p", "--publish", "--network", "--net", "-w", "--workdir", "-u", "--user", "--env-file", "--platform", "--memory", "-m", "--cpus", "--entrypoint", "--add-host", "--pull", "-l", "--label"],
        StringComparer.Ordinal);

    private static readonly HashSet<string> Quiet = new(["-y", "--yes", "-q", "--quiet", "-i", "--interactive", "--rm", "--init", "-t", "-it", "-ti"], StringComparer.Ordinal);

    public static CommandLine Read(string command, string[] args, string field)
    {
        var program = command[(command.LastIndexOfAny(['/', '\\']) + 1)..];
        program = program.EndsWith(".cmd", StringComparison.OrdinalIgnoreCase) || program.EndsWith(".exe", StringComparison.OrdinalIgnoreCase) ? program[..^4] : program;
        return (program, args) switch
        {
            ("cmd", [var c, var inner, .. var rest]) when c.Equals("/c", StringComparison.OrdinalIgnoreCase) => Read(inner, rest, field),
            ("npx" or "bunx" or "pnpx", _) => Package(Runtimes.Npx, args, ["-p", "--package"], field),
            ("uvx", _) => Package(Runtimes.Uvx, args, ["--from"], field),
            ("uv", ["tool", "run", .. var rest]) => Package(Runtimes.Uvx, rest, ["--from"], field),
            ("pipx", ["run", .. var rest]) => Package(Runtimes.Uvx, rest, ["--spec"], field),
            ("docker" or "podman", ["run", .. var rest]) => Container(rest, field),
            _ => throw new InvalidInputException($"{field}.command", $"'{command}' cannot be run here. Servers are run by 'npx', 'uvx' or 'docker run', or reached at a 'url'."),
        };
    }

    private static CommandLine Package(string runtime, string[] args, string[] packageFlags, string field)
    {
        string? package = null;
        var leftOut = new List<string>();
        for (var i = 0; i < args.Length; i++)
        {
            if (packageFlags.Contains(args[i], StringComparer.Ordinal) && i + 1 < args.Length)
            {
                package = args[++i];
            }
            else if (Array.Find(packageFlags, flag => args[i].StartsWith(flag + "=", StringComparison.Ordinal)) is { } flag)
            {
                package = args[i][(flag.Length + 1)..];
            }
            else if (args[i].StartsWith('-'))
            {
                leftOut.AddRange(Quiet.Contains(args[i]) ? [] : [args[i]]);
            }
            else
            {
                var rest = args.Skip(i + 1).ToArray();
                return package is null
                    ? new(runtime, args[i], null, rest, None, leftOut)
                    : new(runtime, package, runtime == Runtimes.Uvx ? args[i] : null, rest, None, leftOut);
            }
        }

        return package is not null
            ? new(runtime, package, null, [], None, leftOut)
            : throw new InvalidInputException($"{field}.args", "There is no package in the arguments.");
    }

    private static CommandLine Container(string[] args, string field)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        var leftOut = new List<string>();
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] is "-e" or "--env" && i + 1 < args.Length)
            {
                Add(environment, args[++i]);
            }
            else if (args[i].StartsWith("--env=", StringComparison.Ordinal))
            {
                Add(environment, args[i]["--env=".Length..]);
            }
            else if (DockerValues.Contains(args[i]) && i + 1 < args.Length)
            {
                leftOut.Add($"{args[i]} {args[++i]}");
            }
            else if (args[i].StartsWith('-'))
            {
                leftOut.AddRange(Quiet.Contains(args[i]) ? [] : [args[i]]);
            }
            else
            {
                return new(Runtimes.Containerized, args[i], null, [.. args.Skip(i + 1)], environment, leftOut);
            }
        }

        throw new InvalidInputException($"{field}.args", "There is no image in the arguments.");
    }

    private static Dictionary<string, string> None => new(StringComparer.Ordinal);

    private static void Add(Dictionary<string, string> environment, string word)
    {
        var (key, value) = word.Split('=', 2) is [var name, var text] ? (name, text) : (word, "");
        environment[key] = value;
    }
}
