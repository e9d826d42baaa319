using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Obot.Shim.Guard.Forwarding;

/// <summary>What a client's session id stands for.</summary>
/// <param name="Upstream">The server's own id of the session.</param>
/// <param name="Life">Life of the guard in which the session began; null in handles that say nothing of it.</param>
/// <param name="Hello">JSON of the params of <c>initialize</c>: with them the session can be begun again; null where they are not known.</param>
internal sealed record SessionHandle(string Upstream, string? Life, string? Hello);

/// <summary>
/// Binds a legacy session to its principal: what the client holds is sealed for that principal by a key of the instance, so that a stolen
/// id is worth nothing to another user, on any generation, without a table. It holds what is needed to begin the session again.
/// </summary>
internal sealed class SessionSeal
{
    private const int MacLength = 16;
    private const int NonceLength = 12;
    private const int TagLength = 16;
    private const char Separator = '.';
    private const char Line = '\n';
    private const string Mark = "obot2.";

    private readonly byte[] macKey;
    private readonly byte[] sealKey;

    /// <param name="key">32 bytes, base64.</param>
    public SessionSeal(string key)
    {
        macKey = Convert.FromBase64String(key);
        sealKey = HKDF.DeriveKey(HashAlgorithmName.SHA256, macKey, 32, info: "session-handle"u8.ToArray());
    }

    public string Seal(SessionHandle handle, string principal)
    {
        var plain = Encoding.UTF8.GetBytes($"{handle.Life}{Line}{handle.Upstream}{Line}{handle.Hello}");
        var box = new byte[NonceLength + plain.Length + TagLength];
        RandomNumberGenerator.Fill(box.AsSpan(0, NonceLength));
        using var aes = new AesGcm(sealKey, TagLength);
        aes.Encrypt(box.AsSpan(0, NonceLength), plain, box.AsSpan(NonceLength, plain.Length), box.AsSpan(NonceLength + plain.Length), Encoding.UTF8.GetBytes(principal));
        return Mark + Base64Url.EncodeToString(box);
    }

    /// <summary>Without anything to begin it again with.</summary>
    public string Seal(string session, string principal) => $"{session}{Separator}{Convert.ToHexStringLower(Mac(session, principal))}";

    /// <summary>Null when the handle was not made for this principal.</summary>
    public SessionHandle? Read(string handle, string principal) => handle.StartsWith(Mark, StringComparison.Ordinal)
        ? Unseal(handle.AsSpan(Mark.Length), principal)
        : Open(handle, principal) is { } session ? new(session, null, null) : null;

    /// <summary>The server's own id; null when the handle was not made for this principal.</summary>
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

    private SessionHandle? Unseal(ReadOnlySpan<char> text, string principal)
    {
        try
        {
            var box = Base64Url.DecodeFromChars(text);
            if (box.Length < NonceLength + TagLength)
            {
                return null;
            }

            var plain = new byte[box.Length - NonceLength - TagLength];
            using var aes = new AesGcm(sealKey, TagLength);
            aes.Decrypt(box.AsSpan(0, NonceLength), box.AsSpan(NonceLength, plain.Length), box.AsSpan(NonceLength + plain.Length), plain, Encoding.UTF8.GetBytes(principal));
            return Encoding.UTF8.GetString(plain).Split(Line, 3) is [var life, var upstream, var hello] ? new(upstream, life, hello) : null;
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return null;
        }
    }

    private ReadOnlySpan<byte> Mac(string session, string principal) =>
        HMACSHA256.HashData(macKey, Encoding.UTF8.GetBytes($"{principal}\0{session}")).AsSpan(0, MacLength);
}
