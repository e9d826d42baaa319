namespace Obot.Grains.Conversations.Running;

/// <summary>
/// The gateway silos that a run may use. The one that answered last is asked first; one that cannot be connected to is left for the next, which
/// repeats nothing: of a request without a connection nothing was sent.
/// </summary>
internal sealed class GatewayAddresses(string list)
{
    private readonly Uri[] _addresses = [.. list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(url => new Uri(url.TrimEnd('/') + "/"))];
    private int _good;

    public Uri First => _addresses[0];

    public async Task<HttpResponseMessage> SendAsync(HttpMessageInvoker http, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var path = First.MakeRelativeUri(request.RequestUri!);
        for (var (attempt, at) = (1, Volatile.Read(ref _good)); ; attempt++, at = (at + 1) % _addresses.Length)
        {
            request.RequestUri = new(_addresses[at], path);
            try
            {
                var response = await http.SendAsync(request, cancellationToken);
                Volatile.Write(ref _good, at);
                return response;
            }
            catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError && attempt < _addresses.Length)
            {
                // the next one
            }
        }
    }
}
