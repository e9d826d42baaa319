namespace Obot.Gateway.Audit;

/// <summary>What the record of a request needs to know of it here.</summary>
/// <param name="id">Of the call, the same for every generation that it is sent to.</param>
internal sealed class AuditedRequest(Guid id)
{
    private string? text;

    public Guid Id { get; } = id;

    /// <summary>As guards read it.</summary>
    public string Text => text ??= Id.ToString("D");

    /// <summary>Set where the gateway refused the request itself.</summary>
    public Refusal? Refusal { get; set; }
}
