namespace Obot.Gateway.Mcp;

/// <summary>Section <c>Obot:Gateway</c>.</summary>
public sealed class GatewayOptions
{
    /// <summary>Largest request body at <c>/mcp-connect</c>, in bytes. Default 16 MiB.</summary>
    public long MaxRequestBodyBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>Requests up to this size are kept until the server answered, so that they can go to its next generation. Default 1 MiB.</summary>
    public int MaxReplayBytes { get; set; } = 1024 * 1024;

    /// <summary>Requests and streams that one user may have open on one silo. Default 256.</summary>
    public int MaxOpenPerUser { get; set; } = 256;

    /// <summary>Longest silence within one call. Default 1 hour.</summary>
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long a call waits for its server to start. Default 2 minutes.</summary>
    public TimeSpan StartTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Further values of <c>Host</c> that are served, beside those of <c>Obot:PublicUrl</c> and the silo's own address.</summary>
    public IList<string> AllowedHosts { get; } = [];

    /// <summary>Origins whose pages may call <c>/mcp-connect</c>, beside the public URL's own (<c>https://app.example.com</c>).</summary>
    public IList<string> AllowedOrigins { get; } = [];
}
