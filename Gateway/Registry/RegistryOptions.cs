namespace Obot.Gateway.Registry;

/// <summary>Section <c>Obot:Registry</c>: the MCP registry API below <c>/v0.1</c>.</summary>
internal sealed class RegistryOptions
{
    /// <summary>
    /// Default false: anybody reads it without saying who they are, and sees what everyone may call. True: 401 with the way to a token
    /// (scope <c>registry:read</c>), and then what the caller may call.
    /// </summary>
    public bool RequireAuthentication { get; set; }
}
