using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Guard.Composite;

/// <summary>
/// The seats of a composite. The id of a legacy session says what its client can do, so that a guard that never saw it goes on with it:
/// the conversations behind it are begun anew. The seal around it says whose it is.
/// </summary>
internal sealed class Seats(CompositeUpstream composite, ComponentGateway gateway, TimeProvider time)
{
    private const int MaxSeats = 5000;
    private const int NonceBytes = 12;
    private static readonly TimeSpan Idle = TimeSpan.FromMinutes(15);
    private static readonly string[] Abilities = ["sampling", "elicitation", "roots"];

    private readonly ConcurrentDictionary<string, Seat> seats = new(StringComparer.Ordinal);

    /// <summary>A new legacy session for a client with these capabilities.</summary>
    public static string NewSession(JsonObject? capabilities)
    {
        var flags = Abilities.Select((name, bit) => capabilities?[name] is JsonObject ? 1 << bit : 0).Sum();
        return $"c{flags}-{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(NonceBytes))}";
    }

    /// <param name="session">Null: the principal's own seat.</param>
    public Seat Of(string principal, string? session, string assertion)
    {
        var key = session is null ? principal : $"{principal} {session}";
        if (!seats.TryGetValue(key, out var seat))
        {
            Sweep();
            seat = seats.GetOrAdd(key, _ => new(composite, gateway, CapabilitiesOf(session), time));
        }

        seat.Touch(assertion);
        return seat;
    }

    public void End(string principal, string session) => seats.TryRemove($"{principal} {session}", out _);

    private static JsonObject CapabilitiesOf(string? session)
    {
        var capabilities = new JsonObject();
        if (session is ['c', >= '0' and <= '7', '-', ..])
        {
            for (var bit = 0; bit < Abilities.Length; bit++)
            {
                if (((session[1] - '0') & (1 << bit)) != 0)
                {
                    capabilities[Abilities[bit]] = new JsonObject();
                }
            }
        }

        return capabilities;
    }

    private void Sweep()
    {
        foreach (var pair in seats)
        {
            if (pair.Value.IsIdleFor(seats.Count < MaxSeats ? Idle : TimeSpan.FromSeconds(10)))
            {
                seats.TryRemove(pair);
            }
        }
    }
}
