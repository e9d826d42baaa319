using System.Text.Json;
using Obot.Shim.Contracts.Audit;
using Obot.Shim.Contracts.Control;

namespace Obot.Shim.Contracts.Boot;

/// <summary>A filter and a sample message, for a shim in mode <c>filter</c>: it does what a guard would do, says what came of it and ends.</summary>
public sealed record FilterTrial
{
    public required GuardFilter Filter { get; init; }

    /// <summary>A JSON-RPC message.</summary>
    public required JsonElement Message { get; init; }

    /// <summary>The message is a server's.</summary>
    public bool IsResponse { get; init; }

    /// <summary>Method that the message belongs to; for answers, which do not name it.</summary>
    public string? Method { get; init; }

    /// <summary>Tool, prompt, URI or task that the message is about; for answers.</summary>
    public string? Identifier { get; init; }

    /// <summary>Id of the server that the message is to or from.</summary>
    public string ServerId { get; set; } = "";

    /// <summary>Id of the user whose call it is.</summary>
    public string UserId { get; set; } = "";

    /// <summary>What the filter server said: the silo has asked it already. Null for every other kind.</summary>
    public FilterAnswer? Answer { get; init; }
}

public sealed record FilterTrialResult
{
    /// <summary>Some selector covers the message; otherwise the filter was not asked.</summary>
    public bool Matches { get; init; }

    /// <summary>Null when it was not asked.</summary>
    public FilterRun? Run { get; init; }

    /// <summary>The message as it would go on; null when it would not.</summary>
    public JsonElement? Message { get; init; }

    public double Milliseconds { get; init; }
}
