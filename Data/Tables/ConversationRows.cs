namespace Obot.Data.Tables;

/// <summary>Table <c>projects</c>.</summary>
public sealed class ProjectRow
{
    public required string Id { get; set; }
    public required string OwnerId { get; set; }

    /// <summary>One an owner.</summary>
    public required bool IsDefault { get; set; }
    public required bool IsTemplate { get; set; }
    public required string Name { get; set; }
    public string? Description { get; set; }

    /// <summary>Encrypted.</summary>
    public byte[]? Instructions { get; set; }
    public string? Model { get; set; }
    public required string[] Servers { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>Table <c>project_members</c>.</summary>
public sealed class ProjectMemberRow
{
    public required string ProjectId { get; set; }

    /// <summary>Or <c>*</c>.</summary>
    public required string UserId { get; set; }

    /// <summary><c>Read</c>, <c>Use</c>, <c>Edit</c>.</summary>
    public required string Access { get; set; }
}

/// <summary>Table <c>tool_approvals</c>: what a person said once for all calls of a tool in a project.</summary>
public sealed class ToolApprovalRow
{
    public required string ProjectId { get; set; }
    public required string UserId { get; set; }

    /// <summary><c>{serverId}/{tool}</c>.</summary>
    public required string Tool { get; set; }

    /// <summary><c>always</c>, <c>never</c>.</summary>
    public required string Approval { get; set; }
}

/// <summary>Table <c>conversations</c>.</summary>
public sealed class ConversationRow
{
    public required string Id { get; set; }
    public required string ProjectId { get; set; }
    public required string OwnerId { get; set; }

    /// <summary>Encrypted.</summary>
    public byte[]? Title { get; set; }
    public string? Model { get; set; }
    public string[]? Servers { get; set; }

    /// <summary>Last message of the branch in view.</summary>
    public string? LeafId { get; set; }

    /// <summary><c>Idle</c>, <c>Running</c>, <c>Waiting</c>, <c>Failed</c>.</summary>
    public required string RunStatus { get; set; }

    /// <summary>The answer that is being made.</summary>
    public string? RunMessageId { get; set; }

    /// <summary>Who holds an older one writes nothing any more.</summary>
    public required long Epoch { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>Table <c>conversation_messages</c>.</summary>
public sealed class ConversationMessageRow
{
    public required string ConversationId { get; set; }
    public required string Id { get; set; }
    public string? ParentId { get; set; }

    /// <summary>In the order in which they came, over all branches.</summary>
    public required long Number { get; set; }

    /// <summary><c>User</c>, <c>Assistant</c>.</summary>
    public required string Role { get; set; }

    /// <summary><c>Running</c>, <c>Complete</c>, <c>Stopped</c>, <c>Failed</c>.</summary>
    public required string Status { get; set; }
    public string? AuthorId { get; set; }
    public string? Model { get; set; }

    /// <summary>Words of the platform; nothing that was said.</summary>
    public string? Error { get; set; }
    public long InputTokens { get; set; }
    public long OutputTokens { get; set; }
    public long SavedTokens { get; set; }

    /// <summary>Encrypted: what was said up to here and with it.</summary>
    public byte[]? Summary { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
}

/// <summary>Table <c>conversation_parts</c>.</summary>
public sealed class ConversationPartRow
{
    public required string ConversationId { get; set; }
    public required string Id { get; set; }
    public required string MessageId { get; set; }

    /// <summary>Order within the message.</summary>
    public required long Number { get; set; }

    /// <summary>Encrypted JSON.</summary>
    public required byte[] Content { get; set; }
}
