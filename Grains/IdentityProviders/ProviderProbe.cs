using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.Grains.Abstractions.IdentityProviders;

namespace Obot.Grains.IdentityProviders;

/// <summary>Requests of one check; what goes wrong with them becomes a finding.</summary>
internal sealed class ProviderProbe(HttpClient client, List<AuthProviderFinding> findings, CancellationToken cancellationToken)
{
    public void Add(string check, FindingOutcome outcome, string detail) => findings.Add(new(check, outcome, detail));

    /// <summary>Null when there is no JSON object, which has become a finding.</summary>
    public Task<JsonObject?> JsonAsync(string check, string address) => TryAsync(check, address, async () =>
    {
        using var response = await client.GetAsync(new Uri(address), cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            Add(check, FindingOutcome.Failed, $"{address} answers {(int)response.StatusCode}.");
            return null;
        }

        return await ReadAsync(check, address, response);
    });

    /// <summary>Null when nobody answers.</summary>
    public Task<int?> StatusAsync(string check, string address) => TryAsync<int?>(check, address, async () =>
    {
        using var response = await client.GetAsync(new Uri(address), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        return (int)response.StatusCode;
    });

    /// <summary>The answer whatever its status; null when it is no JSON object.</summary>
    public Task<JsonObject?> PostAsync(string check, string address, IReadOnlyDictionary<string, string> form) => TryAsync(check, address, async () =>
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new FormUrlEncodedContent(form) };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        using var response = await client.SendAsync(request, cancellationToken);
        return await ReadAsync(check, address, response);
    });

    private async Task<JsonObject?> ReadAsync(string check, string address, HttpResponseMessage response)
    {
        try
        {
            if (JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken)) is JsonObject read)
            {
                return read;
            }
        }
        catch (JsonException)
        {
        }

        Add(check, FindingOutcome.Failed, $"{address} answers {(int)response.StatusCode} with something that is no JSON object.");
        return null;
    }

    private async Task<T?> TryAsync<T>(string check, string address, Func<Task<T?>> ask)
    {
        try
        {
            return await ask();
        }
        catch (HttpRequestException e)
        {
            Add(check, FindingOutcome.Failed, $"{address} cannot be reached from this silo: {e.InnerException?.Message ?? e.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            Add(check, FindingOutcome.Failed, $"{address} did not answer in {client.Timeout.TotalSeconds} s.");
        }

        return default;
    }
}
