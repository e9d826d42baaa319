using System.Buffers;
using System.Text.Json;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Calls;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Authorization;

/// <summary>
/// Decides whether a call goes on. A caller with everything is through after one comparison; one with some tools is judged by the method
/// and the name in the body, which <see cref="CallReader"/> has compared with the headers.
/// </summary>
internal sealed class Authorizer(string instance, PolicySnapshot policy, Freshness freshness)
{
    private const string RetryAfterSeconds = "5";

    public Task AuthorizeAsync(GuardCall call)
    {
        if (freshness.IsStale)
        {
            call.Context.Response.Headers.RetryAfter = RetryAfterSeconds;
            call.Context.Response.Headers[ObotHeaders.RetryReason] = ObotHeaders.Retry.Stale;
            return call.RefuseAsync(
                StatusCodes.Status503ServiceUnavailable,
                McpErrorCodes.Refused,
                $"the guard of '{instance}' has not heard from the cluster for {freshness.Age.TotalSeconds:0} s and does not know whether you may still call (Obot:Security:MaxStaleness): it goes on as soon as it hears");
        }

        var permission = policy.Of(call.Caller!);
        if (ReferenceEquals(permission, Permission.Everything))
        {
            return Task.CompletedTask;
        }

        return permission.Tools is { } tools
            ? RestrictAsync(call, tools)
            : call.RefuseAsync(StatusCodes.Status403Forbidden, McpErrorCodes.Refused, $"you may not call '{instance}': ask its owner or an administrator for access");
    }

    private Task RestrictAsync(GuardCall call, ToolPatterns tools)
    {
        var method = call.Context.Request.Method;
        if (!HttpMethods.IsPost(method))
        {
            // a stream may repeat answers of the session's earlier calls
            call.Visible = HttpMethods.IsGet(method) ? tools : null;
            return HttpMethods.IsGet(method) || HttpMethods.IsDelete(method) ? Task.CompletedTask : DenyAsync(call, method);
        }

        switch (GovernedMethods.Of(call.Envelope))
        {
            case MethodRule.Allowed:
                return Task.CompletedTask;
            case MethodRule.ToolList:
                call.Visible = tools;
                return Task.CompletedTask;
            case MethodRule.ByTool when call.Name is { } tool && tools.Allows(tool):
                return Task.CompletedTask;
            case MethodRule.ByTool:
                return call.RefuseAsync(
                    StatusCodes.Status403Forbidden, McpErrorCodes.Refused, $"you may not call the tool '{call.Name}' of '{instance}': ask its owner or an administrator for access");
            case MethodRule.EmptyList when call.Envelope.Kind is EnvelopeKind.Request:
                return call.AnswerAsync(EmptyList(call));
            default:
                return DenyAsync(call, call.Envelope.Method ?? "this message");
        }
    }

    private Task DenyAsync(GuardCall call, string what) => call.RefuseAsync(
        StatusCodes.Status403Forbidden, McpErrorCodes.Refused, $"you may use some tools of '{instance}' and nothing else: '{what}' is not open to you; ask its owner or an administrator for access");

    private static byte[] EmptyList(GuardCall call)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("jsonrpc"u8, "2.0"u8);
            writer.WritePropertyName("id"u8);
            writer.WriteRawValue(call.Id.Span);
            writer.WriteStartObject("result"u8);
            if (call.IsModern)
            {
                writer.WriteString("resultType"u8, "complete"u8);
                writer.WriteNumber("ttlMs"u8, 0);
                writer.WriteString("cacheScope"u8, "private"u8);
            }

            writer.WriteStartArray(GovernedMethods.ListOf(call.Envelope.Method!));
            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
