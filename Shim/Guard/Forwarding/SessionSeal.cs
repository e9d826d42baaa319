using System.Security.Cryptography;
using System.Text;

namespace Obot.Shim.Guard.Forwarding;

/// <summary>
/// Binds a legacy session id to its principal: what the client holds is the server's id and a MAC over id and principal. A stolen
/// id is worth nothing to another user, on any generation, without a table.
/// </summary>
internal sealed class SessionSeal(string key)
{
    private const int MacLength = 16;
    private const char Separator = '.';

    private readonly byte[] macKey = Convert.FromBase64String(key);

    public string Seal(string session, string principal) => $"{session}{Separator}{Convert.ToHexStringLower(Mac(session, principal))}";

    /// <summary>Null when the handle was not made for this principal.</summary>
    public string? Open(string handle, string principal)
    {
        var separator = handle.LastIndexOf(Separator);
        if (separator <= 0 || handle.Length - separator - 1 != MacLength * 2)
        {
            return null;
        }

        var session = handle[..separator];
        Span<byte> mac = stackalloc byte[MacLength];
        return Convert.FromHexString(handle.AsSpan(separator + 1), mac, out _, out var written) is System.Buffers.OperationStatus.Done
            && written == MacLength
            && CryptographicOperations.FixedTimeEquals(mac, Mac(session, principal))
            ? session
            : null;
    }

    private ReadOnlySpan<byte> Mac(string session, string principal) =>
        HMACSHA256.HashData(macKey, Encoding.UTF8.GetBytes($"{principal}\0{session}")).AsSpan(0, MacLength);
}
