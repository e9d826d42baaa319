using System.Security.Cryptography;
using System.Text;
using Obot.Shim.Bridge.Boot;
using Obot.Shim.Bridge.Calls;
using Obot.Shim.Bridge.Children;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Bridge.Transport;

/// <summary>The door: who may come in, which message it is, and which era answers it.</summary>
internal sealed class BridgeEndpoint(BridgeBoot boot, LegacyEndpoint legacy, ModernEndpoint modern, ServerLog log)
{
    private readonly byte[] secret = Encoding.UTF8.GetBytes(boot.Secret);

    public async Task HandleAsync(HttpContext context)
    {
        byte[] id = [];
        try
        {
            if (!HasSecret(context.Request))
            {
                await Answers.WriteErrorAsync(context, 403, [], McpErrorCodes.Refused, $"{ObotHeaders.BridgeSecret} is missing or wrong");
            }
            else if (context.Request.Path == "/healthz" && HttpMethods.IsGet(context.Request.Method))
            {
                context.Response.StatusCode = StatusCodes.Status200OK;
            }
            else if (context.Request.Path != "/mcp")
            {
                await Answers.WriteErrorAsync(context, 404, [], McpErrorCodes.Refused, "the bridge serves /mcp and /healthz");
            }
            else if (context.Request.Headers[ObotHeaders.Principal].ToString() is not { Length: > 0 } principal)
            {
                await Answers.WriteErrorAsync(context, 400, [], McpErrorCodes.InvalidRequest, $"{ObotHeaders.Principal} is missing");
            }
            else if (HttpMethods.IsPost(context.Request.Method))
            {
                var message = await ReadAsync(context);
                if (message is not null)
                {
                    id = message.Envelope.Kind == EnvelopeKind.Request ? message.Id : [];
                    await PostAsync(context, principal, message);
                }
            }
            else if (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsDelete(context.Request.Method))
            {
                await legacy.StreamOrDeleteAsync(context, principal);
            }
            else
            {
                context.Response.Headers.Allow = "GET, POST, DELETE";
                await Answers.WriteErrorAsync(context, 405, [], McpErrorCodes.InvalidRequest, "use POST, GET or DELETE");
            }
        }
        catch (CallRefusedException e) when (!context.Response.HasStarted)
        {
            await Answers.WriteErrorAsync(context, e.Status, id, e.Code, e.Message);
        }
        catch (Exception e) when (e is ServerStartException or ConnectionGoneException && !context.Response.HasStarted)
        {
            await Answers.WriteErrorAsync(context, 503, id, McpErrorCodes.InternalError, e.Message);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or BadHttpRequestException && context.RequestAborted.IsCancellationRequested)
        {
            // the client went away
        }
        catch (BadHttpRequestException e) when (!context.Response.HasStarted)
        {
            await Answers.WriteErrorAsync(context, e.StatusCode, id, McpErrorCodes.InvalidRequest, e.Message);
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            log.Write(Encoding.UTF8.GetBytes($"bridge: {e.GetType().Name}: {e.Message}"));
            await Answers.WriteErrorAsync(context, 500, id, McpErrorCodes.InternalError, "the bridge failed; its log says why");
        }
    }

    private bool HasSecret(HttpRequest request) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(request.Headers[ObotHeaders.BridgeSecret].ToString()), secret);

    private async Task<IncomingMessage?> ReadAsync(HttpContext context)
    {
        var body = await RequestBody.ReadAsync(context.Request, boot.Limits.MaxRequestBodyBytes, context.RequestAborted);
        if (body is null)
        {
            await Answers.WriteErrorAsync(context, 413, [], McpErrorCodes.InvalidRequest, $"the request is longer than {boot.Limits.MaxRequestBodyBytes} bytes");
            return null;
        }

        var message = new IncomingMessage(body);
        var envelope = message.Envelope;
        var (code, refusal) = envelope switch
        {
            { Kind: EnvelopeKind.Batch } => (McpErrorCodes.InvalidRequest, "JSON-RPC batches are not supported: send one message a request"),
            { Fault: EnvelopeFault.Syntax } => (McpErrorCodes.ParseError, "the request is not valid JSON"),
            { Fault: EnvelopeFault.DuplicateKey } => (McpErrorCodes.InvalidRequest, "a key appears twice in the message, in its params or in their _meta"),
            { Kind: EnvelopeKind.Invalid } or { IsVersion2: false } => (McpErrorCodes.InvalidRequest, "not a JSON-RPC 2.0 request, notification or response"),
            _ => (0, null),
        };
        if (refusal is null)
        {
            return message;
        }

        await Answers.WriteErrorAsync(context, 400, message.Id, code, refusal);
        return null;
    }

    private async Task PostAsync(HttpContext context, string principal, IncomingMessage message)
    {
        var accepts = AcceptedTypes.Read(context.Request.Headers.Accept);
        if (!accepts.Json && !accepts.EventStream)
        {
            await Answers.WriteErrorAsync(context, 406, message.Id, McpErrorCodes.InvalidRequest, "Accept must allow application/json and text/event-stream");
            return;
        }

        var header = context.Request.Headers[McpHeaders.ProtocolVersion].ToString();
        var version = header.Length > 0 ? header : null;
        if (version is not null && !IsDate(version))
        {
            await modern.RefuseVersionAsync(context, message, version);
        }
        else if (McpVersions.IsModern(version) || (version is null && McpVersions.IsModern(JsonText.Read(message.Body, message.Envelope.ProtocolVersion))))
        {
            await modern.PostAsync(context, principal, message, accepts, version);
        }
        else if (version is not null && !McpVersions.Legacy.Contains(version, StringComparer.Ordinal))
        {
            await modern.RefuseVersionAsync(context, message, version);
        }
        else
        {
            await legacy.PostAsync(context, principal, message, accepts);
        }
    }

    private static bool IsDate(string version) =>
        DateOnly.TryParseExact(version, "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.None, out _);
}
