using System.Text.Json;

namespace Obot.Shim.Contracts.Control;

/// <summary>What a webhook or a filter server says of a message.</summary>
public sealed record FilterAnswer
{
    /// <summary>Absent: the answer is no decision (a webhook that says <c>{"status":"ok"}</c>).</summary>
    public bool? Accept { get; init; }

    /// <summary>True: <see cref="Message"/> replaces what was sent. An object: it is itself the replacement.</summary>
    public JsonElement? Mutated { get; init; }

    /// <summary>The message as it should go on.</summary>
    public JsonElement? Message { get; init; }

    /// <summary>For people.</summary>
    public string? Reason { get; init; }
}

/// <summary>The control listener's endpoint for filter servers: <c>POST {Path}/{filter id}</c> with the guard's credential and the message as body; answers a <see cref="FilterAnswer"/>.</summary>
public static class FilterCalls
{
    public const string Path = "/filters";

    /// <summary>Largest answer of a webhook or filter server that is read, in bytes.</summary>
    public const int MaxAnswerBytes = 8 * 1024 * 1024;
}
