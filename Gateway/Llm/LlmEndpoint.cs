using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Obot.Gateway.Authentication;
using Obot.Gateway.Llm.Answers;
using Obot.Gateway.Llm.Budgets;
using Obot.Gateway.Llm.Messages;
using Obot.Gateway.Llm.Recording;
using Obot.Gateway.Llm.Requests;
using Obot.Gateway.Llm.Upstream;
using Obot.Gateway.Mcp;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm;

/// <summary>
/// <c>/api/llm-proxy</c>: authenticate, read what is asked for, find who may answer it, set aside what it may cost, forward, settle. On the
/// warm path no database is asked, and a grain only where a budget counts.
/// </summary>
internal sealed class LlmEndpoint(CallerAuthenticator callers, ILlmDirectory directory, MessageGuard messages, AnswerCache cache, BudgetDesk budgets, LlmRouter router, ModelLists lists, LlmRecords records, LlmDrain drain, IOptions<LlmOptions> options, TimeProvider time)
{
    public async Task HandleAsync(HttpContext context, string rest)
    {
        var startedAt = time.GetTimestamp();
        if (LlmDoor.Of(rest) is not { } door)
        {
            await new LlmError(StatusCodes.Status404NotFound, "not_found", $"Nothing answers {context.Request.Path}. OpenAI's doors are under {LlmDoor.Prefix}/openai/v1, Anthropic's under {LlmDoor.Prefix}/anthropic/v1.")
                .WriteAsync(context, LlmDoor.DialectOf(rest));
            return;
        }

        if (!door.Takes(context.Request.Method))
        {
            context.Response.Headers.Allow = door.IsList ? "GET" : "POST";
            await new LlmError(StatusCodes.Status405MethodNotAllowed, "method_not_allowed", $"This door takes {context.Response.Headers.Allow}.").WriteAsync(context, door.Dialect);
            return;
        }

        try
        {
            var (verdict, refusal) = await AuthenticateAsync(context);
            if (refusal is not null)
            {
                await refusal.WriteAsync(context, door.Dialect);
            }
            else if (door.IsList)
            {
                await lists.WriteAsync(context, door, verdict!.Principal);
            }
            else
            {
                await GuardedAsync(context, door, verdict!, startedAt);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // the client went away; nobody is there to be told
        }
    }

    /// <summary>Both vendors' ways to send a key; never a cookie, which a browser would send for any page.</summary>
    private async ValueTask<(Verdict? Verdict, LlmError? Refusal)> AuthenticateAsync(HttpContext context)
    {
        var credential = Bearer.Read(context.Request) ?? (context.Request.Headers["x-api-key"] is [{ Length: > 0 } key] ? key : null);
        if (credential is null || await callers.FindAsync(credential, context.RequestAborted) is not { } verdict)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            return (null, new(StatusCodes.Status401Unauthorized, "invalid_api_key", "Send an API key of this platform with scope 'llm', as 'Authorization: Bearer …' or 'x-api-key'. What came is missing, unknown, expired or revoked."));
        }

        return verdict.Principal.Has(Scopes.Llm)
            ? (verdict, null)
            : (null, new(StatusCodes.Status403Forbidden, "insufficient_scope", "This credential is good but lacks scope 'llm'. Make an API key with \"scopes\": [\"llm\"]."));
    }

    private async Task GuardedAsync(HttpContext context, LlmDoor door, Verdict verdict, long startedAt)
    {
        if (!verdict.Load.TryEnter(options.Value.MaxOpenPerUser))
        {
            await new LlmError(StatusCodes.Status429TooManyRequests, "too_many_open", $"You have {options.Value.MaxOpenPerUser} calls open: wait for some of them (Obot:Llm:MaxOpenPerUser).") { RetryAfter = TimeSpan.FromSeconds(1) }
                .WriteAsync(context, door.Dialect);
            return;
        }

        if (!drain.TryEnter())
        {
            verdict.Load.Leave();
            context.Response.Headers.Connection = "close";
            await new LlmError(StatusCodes.Status503ServiceUnavailable, "stopping", "This silo is being stopped. Try again: another one answers.") { RetryAfter = TimeSpan.FromSeconds(1) }.WriteAsync(context, door.Dialect);
            return;
        }

        using var body = new ReplayBody(options.Value.MaxRequestBodyBytes + 1);
        using var sample = records.NewSample();
        var call = new LlmCall(context, door, verdict, Guid.CreateVersion7(time.GetUtcNow()), startedAt) { Sample = sample, Activity = LlmDiagnostics.Start(door.Operation), Over = Finish };
        try
        {
            await AnswerAsync(call, body);
        }
        finally
        {
            call.End();
            call.Copy?.Dispose();
            verdict.Load.Leave();
            drain.Leave();
        }
    }

