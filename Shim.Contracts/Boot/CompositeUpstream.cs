namespace Obot.Shim.Contracts.Boot;

/// <summary>A virtual server made of others. Its guard reaches them through the gateway, so that each one's own guard decides and records.</summary>
public sealed record CompositeUpstream
{
    /// <summary>Name that it gives itself towards clients.</summary>
    public required string Name { get; init; }

    public required IReadOnlyList<CompositeComponent> Components { get; init; }
}

public sealed record CompositeComponent
{
    /// <summary>Server or catalog entry, as in <c>/mcp-connect/{server}</c>.</summary>
    public required string Server { get; init; }

    /// <summary>How people know it: in the words about it when it is unavailable.</summary>
    public required string Title { get; init; }

    /// <summary>Put before the names of its tools and prompts, as it is. Default none.</summary>
    public string Prefix { get; set; } = "";

    public IReadOnlyList<CompositeTool> Tools { get; set; } = [];
}

/// <summary>What is different of one tool; tools without an entry are taken as they are.</summary>
public sealed record CompositeTool
{
    /// <summary>As the component calls it.</summary>
    public required string Name { get; init; }

    /// <summary>Shown instead, behind the prefix.</summary>
    public string? NewName { get; init; }

    /// <summary>Shown instead of the component's own.</summary>
    public string? Description { get; init; }

    /// <summary>False: it is neither listed nor callable. Default true.</summary>
    public bool Enabled { get; set; } = true;
}
