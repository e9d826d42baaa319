using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.Shim.Contracts.Exchange;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Exchange.Links;

/// <summary>
/// The same for clients of the modern era (multi round-trip requests): a call that needs a link ends as <c>input_required</c>, and the client makes
/// it again with what its person said. While the person is still signing in, it is sent round once more, without being asked again.
/// </summary>
internal sealed class ModernLinks(ExchangedCredentials credentials, LinkState state, TimeProvider time)
{
    /// <summary>Shorter than clients wait for an answer.</summary>
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(40);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>The methods whose results may be <c>input_required</c>; a call that is in such a round with its server already is left alone.</summary>
    public static bool MayAsk(GuardCall call, ReadOnlySpan<byte> body) =>
        call.Envelope.Method is McpMethods.ToolsCall or McpMethods.PromptsGet or McpMethods.ResourcesRead && body.IndexOf("\"requestState\""u8) < 0;

    public Task AskAsync(GuardCall call, ExchangeRefusal refusal, ulong denied)
    {
        var wait = new LinkWait(time.GetUtcNow() + Patience, Accepted: false, denied);
        return call.AnswerAsync(LinkMessages.InputRequired(call.Id, state.Write(wait, call.Caller!.PrincipalKey), refusal.Uri, refusal.Description));
    }

    /// <summary>The message as it goes on; null when it was answered here. A message without a state of ours is returned as it is.</summary>
    public async Task<byte[]?> ResumeAsync(GuardCall call, byte[] body)
    {
        if (!call.IsModern || body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(LinkState.Mark)) < 0
            || JsonNode.Parse(body) is not { } message || message["params"] is not JsonObject parameters || TextOf(parameters["requestState"]) is not { } text || !text.StartsWith(LinkState.Mark, StringComparison.Ordinal))
        {
            return body;
        }

        if (state.Read(text, call.Caller!.PrincipalKey) is not { } wait)
        {
            await call.RefuseAsync(StatusCodes.Status400BadRequest, McpErrorCodes.InvalidParams, "this requestState is not yours, or too old: make the call again without it");
            return null;
        }

        if (!wait.Accepted && TextOf(parameters["inputResponses"]?[LinkMessages.Key]?["action"]) is not "accept")
        {
            await CredentialAnswers.RefuseAsync(call, new(ExchangeErrors.InteractionRequired, "the link was not opened, and without it the call cannot be made", null));
            return null;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(call.Context.RequestAborted);
        limit.CancelAfter(Round);
        try
        {
            await credentials.WaitAsync(call, wait.Denied, limit.Token);
        }
        catch (OperationCanceledException) when (!call.Context.RequestAborted.IsCancellationRequested)
        {
            await call.AnswerAsync(LinkMessages.InputRequired(call.Id, state.Write(wait with { Accepted = true }, call.Caller!.PrincipalKey), url: null, ""));
            return null;
        }

        // the server knows nothing of this round
        parameters.Remove("requestState");
        parameters.Remove("inputResponses");
        var rest = Encoding.UTF8.GetBytes(message.ToJsonString());
        call.Context.Request.Body = new MemoryStream(rest, writable: false);
        call.Context.Request.ContentLength = rest.Length;
        return rest;
    }

    private static string? TextOf(JsonNode? node) => node is JsonValue value && value.GetValueKind() is JsonValueKind.String ? value.GetValue<string>() : null;
}
