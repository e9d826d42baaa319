using System.Runtime.InteropServices;

namespace Obot.Grains.Audit.Usage;

/// <summary>Calls of some time: by server, by tool, and by hour or day.</summary>
internal sealed class CallSums
{
    /// <summary>No user's number for good is as large.</summary>
    private const int FirstFree = 1 << 30;

    private readonly Dictionary<string, int> users = new(StringComparer.Ordinal);

    public Dictionary<string, CallTally> Servers { get; } = new(StringComparer.Ordinal);

    /// <summary>Only what was called with <c>tools/call</c>.</summary>
    public Dictionary<(string Server, string Tool), CallTally> Tools { get; } = [];

    public Dictionary<DateTime, CallTally> Periods { get; } = [];

    /// <summary>Users whose hours were added. Until <see cref="Renumber"/> their numbers are places in this list.</summary>
    public IEnumerable<string> Users => users.Keys;

    public CallTally Total
    {
        get
        {
            var total = new CallTally();
            foreach (var server in Servers.Values)
            {
                total.Add(server);
            }

            return total;
        }
    }

    public void Add(CallHour row, DateTime period)
    {
        Add(Of(Servers, row.ServerId), row);
        Add(Of(Periods, period), row);
        if (row.Tool.Length > 0)
        {
            Add(Of(Tools, (row.ServerId, row.Tool)), row);
        }
    }

    /// <summary>Gives users the numbers that they have for good; those who have none yet get some that nobody has.</summary>
    public void Renumber(IReadOnlyDictionary<string, int> known)
    {
        var free = FirstFree;
        var numbers = new int[users.Count];
        foreach (var (user, place) in users)
        {
            numbers[place] = known.TryGetValue(user, out var number) ? number : free++;
        }

        foreach (var tally in Servers.Values.Concat(Tools.Values).Concat(Periods.Values))
        {
            tally.Users.Renumber(numbers);
        }
    }

    /// <summary>Forgets every other tool.</summary>
    public void KeepTools(IReadOnlyCollection<(string Server, string Tool)> kept)
    {
        foreach (var other in Tools.Keys.Except(kept).ToList())
        {
            Tools.Remove(other);
        }
    }

    public static CallTally Of<TKey>(Dictionary<TKey, CallTally> tallies, TKey key)
        where TKey : notnull => CollectionsMarshal.GetValueRefOrAddDefault(tallies, key, out _) ??= new();

    private void Add(CallTally to, CallHour row)
    {
        to.Count(row.Calls, row.Errors);
        to.AddDurations(row.Bucket, row.Calls);
        if (row.UserId.Length > 0)
        {
            ref var place = ref CollectionsMarshal.GetValueRefOrAddDefault(users, row.UserId, out var isThere);
            place = isThere ? place : users.Count - 1;
            to.Users.Add(place);
        }
    }
}

/// <summary>One row of <c>mcp_call_stats</c>.</summary>
/// <param name="Tool">Empty where no tool was called.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct CallHour(DateTime Hour, string ServerId, string UserId, string Tool, int Bucket, long Calls, long Errors);
