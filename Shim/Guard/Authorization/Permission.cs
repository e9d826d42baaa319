namespace Obot.Shim.Guard.Authorization;

/// <summary>What one caller may do at this server: nothing, everything, or some tools.</summary>
internal sealed class Permission
{
    public static readonly Permission Nothing = new(null);

    public static readonly Permission Everything = new(null);

    private Permission(ToolPatterns? tools) => Tools = tools;

    /// <summary>The only tools that the caller may use; null without such a restriction.</summary>
    public ToolPatterns? Tools { get; }

    public static Permission Some(ToolPatterns tools) => new(tools);
}
