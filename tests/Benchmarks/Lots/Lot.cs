namespace Obot.Benchmarks.Lots;

/// <summary>One way to the same echo server.</summary>
/// <param name="Hops">Processes between client and server, asked anew at each measurement.</param>
/// <param name="Key">Bearer token.</param>
internal sealed record Lot(string Name, Uri Url, Func<IReadOnlyList<int>> Hops, string? Key = null)
{
    public const string Direct = "direct";
    public const string OneNginx = "one nginx";
    public const string TwoNginx = "two nginx";
    public const string TwoYarp = "two YARP";
    public const string Governed = "gateway + guard";
    public const string Exchanged = "… + exchanged credentials";
    public const string WebhookOnRequests = "… + a webhook on requests";
    public const string WebhookOnBoth = "… + a webhook on both sides";
    public const string BuiltIn = "… + all built-in filters";
}
