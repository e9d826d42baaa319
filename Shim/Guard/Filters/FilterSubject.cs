namespace Obot.Shim.Guard.Filters;

/// <summary>What a message is, for whoever judges it.</summary>
/// <param name="IsResponse">A server sent it.</param>
/// <param name="Method">Of the message, or of the call that it answers; null when nobody can say.</param>
/// <param name="Identifier">Tool, prompt, URI or task that it is about, if any.</param>
/// <param name="ServerId">The MCP server.</param>
/// <param name="UserId">Whose call it is.</param>
internal sealed record FilterSubject(bool IsResponse, string? Method, string? Identifier, string ServerId, string UserId)
{
    public string Direction => IsResponse ? "response" : "request";
}
