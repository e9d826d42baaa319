using System.Net;
using Obot.Shim.Contracts.Control;

namespace Obot.Shim.Guard.Filters;

/// <summary>A tool of an MCP server. The cluster calls it: only the gateway reaches other guards, and it knows how to wake a server.</summary>
internal sealed class ServerFilter(string id, ClusterHttp cluster) : IMessageFilter
{
    public async ValueTask<FilterVerdict> JudgeAsync(FilterSubject subject, ReadOnlyMemory<byte> message, bool mayMutate, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await cluster.PostAsync($"{FilterCalls.Path}/{Uri.EscapeDataString(id)}", message, cancellationToken);
            return response.StatusCode is HttpStatusCode.OK
                ? FilterAnswers.Judge(await FilterAnswers.ReadAsync(response, cancellationToken), message, isDecision: true)
                : throw new FilterFault(await FilterAnswers.ReasonAsync(response, cancellationToken));
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new FilterFault($"no silo of the cluster can be asked: {e.Message}");
        }
    }
}
