using Obot.Shim.Contracts.Protocol;

namespace Obot.Shim.Bridge.Calls;

/// <summary>What the start-up probe learned about the server.</summary>
/// <param name="IsModern">It answers <c>server/discover</c>.</param>
/// <param name="LatestLegacy">The version that it answered to <c>initialize</c>, if it was asked.</param>
internal sealed record ServerProfile(bool IsModern, string? LatestLegacy)
{
    /// <summary>For <c>data.supported</c> of -32022.</summary>
    public IEnumerable<string> Supported => IsModern
        ? [McpVersions.Modern]
        : McpVersions.Legacy.Where(v => LatestLegacy is null || string.CompareOrdinal(v, LatestLegacy) <= 0);
}