    private async Task AnswerAsync(LlmCall call, ReplayBody body)
    {
        call.Error = await PrepareAsync(call, body);
        if (call.Cached is { } cached)
        {
            await AnswerCache.WriteAsync(call, cached);
        }
        else if (call.Error is null)
        {
            call.Copy = cache.NewCopy(call);
            await router.RouteAsync(call);
            cache.Keep(call);
        }

        if (call.Error is { } error && !call.Context.Response.HasStarted && !call.Context.RequestAborted.IsCancellationRequested)
        {
            call.End();
            await error.WriteAsync(call.Context, call.Door.Dialect);
        }
    }

    private void Finish(LlmCall call)
    {
        budgets.Settle(call);
        records.Write(call);
    }

    /// <returns>Why the call is refused; null when it may be made.</returns>
    private async ValueTask<LlmError?> PrepareAsync(LlmCall call, ReplayBody body)
    {
        var aborted = call.Context.RequestAborted;
        if (records.MustRefuse)
        {
            return new(StatusCodes.Status503ServiceUnavailable, "audit_unavailable", "Records of calls cannot be kept at the moment, and without one no call is made (Obot:Audit:WhenFull): the database has been away for too long, or the disk is full.") { RetryAfter = TimeSpan.FromSeconds(10) };
        }

        if (await ReadAsync(call, body) is { } unreadable)
        {
            return unreadable;
        }

        try
        {
            call.Scan = RequestScan.Of(call.Body.Span);
        }
        catch (JsonException e)
        {
            return LlmError.Invalid($"The body is no valid JSON at line {e.LineNumber + 1}, position {e.BytePositionInLine + 1}.");
        }
        catch (LlmRequestException e)
        {
            return LlmError.Invalid(e.Message, e.Param);
        }

        if (call.Scan.Model is not { Length: > 0 } asked)
        {
            return LlmError.Invalid("'model' is required.", "model");
        }

        call.Decision = await directory.Resolve(call.Verdict.Principal, asked, aborted);
        return call.Decision.Verdict switch
        {
            LlmVerdict.Unknown => new(StatusCodes.Status404NotFound, "model_not_found", $"There is no model '{asked}' here, or it is switched off. GET models lists what you may use.") { Param = "model" },
            LlmVerdict.Denied => new(StatusCodes.Status403Forbidden, "model_access_denied", $"No model access policy lets you use '{asked}'. An administrator can make one.") { Param = "model" },
            _ => await messages.CheckRequestAsync(call, aborted) ?? ((call.Cached = cache.Find(call)) is null ? await budgets.ReserveAsync(call, aborted) : null),
        };
    }

    private async ValueTask<LlmError?> ReadAsync(LlmCall call, ReplayBody body)
    {
        var most = options.Value.MaxRequestBodyBytes;
        var tooLarge = new LlmError(StatusCodes.Status413PayloadTooLarge, "request_too_large", $"The request is larger than {most} bytes (Obot:Llm:MaxRequestBodyBytes).");
        if (call.Context.Request.Headers.ContentEncoding.Count > 0)
        {
            return new(StatusCodes.Status415UnsupportedMediaType, "unsupported_encoding", "Send the body without a content encoding.");
        }

        if (call.Context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = most;
        }

        try
        {
            await body.ReadAsync(call.Context.Request, call.Context.RequestAborted);
        }
        catch (BadHttpRequestException e)
        {
            return e.StatusCode == StatusCodes.Status413PayloadTooLarge ? tooLarge : LlmError.Invalid(e.Message);
        }

        if (!body.CanReplay || body.Start.Length > most)
        {
            return tooLarge;
        }

        call.Body = body.Start;
        return null;
    }
}
