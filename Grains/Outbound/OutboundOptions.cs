namespace Obot.Grains.Outbound;

/// <summary>Section <c>Obot:Outbound</c>: addresses that users and clients name.</summary>
public sealed class OutboundOptions
{
    /// <summary>
    /// Hosts (<c>name</c> or <c>name:port</c>) that may be asked although they are private, loopback or link-local. Default: none.
    /// </summary>
    public IList<string> AllowedHosts { get; } = [];

    /// <summary>From connecting to the last byte. Default 5 s.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);
}
