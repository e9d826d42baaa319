using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using Obot.Grains.Abstractions.Conversations;

namespace Obot.Grains.Conversations.Running;

/// <summary>
/// Tool calls from wish to result. Each is written down when it is wished, right before it is sent, and with its result: what a dead silo sent
/// and has no result for is sent again only where the tool says that this is safe.
/// </summary>
internal sealed class ToolCalls(ConversationLedger ledger, SealedText text, WorkspaceTools workspace, IOptions<ConversationOptions> options, TimeProvider time)
{
    private const int AtOnce = 4;

    /// <summary>How a wish begins: approved, refused, or a question to the person.</summary>
    public StoredPart Wish(ToolOffer offer, IReadOnlyDictionary<string, string> approvals, int step, string id, string name, string arguments)
    {
        var call = new ToolCallPart { Id = id, ServerName = "Obot", Tool = name, Arguments = arguments, Status = ToolCallStatus.Running };
        if (arguments.Length == 0)
        {
            return new(step, call with { Arguments = "{}", Status = ToolCallStatus.Failed, Error = "The arguments are no JSON object." }, name);
        }

        // writing a file twice is writing it once
        if ((offer.IsSearched && name == ToolOffer.SearchName) || WorkspaceTools.IsOurs(name))
        {
            return new(step, call, name, IsRepeatable: true);
        }

        var (wanted, given) = offer.IsSearched && name == ToolOffer.CallName ? Unwrap(arguments) : (name, arguments);
        if (wanted is null || offer.Find(wanted) is not { } tool)
        {
            return new(step, call with { Status = ToolCallStatus.Failed, Error = $"There is no tool '{wanted}'{(offer.IsSearched ? "; search_tools finds those that are there" : "")}." }, name);
        }

        var approval = approvals.GetValueOrDefault(tool.Key);
        call = call with
        {
            ServerId = tool.ServerId,
            ServerName = tool.ServerName,
            Tool = tool.Tool.Name,
            Arguments = given,
            AppUri = tool.AppUri,
            Status = approval switch { "always" => ToolCallStatus.Running, "never" => ToolCallStatus.Denied, _ => ToolCallStatus.NeedsApproval },
        };
        return new(step, call, name, tool.IsRepeatable);
    }

    /// <summary>Makes the calls that may be made. False where a person has to decide before the run can go on.</summary>
    public async Task<bool> AdvanceAsync(RunContext run, string messageId, IReadOnlyList<StoredPart> parts, ToolOffer offer, RunSetting setting, CancellationToken cancellationToken)
    {
        var ready = new List<StoredPart>();
        foreach (var part in parts)
        {
            if (part is { Part: ToolCallPart { Status: ToolCallStatus.Running } call, IsBegun: true })
            {
                // of an earlier life: those of this one are waited for below
                if (part.IsRepeatable)
                {
                    ready.Add(part);
                }
                else
                {
                    await PutAsync(run, messageId, part with { Part = call with { Status = ToolCallStatus.Unknown, Error = "The platform was interrupted while this call ran: it may have taken effect." } }, cancellationToken);
                }
            }
            else if (part.Part is ToolCallPart { Status: ToolCallStatus.Running })
            {
                ready.Add(part);
            }
        }

        await Parallel.ForEachAsync(ready, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (part, token) =>
            await MakeAsync(run, messageId, part, offer, setting, token));
        return await ledger.WritePatientlyAsync(run.Id, run.Epoch, async (db, row) =>
        {
            var open = (await db.ConversationParts.AsNoTracking().Where(one => one.ConversationId == run.Id && one.MessageId == messageId).ToListAsync(cancellationToken))
                .Select(one => text.Open(run.Id, one.Id, one.Content).Part).OfType<ToolCallPart>().Select(call => call.Status).ToList();
            if (open.Contains(ToolCallStatus.Running) || !open.Exists(status => status is ToolCallStatus.NeedsApproval or ToolCallStatus.Unknown))
            {
                return true;
            }

            row.RunStatus = nameof(RunStatus.Waiting);
            run.Feed.Put(row.View(text));
            return false;
        }, cancellationToken);
    }

    public async Task PutAsync(RunContext run, string messageId, StoredPart part, CancellationToken cancellationToken)
    {
        await ledger.WritePatientlyAsync(run.Id, run.Epoch, async (db, _) =>
        {
            await ledger.PutAsync(db, run.Id, messageId, part);
            return true;
        }, cancellationToken);
        run.Feed.Put(messageId, part.Part);
    }

