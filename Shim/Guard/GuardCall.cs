using Obot.Shim.Contracts.Audit;
using Obot.Shim.Contracts.Exchange;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Audit;
using Obot.Shim.Guard.Authorization;
using Obot.Shim.Guard.Exchange;
using Obot.Shim.Guard.Filters;
using Obot.Shim.Guard.Limits;
using Obot.Shim.Guard.Sessions;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard;

/// <summary>What the steps of the pipeline learn of one request.</summary>
internal sealed class GuardCall(HttpContext context, long started)
{
    private readonly Lock filtering = new();

    /// <summary>What is remembered of the filters of one call.</summary>
    public const int MaxFilterRuns = 100;

    public HttpContext Context { get; } = context;

    /// <summary>Timestamp of the first byte.</summary>
    public long Started { get; } = started;

    public Caller? Caller { get; set; }

    /// <summary>What says who calls, as it came: whoever forwards the call takes it out of its headers.</summary>
    public string Assertion { get; } = context.Request.Headers[ObotHeaders.Assertion].ToString();

    /// <summary>The message of a POST; default for streams and the end of sessions.</summary>
    public JsonRpcEnvelope Envelope { get; set; }

    /// <summary>Raw token of the request's id; empty when there is none.</summary>
    public ReadOnlyMemory<byte> Id { get; set; }

    /// <summary>What the method is about: the tool, prompt, URI or task, unescaped; null where there is none, or none that is text.</summary>
    public string? Name { get; set; }

    /// <summary>Of revision 2026-07-28 or later, by header or body.</summary>
    public bool IsModern { get; set; }

    /// <summary>The only tools that lists on the way back may show; null leaves the answer untouched.</summary>
    public ToolPatterns? Visible { get; set; }

    /// <summary>Filters that what comes back has to pass; null leaves it untouched.</summary>
    public AnswerFilters? Answers { get; set; }

    /// <summary>What comes back has to be read before the client gets it.</summary>
    public bool IsScreened => Visible is not null || Answers is not null;

    /// <summary>Why an answer that had to be filtered could not be; none of it went out.</summary>
    public string? Unfiltered { get; set; }

    /// <summary>What the caller has in hand here; null when it does not count.</summary>
    public CallerLoad? Load { get; set; }

    /// <summary>The client's legacy session; null when it named none.</summary>
    public ClientSession? Session { get; set; }

    /// <summary>Of an <c>initialize</c>: JSON of its params, as far as a session's handle keeps them.</summary>
    public string? Hello { get; set; }

    /// <summary>The message of a legacy session, while it is small enough to be sent twice.</summary>
    public ReadOnlyMemory<byte> Replay { get; set; }

    /// <summary>The server does not know the session; nothing of its answer went out.</summary>
    public bool SessionIsLost { get; set; }

    /// <summary>The server's own session id, unsealed; null when the client sent none, empty at a server without sessions.</summary>
    public string? UpstreamSession { get; set; }

    /// <summary>The client's session has not begun at the server: it could not be asked when the client began it.</summary>
    public bool SessionIsPromised { get; set; }

    /// <summary>What is put into the request for this caller; null for nothing.</summary>
    public InjectedCredentials? Credentials { get; set; }

    /// <summary>The server's 401 or 403; nothing of it went out.</summary>
    public UpstreamDenial? Denial { get; set; }

    /// <summary>What filters did with the request and its answer, in the order in which they ran; null while none did. It goes into the audit record.</summary>
    public List<FilterRun>? Filters { get; set; }

    /// <summary>What is kept of the call for its record; null where no records are kept.</summary>
    public CallCapture? Capture { get; set; }

    /// <summary>Where the client's connection came from, as the gateway says.</summary>
    public string? ClientIp { get; set; }

    /// <summary>Refused because records cannot be kept: there is no place for its own either.</summary>
    public bool Unrecordable { get; set; }

    /// <summary>A step refused the call.</summary>
    public bool Refused { get; private set; }

    /// <summary>Refused, or answered by the guard itself: it goes no further.</summary>
    public bool Ended { get; private set; }

    /// <summary>A long stream keeps the first <see cref="MaxFilterRuns"/>.</summary>
    public void Filtered(FilterRun run)
    {
        lock (filtering)
        {
            if (Filters is not { Count: >= MaxFilterRuns })
            {
                (Filters ??= []).Add(run);
            }
        }
    }

    public void MarkRefused() => Refused = Ended = true;

    /// <summary>Ends the call with a JSON-RPC error that carries its id.</summary>
    public Task RefuseAsync(int status, int code, string message)
    {
        MarkRefused();
        return GuardAnswers.WriteErrorAsync(Context, status, Id.Span, code, message);
    }

    /// <summary>Ends the call with an answer of the guard's own.</summary>
    public Task AnswerAsync(ReadOnlyMemory<byte> body)
    {
        Ended = true;
        return GuardAnswers.WriteAsync(Context, StatusCodes.Status200OK, body);
    }
}
