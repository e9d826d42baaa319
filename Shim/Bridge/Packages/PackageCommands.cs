using Obot.Shim.Bridge.Children;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Bridge.Packages;

/// <summary>Turns the manifest's command into what is executed.</summary>
internal static class PackageCommands
{
    public static async Task<ChildCommand> PrepareAsync(BridgeBoot boot, NpmPackages npm, CancellationToken cancellationToken) =>
        boot.Command.Runtime switch
        {
            "npx" => await npm.PrepareAsync(cancellationToken),
            "uvx" => Uvx(boot.Command),
            var other => throw new ServerStartException($"runtime '{other}' is not supported: use npx or uvx"),
        };

    private static ChildCommand Uvx(BridgeCommand command)
    {
        var uvx = Executables.Find("uvx") ?? throw new ServerStartException(
            "uvx was not found on PATH: install uv (https://docs.astral.sh/uv/) on the machine that runs this server");
        return new ChildCommand(uvx, command.Command is { Length: > 0 } inner
            ? ["--from", command.Package, inner, .. command.Arguments]
            : [command.Package, .. command.Arguments]);
    }
}
