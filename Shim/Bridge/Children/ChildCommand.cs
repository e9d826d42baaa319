namespace Obot.Shim.Bridge.Children;

/// <summary>What is executed for each child, resolved once at the start.</summary>
/// <param name="File">Absolute path of the executable.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="PathPrefix">Put before <c>PATH</c> (a package's <c>node_modules/.bin</c>), as npx does.</param>
internal sealed record ChildCommand(string File, IReadOnlyList<string> Arguments, string? PathPrefix = null);

/// <summary>The server could not be started; the message is for a person.</summary>
internal sealed class ServerStartException(string message) : Exception(message);

internal static class Executables
{
    /// <summary>Absolute path of a command on <c>PATH</c>, or null.</summary>
    public static string? Find(string command) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/bin:/usr/bin:/bin")
            .Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, command))
            .FirstOrDefault(IsExecutable);

    private static bool IsExecutable(string path) =>
        File.Exists(path)
        && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != UnixFileMode.None);
}
