using System.Net;
using System.Text.Json;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Exchange;
using Obot.Shim.Guard.Lists;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.EraBridge;

/// <summary>
/// A modern client before a legacy server: <c>server/discover</c> becomes <c>initialize</c>, requests share a session of their principal under ids
/// of our own, questions of the server become <c>input_required</c>, and <c>subscriptions/listen</c> the session's GET stream.
/// </summary>
internal sealed class ModernBridge(UpstreamHttp http, EraSessions sessions, SuspendedCalls suspended, GuardLimits limits)
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = EnvelopeReader.MaxDepth };

    public async Task ForwardAsync(GuardCall call)
    {
        using var body = new MemoryStream();
        await call.Context.Request.Body.CopyToAsync(body, call.Context.RequestAborted);
        using var request = JsonDocument.Parse(body.GetBuffer().AsMemory(0, (int)body.Length), Options);
        var parameters = Member(request.RootElement, "params");
        var meta = Member(parameters, "_meta");
        if (call.Envelope.Kind is not EnvelopeKind.Request)
        {
            // what a modern client may notify is of its requests, and those end with their connection
            call.Context.Response.StatusCode = StatusCodes.Status202Accepted;
            return;
        }

        var answer = new ModernAnswer(call, message => AnswerServerAsync(call, null, message));
        try
        {
            if (Text(parameters, "requestState") is { } state)
            {
                await ResumeAsync(call, answer, parameters, state);
            }
            else if (await sessions.GetAsync(call, meta) is { } session)
            {
                await (call.Envelope.Method switch
                {
                    McpMethods.Discover => answer.EndAsync(Translation.Discovered(session.Result, call.Id)),
                    McpMethods.Listen => new Subscription(http).RunAsync(call, answer, session, Member(parameters, "notifications")),
                    _ => StartAsync(call, answer, session, request.RootElement, meta),
                });
            }
        }
        catch (EraBridgeException e)
        {
            await call.RefuseAsync(StatusCodes.Status502BadGateway, McpErrorCodes.Refused, e.Message);
        }
        catch (UnfilterableException e)
        {
            await call.RefuseAsync(StatusCodes.Status502BadGateway, McpErrorCodes.Refused, $"the server's answer cannot be passed on: {e.Message}");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException)
        {
            await call.RefuseAsync(StatusCodes.Status502BadGateway, McpErrorCodes.Refused, $"the server broke off: {e.Message}");
        }
    }

    private async Task StartAsync(GuardCall call, ModernAnswer answer, LegacySession session, JsonElement request, JsonElement meta)
    {
        var token = meta.ValueKind is JsonValueKind.Object && meta.TryGetProperty("progressToken", out var progress) ? System.Text.Encoding.UTF8.GetBytes(progress.GetRawText()) : [];
        var level = Text(meta, "io.modelcontextprotocol/logLevel");
        for (var attempt = 1; ; attempt++)
        {
            await SetLevelAsync(call, session, level);
            var id = session.NextId();
            var response = await http.PostAsync(call, Translation.ToLegacy(request, id, token.Length > 0), session.Id, session.Version, call.Context.RequestAborted);
            if (response.StatusCode is HttpStatusCode.NotFound && session.Id is not null && attempt == 1)
            {
                // the server was restarted, or ended the session: nothing was done under it
                response.Dispose();
                sessions.Forget(session);
                if (await sessions.GetAsync(call, meta) is not { } next)
                {
                    return;
                }

                session = next;
                continue;
            }

            if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            {
                call.Denial = new((int)response.StatusCode, response.Headers.WwwAuthenticate.FirstOrDefault()?.ToString());
                response.Dispose();
                return;
            }

            await PumpAsync(call, answer, new(session, id, token, level is not null, response, limits.MaxListBytes));
            return;
        }
    }

    /// <summary>The client comes back with what the server asked for.</summary>
    private async Task ResumeAsync(GuardCall call, ModernAnswer answer, JsonElement parameters, string state)
    {
        if (suspended.Take(state, call.Caller!.PrincipalKey) is not { } waiting)
        {
            await call.RefuseAsync(StatusCodes.Status400BadRequest, McpErrorCodes.InvalidParams, "this requestState is not yours, too old, or used already: make the call again without it");
            return;
        }

        var responses = Member(parameters, "inputResponses");
        var key = KeyOf(waiting.Question);
        if (responses.ValueKind is not JsonValueKind.Object || !responses.TryGetProperty(key, out var given))
        {
            waiting.Call.Dispose();
            await call.RefuseAsync(StatusCodes.Status400BadRequest, McpErrorCodes.InvalidParams, $"inputResponses has no '{key}'");
            return;
        }

        await AnswerServerAsync(call, waiting.Call.Session, Translation.Response(waiting.Question, given));
        await PumpAsync(call, answer, waiting.Call);
    }

    /// <summary>Until the answer, or until the server asks something.</summary>
    private async Task PumpAsync(GuardCall call, ModernAnswer answer, UpstreamCall upstream)
    {
        var aborted = call.Context.RequestAborted;
        var isSuspended = false;
        try
        {
            while (await upstream.NextAsync(aborted) is { } message)
            {
                var envelope = EnvelopeReader.Read(message.Span);
                if (envelope.Fault is not EnvelopeFault.None)
                {
                    throw new EraBridgeException("the server's answer is no JSON-RPC message");
                }

                using var document = JsonDocument.Parse(message, Options);
                switch (envelope.Kind)
                {
                    case EnvelopeKind.Response when IsAnswer(upstream, envelope, message):
                        await answer.EndAsync(Translation.ToModern(document.RootElement, call.Id, call.Envelope.Method), envelope.ErrorCode);
                        return;
                    case EnvelopeKind.Request when envelope.Method is McpMethods.Ping:
                        await AnswerServerAsync(call, upstream.Session, Translation.Response(message.Slice(envelope.Id.Start, envelope.Id.Length), JsonElement.Parse("{}"u8)));
                        break;
                    case EnvelopeKind.Request:
                        isSuspended = await SuspendAsync(call, answer, upstream, document.RootElement, message.Slice(envelope.Id.Start, envelope.Id.Length).ToArray());
                        if (isSuspended)
                        {
                            return;
                        }

                        break;
                    case EnvelopeKind.Notification:
                        await NotifyAsync(answer, upstream, envelope, message);
                        break;
                }
            }

            throw new EraBridgeException("the server ended its answer before it was complete");
        }
        catch (OperationCanceledException) when (aborted.IsCancellationRequested)
        {
            // to a legacy server a disconnect says nothing
            await CancelAsync(call, upstream);
            throw;
        }
        finally
        {
            if (!isSuspended)
            {
                upstream.Dispose();
            }
        }
    }

    /// <summary>An error about what could not be read at all has no id.</summary>
    private static bool IsAnswer(UpstreamCall upstream, in JsonRpcEnvelope envelope, ReadOnlyMemory<byte> message) =>
        !envelope.Id.Present || RequestId.Read(message.Span.Slice(envelope.Id.Start, envelope.Id.Length)) == RequestId.Number(upstream.Id);

    private async Task<bool> SuspendAsync(GuardCall call, ModernAnswer answer, UpstreamCall upstream, JsonElement question, ReadOnlyMemory<byte> id)
    {
        // filters look at the question as the server asked it
        if (await answer.ScreenAsync(System.Text.Encoding.UTF8.GetBytes(question.GetRawText())) is not { } shown)
        {
            return false;
        }

        if (suspended.Add(call.Caller!.PrincipalKey, upstream, id) is not { } state)
        {
            throw new EraBridgeException("too many calls wait for an answer of their client");
        }

        using var document = JsonDocument.Parse(shown, Options);
        await answer.EndAsync(Translation.InputRequired(document.RootElement, call.Id, KeyOf(id), state));
        return true;
    }

    private static Task NotifyAsync(ModernAnswer answer, UpstreamCall upstream, in JsonRpcEnvelope envelope, ReadOnlyMemory<byte> message) => envelope.Method switch
    {
        McpMethods.Progress when envelope.ProgressOf.Present && upstream.ProgressToken.Length > 0 =>
            answer.SendAsync(Splice.Apply(new(message), [new(envelope.ProgressOf, upstream.ProgressToken)])),
        "notifications/message" when upstream.Logs => answer.SendAsync(message),
        McpMethods.Progress or "notifications/message" => Task.CompletedTask,
        { } method when method.EndsWith("/list_changed", StringComparison.Ordinal) || method is "notifications/resources/updated" => Task.CompletedTask,
        _ => answer.SendAsync(message),
    };

    private async Task SetLevelAsync(GuardCall call, LegacySession session, string? level)
    {
        if (level is null || level == session.LogLevel || !session.Result.TryGetProperty("capabilities", out var capabilities) || !capabilities.TryGetProperty("logging", out _))
        {
            return;
        }

        session.LogLevel = level;
        var message = System.Text.Encoding.UTF8.GetBytes($$$"""{"jsonrpc":"2.0","id":{{{session.NextId()}}},"method":"logging/setLevel","params":{"level":{{{JsonSerializer.Serialize(level, Contracts.ShimJson.Default.String)}}} } }""");
        using var response = await http.PostAsync(call, message, session.Id, session.Version, call.Context.RequestAborted);
        await UpstreamCall.ReadAnswerAsync(response, call.Context.RequestAborted);
    }

    private async Task AnswerServerAsync(GuardCall call, LegacySession? session, ReadOnlyMemory<byte> message)
    {
        using var response = await http.PostAsync(call, message, session?.Id, session?.Version, call.Context.RequestAborted);
    }

    private async Task CancelAsync(GuardCall call, UpstreamCall upstream)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        var message = System.Text.Encoding.UTF8.GetBytes($$$"""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{{{upstream.Id}}},"reason":"the client went away"}}""");
        try
        {
            using var response = await http.PostAsync(call, message, upstream.Session.Id, upstream.Session.Version, limit.Token);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            // then it works for nobody
        }
    }

    /// <summary>Stable, and nothing that a client would take for its own.</summary>
    private static string KeyOf(ReadOnlyMemory<byte> question) => $"q{RequestId.Read(question.Span).Text}";

    private static JsonElement Member(JsonElement value, string name) => value.ValueKind is JsonValueKind.Object && value.TryGetProperty(name, out var member) ? member : default;

    private static string? Text(JsonElement value, string name) => Member(value, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
}
