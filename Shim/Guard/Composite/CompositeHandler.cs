using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Control;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Composite;

/// <summary>
/// A composite as the upstream of its guard: streamable HTTP, both eras, in the guard's own process. What comes here was authorized,
/// limited and filtered like a call of any server.
/// </summary>
internal sealed class CompositeHandler : HttpMessageHandler
{
    private readonly ComponentGateway gateway;
    private readonly Seats seats;
    private readonly CompositeServer server;

    public CompositeHandler(GuardBoot boot, GuardCredential credential, TimeProvider time)
    {
        var composite = boot.Upstream.Composite!;
        gateway = new(boot, credential);
        seats = new(composite, gateway, time);
        server = new(composite);
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var assertion = Header(request, ObotHeaders.Assertion) ?? "";
        var principal = Header(request, ObotHeaders.Principal) ?? "";
        var session = Header(request, McpHeaders.SessionId);
        if (request.Method == HttpMethod.Delete)
        {
            seats.End(principal, session ?? "");
            return new(HttpStatusCode.OK);
        }

        if (request.Method == HttpMethod.Get)
        {
            return Stream(new(seats.Of(principal, session, assertion), subscription: null), cancellationToken);
        }

        if (await ReadAsync(request, cancellationToken) is not { } message)
        {
            return Json(Messages.Error(null, McpErrorCodes.ParseError, "the request is not a JSON object"), 400);
        }

        var modern = McpVersions.IsModern(Header(request, McpHeaders.ProtocolVersion));
        var method = message.Text("method");
        if (method is McpMethods.Initialize && message.ContainsKey("id"))
        {
            session = Seats.NewSession((message["params"] as JsonObject)?["capabilities"] as JsonObject);
        }

        var seat = seats.Of(principal, modern ? null : session, assertion);
        if (method is null || !message.ContainsKey("id"))
        {
            await TellAsync(seat, assertion, message, cancellationToken);
            return new(HttpStatusCode.Accepted);
        }

        var call = new CompositeCall(message["id"], method, message["params"] as JsonObject, modern, assertion, TakesEvents(request), ParamHeaders(request));
        if (modern && method is McpMethods.Listen)
        {
            return Stream(new(seat, call.Id), cancellationToken);
        }

        var verdict = await server.DecideAsync(seat, call, cancellationToken);
        var response = verdict.Link is { } link ? await AskAsync(seat, link, verdict.Parameters!, call, cancellationToken) : Json(verdict.Message!, verdict.Status);
        if (method is McpMethods.Initialize)
        {
            response.Headers.TryAddWithoutValidation(McpHeaders.SessionId, session);
        }

        return response;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            gateway.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Sends the call to its component: one message comes back as JSON, more than that as events.</summary>
    private static async Task<HttpResponseMessage> AskAsync(Seat seat, ComponentLink link, JsonObject parameters, CompositeCall call, CancellationToken cancellationToken)
    {
        var raw = call.Id!.ToJsonString();
        var id = link.NextId();
        seat.Calls[raw] = (link, id);
        var answering = false;
        HttpResponseMessage? response = null;
        IAsyncEnumerator<JsonObject>? messages = null;
        try
        {
            response = await link.CallAsync(call.Assertion, id, call.Method, parameters, call.ParamHeaders, cancellationToken);
            messages = Messages.ReadAsync(response, cancellationToken).GetAsyncEnumerator(cancellationToken);
            while (await messages.MoveNextAsync())
            {
                if (IsAnswer(messages.Current))
                {
                    return Json(Restore(messages.Current, call), response.StatusCode is HttpStatusCode.OK or HttpStatusCode.BadRequest or HttpStatusCode.NotFound ? (int)response.StatusCode : 200);
                }

                if (call.TakesEvents)
                {
                    answering = true;
                    return Events((output, ended) => RelayAsync(seat, link, call, raw, response, messages, output, ended), cancellationToken);
                }
            }

            return Json(CompositeServer.Unavailable(call, link, "it ended without an answer"), 200);
        }
        catch (Exception e) when (e is ComponentUnavailableException or HttpRequestException or IOException)
        {
            return Json(CompositeServer.Unavailable(call, link, e.Message), 200);
        }
        finally
        {
            if (!answering)
            {
                seat.Calls.TryRemove(raw, out _);
                await EndAsync(response, messages);
            }
        }
    }

    private static async Task RelayAsync(
        Seat seat, ComponentLink link, CompositeCall call, string raw, HttpResponseMessage response, IAsyncEnumerator<JsonObject> messages, Stream output, CancellationToken cancellationToken)
    {
        try
        {
            var last = messages.Current;
            var answered = false;
            do
            {
                last = messages.Current;
                answered = IsAnswer(last);
                await output.WriteAsync(Messages.Event(answered ? Restore(last, call) : CompositeIds.Outward(seat, link, last)), cancellationToken);
                await output.FlushAsync(cancellationToken);
            }
            while (!answered && await messages.MoveNextAsync());

            if (!answered)
            {
                await output.WriteAsync(Messages.Event(CompositeServer.Unavailable(call, link, "it ended without an answer")), cancellationToken);
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException && !cancellationToken.IsCancellationRequested)
        {
            await output.WriteAsync(Messages.Event(CompositeServer.Unavailable(call, link, e.Message)), cancellationToken);
        }
        finally
        {
            seat.Calls.TryRemove(raw, out _);
            await EndAsync(response, messages);
        }
    }

    private static async Task EndAsync(HttpResponseMessage? response, IAsyncEnumerator<JsonObject>? messages)
    {
        if (messages is not null)
        {
            await messages.DisposeAsync();
        }

        response?.Dispose();
    }

    /// <summary>Notifications and answers of the caller.</summary>
    private static async Task TellAsync(Seat seat, string assertion, JsonObject message, CancellationToken cancellationToken)
    {
        try
        {
            if (message.Text("method") is not { } method)
            {
                if (CompositeIds.Inward(seat, message) is { } question)
                {
                    await question.Link.TellAsync(assertion, question.Answer, cancellationToken);
                }
            }
            else if (method is McpMethods.Cancelled)
            {
                if ((message["params"] as JsonObject)?["requestId"] is { } cancelled && seat.Calls.TryGetValue(cancelled.ToJsonString(), out var call))
                {
                    message["params"]!["requestId"] = call.Id;
                    await call.Link.TellAsync(assertion, message, cancellationToken);
                }
            }
            else if (method is "notifications/roots/list_changed")
            {
                await Task.WhenAll(seat.Links.Where(link => link.Catalog is not null).Select(link => link.TellAsync(assertion, (JsonObject)message.DeepClone(), cancellationToken)));
            }
        }
        catch (Exception e) when (e is ComponentUnavailableException or HttpRequestException or IOException)
        {
            // nobody waits for a notification
        }
    }

    private static bool IsAnswer(JsonObject message) => message.ContainsKey("result") || message.ContainsKey("error");

    /// <summary>The component's answer under the caller's id, and in the caller's era.</summary>
    private static JsonObject Restore(JsonObject answer, CompositeCall call)
    {
        answer["id"] = call.Id?.DeepClone();
        if (call.IsModern && answer["result"] is JsonObject result)
        {
            result["resultType"] ??= "complete";
        }

        return answer;
    }

    private static HttpResponseMessage Json(JsonObject message, int status) => new((HttpStatusCode)status)
    {
        Content = new StringContent(message.ToJsonString(), System.Text.Encoding.UTF8, new MediaTypeHeaderValue("application/json")),
    };

    private static HttpResponseMessage Stream(CompositeStream stream, CancellationToken cancellationToken) => Events(stream.RunAsync, cancellationToken);

    /// <summary>What is written stops with the request, and when nobody reads it any more.</summary>
    private static HttpResponseMessage Events(Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        var pipe = new Pipe();
        var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _ = Task.Run(async () =>
        {
            Exception? fault = null;
            try
            {
                await write(pipe.Writer.AsStream(leaveOpen: true), ended.Token);
            }
            catch (Exception e)
            {
                fault = e;
            }

            await pipe.Writer.CompleteAsync(fault);
        }, CancellationToken.None);
        var content = new EventContent(pipe.Reader.AsStream(), ended);
        content.Headers.ContentType = new("text/event-stream");
        return new(HttpStatusCode.OK) { Content = content };
    }

    private static async Task<JsonObject?> ReadAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Content is null)
        {
            return null;
        }

        using var body = new MemoryStream();
        await request.Content.CopyToAsync(body, cancellationToken);
        return Messages.Parse(body.GetBuffer().AsSpan(0, (int)body.Length));
    }

    private static List<(string Name, string Value)> ParamHeaders(HttpRequestMessage request) =>
        [.. request.Headers.Where(header => header.Key.StartsWith(McpHeaders.ParamPrefix, StringComparison.OrdinalIgnoreCase)).Select(header => (header.Key, string.Join(',', header.Value)))];

    private static bool TakesEvents(HttpRequestMessage request) => Header(request, "Accept")?.Contains("text/event-stream", StringComparison.OrdinalIgnoreCase) is true;

    private static string? Header(HttpRequestMessage request, string name) => request.Headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;

    private sealed class EventContent(Stream events, CancellationTokenSource ended) : StreamContent(events)
    {
        protected override void Dispose(bool disposing)
        {
            ended.Cancel();
            base.Dispose(disposing);
        }
    }
}
