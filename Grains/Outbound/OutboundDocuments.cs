using System.Net;
using System.Net.Http.Headers;
using Obot.Grains.Abstractions.Outbound;

namespace Obot.Grains.Outbound;

/// <inheritdoc cref="IOutboundDocuments"/>
internal sealed class OutboundDocuments(OutboundClient http) : IOutboundDocuments
{
    public async Task<OutboundDocument> Get(Uri uri, int maxBytes, CancellationToken cancellationToken, string accept = "application/json")
    {
        if (uri is not { IsAbsoluteUri: true, Scheme: "https" })
        {
            throw new OutboundRefusedException($"'{uri}' is not an https URL without user and fragment.");
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, uri) { Headers = { Accept = { new MediaTypeWithQualityHeaderValue(accept) } } };
        var answer = await http.SendAsync(request, maxBytes, cancellationToken);
        return answer.Status is HttpStatusCode.OK
            ? new(answer.Body, answer.ContentType, answer.FreshFor)
            : throw new OutboundRefusedException($"'{uri}' answered {(int)answer.Status}; only 200 is taken, redirects are not followed.");
    }
}
