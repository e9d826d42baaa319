using System.Globalization;
using System.Runtime.InteropServices;

namespace Obot.Shim.Bridge.Children;

/// <summary>Processes as <c>/proc</c> shows them: a child's descendants, and what is left of our own process group.</summary>
internal static partial class ProcessTree
{
    public const int SigKill = 9;
    public const int SigTerm = 15;

    /// <summary>A process, told apart from a later one with the same id by its start time.</summary>
    [StructLayout(LayoutKind.Auto)]
    internal readonly record struct Member(int Id, int Parent, int Group, ulong StartTime);

    /// <summary>The process and all of its descendants, parents first.</summary>
    public static List<Member> Of(int root)
    {
        var all = Scan();
        var tree = all.Where(p => p.Id == root).ToList();
        for (var i = 0; i < tree.Count; i++)
        {
            var parent = tree[i].Id;
            tree.AddRange(all.Where(p => p.Parent == parent));
        }

        return tree;
    }

    /// <summary>Kills those that still are the processes they were.</summary>
    public static void Kill(IEnumerable<Member> members)
    {
        foreach (var member in members)
        {
            if (Find(member.Id) is { } now && now.StartTime == member.StartTime)
            {
                _ = SendSignal(member.Id, SigKill);
            }
        }
    }

    public static void Terminate(int id) => _ = SendSignal(id, SigTerm);

    /// <summary>
    /// The last act of a bridge that leads its own process group (its starter used <c>setsid</c>): nothing that its children started
    /// outlives it. Without a group of our own there is nothing we may kill.
    /// </summary>
    public static void KillOwnGroup()
    {
        if (GetGroup() != Environment.ProcessId)
        {
            return;
        }

        // members are killed one by one, so that our own exit code survives; a fork may slip through one pass, not through ten
        for (var pass = 0; pass < 10; pass++)
        {
            var others = Scan().Where(p => p.Group == Environment.ProcessId && p.Id != Environment.ProcessId).ToList();
            if (others.Count == 0)
            {
                return;
            }

            Kill(others);
            Thread.Sleep(5);
        }
    }

    private static List<Member> Scan()
    {
        var members = new List<Member>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && Find(id) is { } member)
            {
                members.Add(member);
            }
        }

        return members;
    }

    private static Member? Find(int id)
    {
        try
        {
            // proc(5): pid (comm) state ppid pgrp … starttime is field 22; comm may hold blanks and brackets. Zombies are gone.
            var stat = File.ReadAllText($"/proc/{id}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z"
                ? null
                : new Member(id, Parse(fields[1]), Parse(fields[2]), ulong.Parse(fields[19], CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static int Parse(string field) => int.Parse(field, CultureInfo.InvariantCulture);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "getpgrp")]
    private static partial int GetGroup();
}
