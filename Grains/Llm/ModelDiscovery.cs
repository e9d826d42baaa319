using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Grains.Llm;

/// <summary>Asks a provider what it has: once, when it is saved, and when somebody wants to know.</summary>
internal sealed class ModelDiscovery(IHttpClientFactory clients, ILlmCredentials credentials, IOptions<LlmOptions> options, TimeProvider time)
{
    public const string ClientName = "llm-discovery";
    public const long MaxAnswer = 8 * 1024 * 1024;
    private const int Most = 2000;

    /// <summary>Names of its models; empty where it has no list of them.</summary>
    /// <exception cref="InvalidInputException">The field that is probably wrong, and what the provider said.</exception>
    public async Task<IReadOnlyList<string>> ListAsync(LlmProvider provider, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = time.CreateTimer(static source => ((CancellationTokenSource)source!).Cancel(), limit, options.Value.DiscoveryTimeout, Timeout.InfiniteTimeSpan);
        var url = ProviderDoors.ModelsOf(provider);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            foreach (var (name, value) in await credentials.HeadersFor(provider, new("GET", url, default), limit.Token))
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            using var client = clients.CreateClient(ClientName);
            using var response = await client.SendAsync(request, limit.Token);
            if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed && provider.Kind == ProviderKinds.OpenAiCompatible)
            {
                return [];
            }

            var body = await response.Content.ReadAsStringAsync(limit.Token);
            return response.StatusCode switch
            {
                HttpStatusCode.OK => Read(body, url),
                HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => throw new InvalidInputException("credentials", $"{url.Authority} refused them ({(int)response.StatusCode})."),
                _ => throw new InvalidInputException("baseURL", $"{url} answered {(int)response.StatusCode}: {Short(body)}"),
            };
        }
        catch (HttpRequestException e)
        {
            throw new InvalidInputException("baseURL", $"{url.Authority} cannot be reached: {e.Message}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new InvalidInputException("baseURL", $"{url.Authority} did not answer within {options.Value.DiscoveryTimeout.TotalSeconds:0} s.");
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidInputException("credentials", e.Message);
        }
    }

    /// <summary>OpenAI and Anthropic: <c>data[].id</c>; Bedrock: <c>modelSummaries[].modelId</c>; Ollama's own and others: <c>models[].name</c>.</summary>
    private static string[] Read(string body, Uri url)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            foreach (var (list, name) in new[] { ("data", "id"), ("modelSummaries", "modelId"), ("models", "name") })
            {
                if (json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty(list, out var items) && items.ValueKind == JsonValueKind.Array)
                {
                    // Gemini prefixes what it lists, and takes both
                    return
                    [
                        .. items.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out var id) && id.ValueKind == JsonValueKind.String)
                            .Select(item => item.GetProperty(name).GetString()!).Select(id => id.StartsWith("models/", StringComparison.Ordinal) ? id[7..] : id)
                            .Where(id => id.Length is > 0 and <= 200 && !id.Any(char.IsControl)).Distinct(StringComparer.Ordinal).Take(Most),
                    ];
                }
            }
        }
        catch (JsonException)
        {
            // told below
        }

        throw new InvalidInputException("baseURL", $"{url} answered something else than a list of models: {Short(body)}");
    }

    private static string Short(string body) => body.Length > 200 ? body[..200] + "…" : body;
}
