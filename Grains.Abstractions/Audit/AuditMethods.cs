namespace Obot.Grains.Abstractions.Audit;

/// <summary>What stands in a record's method where there is no JSON-RPC method.</summary>
public static class AuditMethods
{
    /// <summary>A client's stream; recorded when it ends.</summary>
    public const string Get = "GET";

    /// <summary>The end of a session.</summary>
    public const string Delete = "DELETE";

    /// <summary>A client's answer to a server's question.</summary>
    public const string Response = "response";

    /// <summary>What begins so is an event of the platform, not a call.</summary>
    public const string Prefix = "obot/";

    /// <summary>A message that the gateway refused without reading it.</summary>
    public const string Unread = "POST";

    /// <summary>How many refusals were not recorded one by one.</summary>
    public const string Refusals = Prefix + "refusals";

    /// <summary>An auditor was shown the bodies of the record that the identifier names.</summary>
    public const string BodiesRead = Prefix + "audit-log/read";
}
