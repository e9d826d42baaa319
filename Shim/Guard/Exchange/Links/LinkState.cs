using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Obot.Shim.Guard.Exchange.Links;

/// <param name="Until">How long the call may wait for its person.</param>
/// <param name="Accepted">The person has been led to the link already.</param>
/// <param name="Denied">Beginning of the hash of the token that was not good enough; nothing for no token.</param>
internal sealed record LinkWait(DateTimeOffset Until, bool Accepted, ulong Denied);

/// <summary>
/// The <c>requestState</c> by which a modern client comes back to a call that waits for its person: what is waited for and until when, with a MAC
/// over it, the principal and the server. Good for as long as this guard lives; nothing is remembered for it.
/// </summary>
internal sealed class LinkState(string instance, TimeProvider time)
{
    public const string Mark = "obot-link.";
    private const int Length = 17;
    private const int MacLength = 16;

    private readonly byte[] key = RandomNumberGenerator.GetBytes(32);

    public string Write(LinkWait wait, string principal)
    {
        var bytes = new byte[Length + MacLength];
        BinaryPrimitives.WriteInt64BigEndian(bytes, wait.Until.ToUnixTimeMilliseconds());
        bytes[8] = wait.Accepted ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(9), wait.Denied);
        Mac(bytes.AsSpan(0, Length), principal).CopyTo(bytes.AsSpan(Length));
        return Mark + Base64Url.EncodeToString(bytes);
    }

    /// <summary>Null when it is not this principal's, too old, or of another life of this guard.</summary>
    public LinkWait? Read(string state, string principal)
    {
        var text = state.AsSpan(Mark.Length);
        if (text.Length > 100 || !Base64Url.IsValid(text) || Base64Url.DecodeFromChars(text) is not { Length: Length + MacLength } bytes
            || !CryptographicOperations.FixedTimeEquals(bytes.AsSpan(Length), Mac(bytes.AsSpan(0, Length), principal)))
        {
            return null;
        }

        var until = DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(bytes));
        return until > time.GetUtcNow() ? new(until, bytes[8] == 1, BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(9))) : null;
    }

    /// <summary>How a token is recognized without being there.</summary>
    public static ulong HashOf(string? token) => token is null ? 0 : BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    private ReadOnlySpan<byte> Mac(ReadOnlySpan<byte> head, string principal) =>
        HMACSHA256.HashData(key, (byte[])[.. head, .. Encoding.UTF8.GetBytes($"{principal}\0{instance}")]).AsSpan(0, MacLength);
}
