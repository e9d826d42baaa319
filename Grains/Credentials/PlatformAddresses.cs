using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Obot.Grains.Credentials;

/// <summary>Addresses that third parties and people are told: built on <c>Obot:PublicUrl</c>, never on what a request says of itself.</summary>
internal sealed class PlatformAddresses(IConfiguration configuration, IOptions<CredentialOptions> options)
{
    private readonly string publicUrl = (configuration["Obot:PublicUrl"] is { Length: > 0 } url ? url : configuration["Obot:Url"] ?? "http://127.0.0.1:8080").TrimEnd('/');

    public string RedirectUri => $"{publicUrl}/oauth/mcp/callback";

    /// <summary>Our client id where a third party takes metadata documents; null where it could not read ours.</summary>
    public string? ClientMetadata => options.Value.ClientMetadataUrl switch
    {
        "" => null,
        null => publicUrl.StartsWith("https://", StringComparison.Ordinal) ? $"{publicUrl}/oauth/client-metadata.json" : null,
        var configured => configured,
    };

    /// <summary>Where a person connects an account for a server.</summary>
    public string ConnectPage(string serverId) => $"{publicUrl}/oauth/mcp/connect/{serverId}";

    /// <summary>Where a person enters values for a server.</summary>
    public string ValuesPage(string serverId) => $"{publicUrl}/admin/servers/{serverId}";
}
