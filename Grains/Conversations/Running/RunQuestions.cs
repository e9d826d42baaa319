using System.Text.Json;
using Microsoft.Extensions.AI;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Obot.Grains.Abstractions.Conversations;

// MCP9005: sampling is deprecated since 2026-07-28, and servers of the era before still ask
#pragma warning disable MCP9005

namespace Obot.Grains.Conversations.Running;

/// <summary>
/// What servers ask while one of their tools runs: forms and pages to open (elicitation), and the use of the person's model (sampling). Each
/// waits for the person; what is not answered in time, or when the silo dies, is cancelled.
/// </summary>
internal sealed class RunQuestions(RunContext run, ConversationLedger ledger, string messageId, Func<int> step, Func<IChatClient> model, TimeSpan patience, TimeProvider time)
{
    private const int MostSchema = 20_000;
    private const int MostWords = 4000;

    /// <summary>For the client of one server: who is asked sees which server asks.</summary>
    public McpClientHandlers Handlers(string serverName) => new()
    {
        ElicitationHandler = (request, cancellationToken) => ElicitAsync(serverName, request, cancellationToken),
        SamplingHandler = (request, progress, cancellationToken) => SampleAsync(serverName, request, progress, cancellationToken),
    };

    /// <summary>Questions that a silo left behind when it died: the calls that they belong to are gone, so nobody waits for an answer.</summary>
    public async Task CancelAsync(IReadOnlyList<StoredPart> parts, CancellationToken cancellationToken)
    {
        foreach (var question in parts.Select(part => part.Part).OfType<QuestionPart>().Where(question => question.Outcome is null))
        {
            await PutAsync(question with { Outcome = "cancel" }, cancellationToken);
        }
    }

    private async ValueTask<ElicitResult> ElicitAsync(string serverName, ElicitRequestParams? request, CancellationToken cancellationToken)
    {
        var isPage = request?.Url is not null;
        var schema = request?.RequestedSchema is { } form ? JsonSerializer.Serialize(form, McpJsonUtilities.DefaultOptions) : null;
        if (request is null || schema?.Length > MostSchema || (isPage && !(Uri.TryCreate(request.Url, UriKind.Absolute, out var url) && url.Scheme is "https" or "http")))
        {
            return new() { Action = "cancel" };
        }

        var answer = await AskAsync(new QuestionPart { Id = RandomId.New("qu1"), Kind = isPage ? "url" : "form", ServerName = serverName, Message = Cut(request.Message), Schema = schema, Url = request.Url }, cancellationToken);
        return new()
        {
            Action = answer.Action,
            Content = answer is { Action: "accept", Content: { } content } ? JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(content) : null,
        };
    }

    private async ValueTask<CreateMessageResult> SampleAsync(string serverName, CreateMessageRequestParams? request, IProgress<ProgressNotificationValue> progress, CancellationToken cancellationToken)
    {
        var words = string.Join("\n\n", request?.Messages.SelectMany(message => message.Content).OfType<TextContentBlock>().Select(block => block.Text) ?? []);
        var answer = await AskAsync(new QuestionPart { Id = RandomId.New("qu1"), Kind = "sampling", ServerName = serverName, Message = Cut(words) }, cancellationToken);
        if (answer.Action != "accept")
        {
            throw new McpProtocolException("The person did not agree that their model answers.", McpErrorCode.InvalidRequest);
        }

        using var client = model();
        return await client.CreateSamplingHandler()(request, progress, cancellationToken);
    }

    private async Task<QuestionAnswer> AskAsync(QuestionPart question, CancellationToken cancellationToken)
    {
        var waiting = run.Questions[question.Id] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await PutAsync(question, cancellationToken);
        QuestionAnswer answer;
        try
        {
            answer = await waiting.Task.WaitAsync(patience, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            answer = new("cancel");
        }
        finally
        {
            run.Questions.TryRemove(question.Id, out _);
        }

        await PutAsync(question with { Outcome = answer.Action }, cancellationToken);
        return answer;
    }

    private async Task PutAsync(QuestionPart question, CancellationToken cancellationToken)
    {
        await ledger.WritePatientlyAsync(run.Id, run.Epoch, async (db, _) =>
        {
            await ledger.PutAsync(db, run.Id, messageId, new(step(), question));
            return true;
        }, cancellationToken);
        run.Feed.Put(messageId, question);
    }

    private static string Cut(string text) => text.Length <= MostWords ? text : text[..MostWords] + "…";
}
