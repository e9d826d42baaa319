using System.Diagnostics;
using System.Runtime.InteropServices;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Bridge.Children;

/// <summary>Runs programs as another user than the bridge, which is root then. The program keeps its process id: the switcher becomes it.</summary>
internal static partial class OtherUser
{
    /// <summary>Changes nothing without an id. Call it last: it moves the program and its arguments behind the switcher's own.</summary>
    /// <exception cref="ServerStartException">There is no switcher.</exception>
    public static void RunAs(ProcessStartInfo start, uint? id)
    {
        if (id is null)
        {
            return;
        }

        var switcher = Executables.Find(BridgeAccounts.Switcher) ?? throw new ServerStartException($"'{BridgeAccounts.Switcher}' was not found on PATH (package util-linux)");
        string[] prefix = [$"--reuid={id}", $"--regid={id}", "--clear-groups", "--no-new-privs", "--", start.FileName];
        for (var i = 0; i < prefix.Length; i++)
        {
            start.ArgumentList.Insert(i, prefix[i]);
        }

        start.FileName = switcher;
    }

    /// <summary>Gives a file or folder of ours away; nothing without an id.</summary>
    public static void Give(string path, uint? id)
    {
        if (id is { } user && ChangeOwner(path, user, user) != 0)
        {
            throw new ServerStartException($"{path} cannot be given to user {user}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    [LibraryImport("libc", EntryPoint = "lchown", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int ChangeOwner(string path, uint user, uint group);
}
