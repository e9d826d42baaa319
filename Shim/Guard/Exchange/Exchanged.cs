using System.Security.Cryptography;
using System.Text;
using Obot.Shim.Contracts.Exchange;

namespace Obot.Shim.Guard.Exchange;

/// <summary>What the cluster answered for one user: credentials, or why there are none.</summary>
/// <param name="GoodFor">From the answer on; nothing for a refusal.</param>
internal sealed record Exchanged(InjectedCredentials? Credentials, ExchangeRefusal? Refusal, TimeSpan GoodFor)
{
    public static Exchanged Refused(string error, string description, string? uri = null) => new(null, new(error, description, uri), TimeSpan.Zero);
}

/// <param name="Error">One of <see cref="ExchangeErrors"/>.</param>
/// <param name="Description">For the person who called.</param>
/// <param name="Uri">Where that person can do something about it.</param>
internal sealed record ExchangeRefusal(string Error, string Description, string? Uri);

/// <summary>The server's 401 or 403 to a call, which goes no further than this guard.</summary>
internal sealed record UpstreamDenial(int Status, string? Challenge)
{
    /// <summary>How the cluster recognizes the token without seeing it.</summary>
    public static string? HashOf(string? token) =>
        token is null ? null : System.Buffers.Text.Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}
