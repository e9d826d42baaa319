using System.Buffers.Binary;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Shim.Contracts.Boot;
using SystemProcess = System.Diagnostics.Process;

namespace Obot.Grains.Hosting.Process;

/// <summary>
/// Who runs a server that is a process of this silo. As root on Linux every instance has a user id of its own, and so has the installation of
/// every package: a server reaches neither the platform's files and processes nor those of another server. Elsewhere servers run as the silo's
/// own user, and only trusted ones should.
/// </summary>
internal sealed partial class ServerAccounts(IOptions<HostingOptions> options, ILogger<ServerAccounts> logger)
{
    private const uint First = 1_000_000_000;
    private const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Passable = Own | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
    private const UnixFileMode Readable = Passable | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly Lazy<bool> isOn = new(() => CanSwitch(options.Value, logger));
    private readonly Lazy<string> root = new(() => RootOf(Path.GetFullPath(options.Value.DataPath)));

    /// <summary>Null where servers run as the silo's user.</summary>
    public BridgeAccounts? Of(string instance, string package) =>
        isOn.Value ? new() { Server = Id($"server\0{instance}"), Packages = Id($"package\0{package}") } : null;

    /// <summary>Folder of installed packages.</summary>
    public string Packages() => Make(Path.Combine(Root, "packages"), Readable);

    /// <summary>Working directory and home of an instance, which stays when the instance stops.</summary>
    public string Home(string instance, BridgeAccounts? accounts)
    {
        var folder = Path.Combine(Make(Path.Combine(Root, "instances"), Passable), instance);
        var isNew = !Directory.Exists(folder);
        Directory.CreateDirectory(folder);
        if (accounts is { Server: var id } && (isNew || File.GetUnixFileMode(folder) != Own))
        {
            Run("chown", "-R", "-h", $"{id}:{id}", folder);
            File.SetUnixFileMode(folder, Own);
        }

        return folder;
    }

    /// <summary>An empty folder for the files that the configuration gives to an instance. The server can read them; the folder is not its own.</summary>
    public string Files(string instance)
    {
        var folder = Path.Combine(Make(Path.Combine(Root, "files"), Passable), instance);
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        return Make(folder, Passable);
    }

    /// <summary>Hands over a file that was just written into <see cref="Files"/>.</summary>
    public static void Give(string path, BridgeAccounts? accounts)
    {
        if (accounts is { Server: var id } && ChangeOwner(path, id, id) != 0)
        {
            throw new ServerStartException($"{path} cannot be given to user {id}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    private string Root => isOn.Value ? root.Value : Path.GetFullPath(options.Value.DataPath);

    private static string Make(string folder, UnixFileMode mode)
    {
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder);
            File.SetUnixFileMode(folder, mode);
        }

        return folder;
    }

    private static uint Id(string text) => First + (BinaryPrimitives.ReadUInt32LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text))) % First);

    private static bool CanSwitch(HostingOptions options, ILogger logger)
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root" || !options.OwnAccounts)
        {
            LogSameUser(logger, Environment.UserName);
            return false;
        }

        try
        {
            var id = First.ToString(CultureInfo.InvariantCulture);
            Run(BridgeAccounts.Switcher, $"--reuid={id}", $"--regid={id}", "--clear-groups", "--no-new-privs", "--", "true");
            return true;
        }
        catch (ServerStartException exception)
        {
            LogCannot(logger, exception.Message);
            return false;
        }
    }

    /// <summary>The data folder; where others may not walk the path to it (a folder of <c>mktemp -d</c>), one for it below <c>/var/lib/obot</c>.</summary>
    private static string RootOf(string data)
    {
        for (var folder = new DirectoryInfo(data); folder is not null; folder = folder.Parent)
        {
            if (folder.Exists && !folder.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
            {
                return Make(Path.Combine(Make("/var/lib/obot", Passable), Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(data)))[..16]), Passable);
            }
        }

        return data;
    }

    private static void Run(string program, params string[] arguments)
    {
        try
        {
            using var process = SystemProcess.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true })!;
            var said = process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0)
            {
                throw new ServerStartException($"'{program}' failed: {said.Trim()}");
            }
        }
        catch (Win32Exception exception)
        {
            throw new ServerStartException($"'{program}' cannot be run: {exception.Message}");
        }
    }

    [LibraryImport("libc", EntryPoint = "lchown", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int ChangeOwner(string path, uint user, uint group);

    [LoggerMessage(LogLevel.Information, "MCP servers that are local processes run as user {User}: run only servers you trust, or use Docker")]
    private static partial void LogSameUser(ILogger logger, string user);

    [LoggerMessage(LogLevel.Warning, "MCP servers cannot have user ids of their own here and run as root: {Reason}. Run only servers you trust, or use Docker")]
    private static partial void LogCannot(ILogger logger, string reason);
}
