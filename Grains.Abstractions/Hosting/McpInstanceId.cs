using System.Diagnostics.CodeAnalysis;

namespace Obot.Grains.Abstractions.Hosting;

/// <summary>
/// One running life of a server: <c>serverId</c> for shared, remote and composite servers, <c>serverId/userId</c> for single-user
/// ones. The grain key of <see cref="IMcpServerGrain"/> and the audience of assertions.
/// </summary>
public readonly record struct McpInstanceId
{
    private McpInstanceId(string serverId, string? userId) => (ServerId, UserId) = (serverId, userId);

    public string ServerId { get; }

    /// <summary>Null for a shared instance.</summary>
    public string? UserId { get; }

    public static McpInstanceId Shared(string serverId) => new(serverId, null);

    public static McpInstanceId Of(string serverId, string userId) => new(serverId, userId);

    /// <exception cref="FormatException">The text is not an instance key.</exception>
    public static McpInstanceId Parse(string text) =>
        TryParse(text, out var id) ? id : throw new FormatException($"'{text}' is not an instance key (serverId or serverId/userId).");

    public static bool TryParse([NotNullWhen(true)] string? text, out McpInstanceId id)
    {
        id = default;
        if (string.IsNullOrEmpty(text))
        {
            return false;
        }

        var slash = text.IndexOf('/', StringComparison.Ordinal);
        id = slash < 0 ? new(text, null) : new(text[..slash], text[(slash + 1)..]);
        return id.ServerId.Length > 0 && id.UserId is not "";
    }

    public override string ToString() => UserId is null ? ServerId : $"{ServerId}/{UserId}";
}
