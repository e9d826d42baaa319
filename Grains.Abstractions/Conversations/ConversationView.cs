namespace Obot.Grains.Abstractions.Conversations;

/// <summary>A conversation without its messages.</summary>
[GenerateSerializer, Immutable, Alias("Obot.ConversationView")]
public sealed record ConversationView
{
    [Id(0)]
    public required string Id { get; init; }

    [Id(1)]
    public required string ProjectId { get; init; }

    [Id(2)]
    public required string OwnerId { get; init; }

    /// <summary>Given, or made from the first message; empty until there is one.</summary>
    [Id(3)]
    public required string Title { get; init; }

    /// <summary>Name or alias that answers; null for the project's.</summary>
    [Id(4)]
    public string? Model { get; init; }

    [Id(5)]
    public required RunStatus Run { get; init; }

    /// <summary>Servers whose tools are offered; null for those of the project.</summary>
    [Id(6)]
    public IReadOnlyList<string>? Servers { get; init; }

    [Id(7)]
    public required DateTimeOffset CreatedAt { get; init; }

    [Id(8)]
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Whether the caller may write here, or only read.</summary>
    [Id(9)]
    public bool CanWrite { get; init; } = true;
}

public enum RunStatus
{
    /// <summary>Nothing runs.</summary>
    Idle,

    /// <summary>A model answers or a tool is called.</summary>
    Running,

    /// <summary>A person has to decide or answer.</summary>
    Waiting,

    /// <summary>The last run ended by an error, which the last message tells.</summary>
    Failed,
}
