using System.Buffers.Binary;
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.EraBridge;

/// <summary>
/// Calls in which the server waits for an answer of the client, and the <c>requestState</c> by which the client comes back to them: a number, an
/// expiry and a MAC over both, the principal and the server. A stolen or old one opens nothing, and each opens once.
/// </summary>
internal sealed class SuspendedCalls(string instance, TimeProvider time)
{
    private const int MaxCalls = 1000;
    private const int NumberLength = 16;
    private const int MacLength = 16;
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    private readonly byte[] key = RandomNumberGenerator.GetBytes(32);
    private readonly ConcurrentDictionary<string, Suspended> calls = new(StringComparer.Ordinal);

    /// <summary>Null when too many wait already.</summary>
    /// <param name="question">Raw id of the server's request.</param>
    public string? Add(string principal, UpstreamCall call, ReadOnlyMemory<byte> question)
    {
        Forget();
        if (calls.Count >= MaxCalls)
        {
            return null;
        }

        var state = new byte[NumberLength + 8 + MacLength];
        RandomNumberGenerator.Fill(state.AsSpan(0, NumberLength));
        var expires = time.GetUtcNow() + Lifetime;
        BinaryPrimitives.WriteInt64BigEndian(state.AsSpan(NumberLength), expires.ToUnixTimeMilliseconds());
        Mac(state.AsSpan(0, NumberLength + 8), principal).CopyTo(state.AsSpan(NumberLength + 8));
        var text = Base64Url.EncodeToString(state);
        calls[text] = new(call, question, expires);
        return text;
    }

    /// <summary>Null when it is not this principal's, too old, used, or of an earlier life of this guard.</summary>
    public (UpstreamCall Call, ReadOnlyMemory<byte> Question)? Take(string state, string principal)
    {
        Forget();
        if (state.Length > 100 || !Base64Url.IsValid(state) || Base64Url.DecodeFromChars(state) is not { Length: NumberLength + 8 + MacLength } bytes
            || !CryptographicOperations.FixedTimeEquals(bytes.AsSpan(NumberLength + 8), Mac(bytes.AsSpan(0, NumberLength + 8), principal)))
        {
            return null;
        }

        return calls.TryRemove(state, out var found) && found.Expires > time.GetUtcNow() ? (found.Call, found.Question) : null;
    }

    private void Forget()
    {
        foreach (var pair in calls)
        {
            if (pair.Value.Expires <= time.GetUtcNow() && calls.TryRemove(pair))
            {
                pair.Value.Call.Dispose();
            }
        }
    }

    private ReadOnlySpan<byte> Mac(ReadOnlySpan<byte> head, string principal) =>
        HMACSHA256.HashData(key, (byte[])[.. head, .. Encoding.UTF8.GetBytes($"{principal}\0{instance}")]).AsSpan(0, MacLength);

    private sealed record Suspended(UpstreamCall Call, ReadOnlyMemory<byte> Question, DateTimeOffset Expires);
}
