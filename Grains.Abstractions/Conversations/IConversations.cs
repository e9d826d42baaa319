using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Conversations;

/// <summary>
/// Port: conversations as people and programs use them. The page, the API and tasks go through it alike. A caller sees the own conversations and
/// those of projects that are shared with them; nobody else's, whatever the role. What is not there, or not for the caller, is null or false.
/// </summary>
public interface IConversations
{
    /// <exception cref="InvalidInputException">A field is missing or wrong.</exception>
    Task<ConversationView> Create(Principal caller, NewConversation request, CancellationToken cancellationToken);

    /// <summary>Last used first.</summary>
    /// <param name="projectId">Only those of this project; null for all.</param>
    /// <param name="search">Words of the title; null for all. Messages are encrypted and not searched.</param>
    /// <param name="limit">1 … 500.</param>
    Task<Page<ConversationView>> List(Principal caller, string? projectId, string? search, int limit, string? cursor, CancellationToken cancellationToken);

    Task<ConversationView?> Find(Principal caller, string id, CancellationToken cancellationToken);

    Task<ConversationView?> Update(Principal caller, string id, ConversationChange change, CancellationToken cancellationToken);

    /// <summary>Stops what runs and removes the conversation with its messages and files.</summary>
    Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>The messages of the branch in view, oldest first.</summary>
    /// <param name="before">Only those in front of this message; null for the newest.</param>
    /// <param name="limit">1 … 500.</param>
    Task<IReadOnlyList<MessageView>?> Messages(Principal caller, string id, string? before, int limit, CancellationToken cancellationToken);

    /// <summary>Appends a message of the person and begins a run that answers it. Returns when both are written down.</summary>
    /// <exception cref="InvalidInputException">Empty, too long, or an attachment that is not there.</exception>
    /// <exception cref="ConflictException">A run is under way: stop it first, or wait.</exception>
    Task<MessageView?> Send(Principal caller, string id, NewMessage message, CancellationToken cancellationToken);

    /// <summary>Ends the run; what was said so far stays.</summary>
    Task<bool> Stop(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>A sibling of a message of the person, with other words, and a run that answers it: another branch, which comes into view.</summary>
    Task<MessageView?> Edit(Principal caller, string id, string messageId, NewMessage message, CancellationToken cancellationToken);

    /// <summary>Answers once more beside an answer that is there (also one that failed), with another model if one is named.</summary>
    Task<bool> Regenerate(Principal caller, string id, string messageId, string? model, CancellationToken cancellationToken);

    /// <summary>Brings the branch that ends in or goes on from this message into view.</summary>
    Task<bool> Show(Principal caller, string id, string messageId, CancellationToken cancellationToken);

    /// <summary>A tool call that waits for a person: whether it may be made.</summary>
    Task<bool> Decide(Principal caller, string id, string toolCallId, ToolDecision decision, CancellationToken cancellationToken);

    /// <summary>A question of a server (elicitation, sampling consent) that waits for a person.</summary>
    /// <param name="answer">Checked against the question's schema.</param>
    /// <exception cref="InvalidInputException">A value that the schema does not allow.</exception>
    Task<bool> Answer(Principal caller, string id, string questionId, QuestionAnswer answer, CancellationToken cancellationToken);

    /// <summary>
    /// The page (MCP Apps, SEP-1865) that shows the result of a tool call with a <see cref="ToolCallPart.AppUri"/>, read from its server as the
    /// caller; null where there is no such call, or it has no page. Untrusted: show it in a sandboxed frame of another origin only.
    /// </summary>
    /// <exception cref="ServerUnavailableException">The server, or the page on it, cannot be had, or is too long (2 MB).</exception>
    Task<AppPage?> AppPage(Principal caller, string id, string toolCallId, CancellationToken cancellationToken);

    /// <summary>
    /// What happens in the conversation, from any silo, until the caller goes away; goes on by itself when the silo of the conversation dies.
    /// Begins with what came behind <paramref name="after"/>, or with a <see cref="ConversationSnapshot"/> where that is unknown or too long ago.
    /// </summary>
    /// <param name="after">Offset of the last event that was seen; 0 for none.</param>
    IAsyncEnumerable<ConversationEvent> Watch(Principal caller, string id, long after, CancellationToken cancellationToken);
}

/// <param name="Uri"><c>ui://…</c>.</param>
/// <param name="Html">As the server wrote it.</param>
/// <param name="ConnectDomains">Origins (https, wss) that the page wishes to ask: <c>connect-src</c> of its Content-Security-Policy.</param>
/// <param name="ResourceDomains">Origins of its scripts, styles, images and fonts.</param>
/// <param name="PrefersBorder">Null where the server has no opinion.</param>
public sealed record AppPage(string Uri, string Html, IReadOnlyList<string> ConnectDomains, IReadOnlyList<string> ResourceDomains, bool? PrefersBorder);

/// <param name="ProjectId">Null for the caller's own default project.</param>
/// <param name="Model">Name or alias; null for the project's, then for the alias <c>llm</c>.</param>
public sealed record NewConversation(string? ProjectId = null, string? Title = null, string? Model = null);

/// <summary>Absent is unchanged.</summary>
/// <param name="Servers">Ids of the servers whose tools are offered; null leaves it, empty offers none.</param>
public sealed record ConversationChange(string? Title = null, string? Model = null, IReadOnlyList<string>? Servers = null);

/// <param name="Text">Markdown, at most 100,000 characters.</param>
/// <param name="Files">Ids of files of the conversation's workspace.</param>
[GenerateSerializer, Immutable, Alias("Obot.NewMessage")]
public sealed record NewMessage([property: Id(0)] string Text, [property: Id(1)] IReadOnlyList<string>? Files = null, [property: Id(2)] string? Model = null);

public enum ToolDecision
{
    /// <summary>This call only.</summary>
    Allow,

    /// <summary>This one, and this tool from now on in this project, for the caller.</summary>
    AlwaysAllow,

    /// <summary>Not this call; the model is told.</summary>
    Deny,

    /// <summary>Nor any later one of this tool in this project, for the caller.</summary>
    NeverAllow,
}

/// <param name="Action"><c>accept</c>, <c>decline</c> or <c>cancel</c>, as in MCP's elicitation.</param>
/// <param name="Content">JSON object of the form's values; null where there is none.</param>
[GenerateSerializer, Immutable, Alias("Obot.QuestionAnswer")]
public sealed record QuestionAnswer([property: Id(0)] string Action, [property: Id(1)] string? Content = null);
