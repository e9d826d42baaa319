using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Identity;

/// <summary><c>obotpart.{expiry, scope, part, user}.{HMAC-SHA256}</c> under a key of the cluster's for this alone.</summary>
internal sealed class PartTickets(IAssertionIssuer keys, TimeProvider time) : IPartTickets
{
    private const string Prefix = "obotpart.";
    private const int MostCharacters = 1000;

    public string Issue(string userId, string part, string scope)
    {
        var expires = (time.GetUtcNow() + IPartTickets.Lifetime).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var body = Prefix + Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"{expires}\n{scope}\n{part}\n{userId}"));
        return $"{body}.{Base64Url.EncodeToString(Sign(body))}";
    }

    public PartTicket? Read(string ticket)
    {
        var dot = ticket.LastIndexOf('.');
        if (ticket.Length > MostCharacters || !ticket.StartsWith(Prefix, StringComparison.Ordinal) || dot < Prefix.Length)
        {
            return null;
        }

        var (body, signature) = (ticket[..dot], ticket[(dot + 1)..]);
        if (!Base64Url.IsValid(signature) || !CryptographicOperations.FixedTimeEquals(Base64Url.DecodeFromChars(signature), Sign(body)))
        {
            return null;
        }

        return Encoding.UTF8.GetString(Base64Url.DecodeFromChars(body.AsSpan(Prefix.Length))).Split('\n', 4) is [var expires, var scope, var part, var userId]
            && long.Parse(expires, CultureInfo.InvariantCulture) > time.GetUtcNow().ToUnixTimeSeconds()
                ? new(userId, $"{part}:{userId}", scope)
                : null;
    }

    private byte[] Sign(string body) => HMACSHA256.HashData(keys.DeriveKey("part-ticket", "cluster"), Encoding.UTF8.GetBytes(body));
}