    private async Task MakeAsync(RunContext run, string messageId, StoredPart part, ToolOffer offer, RunSetting setting, CancellationToken cancellationToken)
    {
        var call = (ToolCallPart)part.Part;
        await PutAsync(run, messageId, part with { IsBegun = true }, cancellationToken);
        var began = time.GetTimestamp();
        var done = call switch
        {
            { ServerId: not null } => await SendAsync(call, offer, cancellationToken),
            { Tool: ToolOffer.SearchName } => Search(call, offer),
            _ => await OwnAsync(run, call, setting, cancellationToken),
        };
        await PutAsync(run, messageId, part with { IsBegun = true, Part = done with { DurationMs = (long)time.GetElapsedTime(began).TotalMilliseconds } }, cancellationToken);
    }

    private async Task<ToolCallPart> OwnAsync(RunContext run, ToolCallPart call, RunSetting setting, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(options.Value.ToolTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            return Succeeded(call, await workspace.CallAsync(setting.Caller, setting.ProjectId, run.Id, call.Tool, call.Arguments, both.Token));
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            return Failed(call, e is OperationCanceledException ? "The storage did not answer in time (Obot:Conversations:ToolTimeout)." : RunWords.Of(e));
        }
    }

    private async Task<ToolCallPart> SendAsync(ToolCallPart call, ToolOffer offer, CancellationToken cancellationToken)
    {
        if (offer.FindByTool(call.ServerId!, call.Tool) is not { } wanted)
        {
            return Failed(call, $"The server {call.ServerName} is not connected any more.");
        }

        using var patience = new CancellationTokenSource(options.Value.ToolTimeout + options.Value.QuestionTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            var arguments = JsonSerializer.Deserialize<Dictionary<string, object?>>(call.Arguments);
            return Done(call, await wanted.Tool.CallAsync(arguments, cancellationToken: both.Token));
        }
        catch (UrlElicitationRequiredException e)
        {
            return Failed(call, e.Message) with { OpenUrl = e.Elicitations.Select(one => one.Url).FirstOrDefault(IsPage) };
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            return Failed(call, e is OperationCanceledException ? "The tool did not answer in time (Obot:Conversations:ToolTimeout)." : RunWords.Of(e));
        }
    }

    private ToolCallPart Done(ToolCallPart call, CallToolResult result)
    {
        var content = JsonSerializer.Serialize(result.Content, McpJsonUtilities.DefaultOptions);
        if (content.Length > options.Value.MaxResultCharacters)
        {
            ContentBlock[] cut = [new TextContentBlock { Text = content[..options.Value.MaxResultCharacters] + $"\n[{content.Length - options.Value.MaxResultCharacters} more characters were not kept]" }];
            content = JsonSerializer.Serialize(cut, McpJsonUtilities.DefaultOptions);
        }

        return result.IsError == true
            ? call with { Status = ToolCallStatus.Failed, Result = content, Error = string.Join("\n", result.Content.OfType<TextContentBlock>().Select(block => block.Text)) }
            : call with { Status = ToolCallStatus.Succeeded, Result = content };
    }

    private static ToolCallPart Search(ToolCallPart call, ToolOffer offer)
    {
        using var arguments = JsonDocument.Parse(call.Arguments);
        var query = arguments.RootElement.TryGetProperty("query", out var words) ? words.ToString() : "";
        return Succeeded(call, offer.Search(query));
    }

    private static ToolCallPart Succeeded(ToolCallPart call, string said)
    {
        ContentBlock[] content = [new TextContentBlock { Text = said }];
        return call with { Status = ToolCallStatus.Succeeded, Result = JsonSerializer.Serialize(content, McpJsonUtilities.DefaultOptions) };
    }

    private static (string? Name, string Arguments) Unwrap(string arguments)
    {
        using var document = JsonDocument.Parse(arguments);
        var root = document.RootElement;
        return root.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String
            ? (name.GetString(), root.TryGetProperty("arguments", out var given) && given.ValueKind == JsonValueKind.Object ? given.GetRawText() : "{}")
            : (null, "{}");
    }

    private static bool IsPage(string? url) => Uri.TryCreate(url, UriKind.Absolute, out var page) && page.Scheme is "https" or "http";

    private static ToolCallPart Failed(ToolCallPart call, string error) => call with { Status = ToolCallStatus.Failed, Error = error };
}
