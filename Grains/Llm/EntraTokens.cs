using System.Collections.Concurrent;
using System.Text.Json;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Grains.Llm;

/// <summary>Access tokens of applications in Entra (client credentials, RFC 6749, section 4.4): one request for all who wait, renewed ahead of time.</summary>
internal sealed class EntraTokens(IHttpClientFactory clients, TimeProvider time)
{
    public const string ClientName = "llm-entra";
    private const string Scope = "https://cognitiveservices.azure.com/.default";
    private static readonly TimeSpan Ahead = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<string, Task<Token>> tokens = new(StringComparer.Ordinal);

    /// <exception cref="InvalidOperationException">The token service refused; the message says why.</exception>
    public async ValueTask<string> OfAsync(LlmProvider provider, CancellationToken cancellationToken)
    {
        var key = $"{provider.Id}/{provider.Revision}";
        var asked = tokens.GetOrAdd(key, static (_, state) => state.Self.FetchAsync(state.Provider), (Self: this, Provider: provider));
        if (!asked.IsCompletedSuccessfully)
        {
            try
            {
                await asked.WaitAsync(cancellationToken);
            }
            catch when (asked.IsCompleted)
            {
                tokens.TryRemove(new(key, asked));
                throw;
            }
        }

        var token = await asked;
        if (time.GetUtcNow() < token.RenewAt)
        {
            return token.Value;
        }

        tokens.TryRemove(new(key, asked));
        return await OfAsync(provider, cancellationToken);
    }

    private async Task<Token> FetchAsync(LlmProvider provider)
    {
        var settings = provider.Settings;
        var url = new Uri($"{settings.AuthorityURL?.TrimEnd('/') ?? "https://login.microsoftonline.com"}/{Uri.EscapeDataString(settings.TenantId!)}/oauth2/v2.0/token");
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["grant_type"] = "client_credentials",
            ["client_id"] = settings.ClientId!,
            ["client_secret"] = provider.Credentials["clientSecret"],
            ["scope"] = Scope,
        });
        try
        {
            using var client = clients.CreateClient(ClientName);
            var asked = time.GetUtcNow();
            using var response = await client.PostAsync(url, form);
            using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
            if (!response.IsSuccessStatusCode)
            {
                var error = json.RootElement.TryGetProperty("error", out var code) ? code.ToString() : "";
                throw new InvalidOperationException($"{url.Authority} gives application '{settings.ClientId}' no token: {(int)response.StatusCode} {error}");
            }

            var lifetime = TimeSpan.FromSeconds(json.RootElement.GetProperty("expires_in").GetDouble());
            return new(json.RootElement.GetProperty("access_token").GetString()!, asked + (lifetime > Ahead * 2 ? lifetime - Ahead : lifetime / 2));
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or JsonException or KeyNotFoundException)
        {
            throw new InvalidOperationException($"{url.Authority} gives application '{settings.ClientId}' no token: {e.Message}", e);
        }
    }

    private sealed record Token(string Value, DateTimeOffset RenewAt);
}
