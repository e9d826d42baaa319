using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Obot.Gateway.Authentication;
using Obot.Gateway.Llm.Answers;
using Obot.Gateway.Llm.Budgets;
using Obot.Gateway.Llm.Requests;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Upstream;

/// <summary>One call at a door: what each step learned, for the next one and for the record.</summary>
internal sealed class LlmCall(HttpContext context, LlmDoor door, Verdict verdict, Guid id, long startedAt)
{
    private bool isOver;

    public HttpContext Context { get; } = context;

    public LlmDoor Door { get; } = door;

    public Verdict Verdict { get; } = verdict;

    /// <summary>A UUIDv7.</summary>
    public Guid Id { get; } = id;

    public long StartedAt { get; } = startedAt;

    /// <summary>Settles and records the call. Comes before the last byte of its answer leaves.</summary>
    public Action<LlmCall>? Over { get; init; }

    /// <summary>Its span; null where nobody listens.</summary>
    public Activity? Activity { get; init; }

    public RequestScan Scan { get; set; } = null!;

    public ReadOnlyMemory<byte> Body { get; set; }

    public LlmDecision Decision { get; set; } = LlmDecision.Unknown;

    /// <summary>Who answered, or was tried last.</summary>
    public LlmTarget? Target { get; set; }

    /// <summary>Providers that were asked, one after another.</summary>
    public int Attempts { get; set; }

    /// <summary>What budgets have set aside for it; null when nothing is, or not any more.</summary>
    public List<BudgetHold>? Holds { get; set; }

    public LlmUsage Usage { get; } = new();

    /// <summary>A provider answered what was asked: that costs, whatever becomes of the answer.</summary>
    public bool Succeeded { get; set; }

    public AnswerFilter? Filter { get; set; }

    public AnswerStream? Answer { get; set; }

    /// <summary>The answer's first bytes; null where none are kept.</summary>
    public BodySample? Sample { get; init; }

    /// <summary>The whole answer, where it may be served again.</summary>
    public BodySample? Copy { get; set; }

    /// <summary>An earlier answer that is served again.</summary>
    public byte[]? Cached { get; set; }

    /// <summary>Message policies that it broke.</summary>
    public IReadOnlyList<MessageViolation> Violations { get; set; } = [];

    /// <summary>Why it was refused, by us or by the provider; null when it was not.</summary>
    public LlmError? Error { get; set; }

    /// <summary>It is known how the call went; only the first time counts.</summary>
    public void End()
    {
        if (!isOver)
        {
            isOver = true;
            Over?.Invoke(this);
        }
    }
}
