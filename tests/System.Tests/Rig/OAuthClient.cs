using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Obot.SystemTests.Rig;

/// <summary>An answer of the token endpoint.</summary>
internal sealed record TokenAnswer(int Status, JsonNode? Body)
{
    public string? Error => Body?["error"]?.GetValue<string>();

    public string AccessToken => Body?["access_token"]?.GetValue<string>() ?? throw new InvalidOperationException($"no token: {Status} {Body}");

    public string RefreshToken => Body?["refresh_token"]?.GetValue<string>() ?? throw new InvalidOperationException($"no refresh token: {Status} {Body}");
}

/// <summary>An OAuth client by hand, so that a test can do what no decent client does.</summary>
internal sealed class OAuthClient(Uri issuer) : IDisposable
{
    public const string Redirect = "http://127.0.0.1:39111/callback";
    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = issuer, Timeout = TimeSpan.FromSeconds(30) };

    public string Verifier { get; } = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public string ClientId { get; set; } = "";

    public async Task<OAuthClient> RegisterAsync(string redirect = Redirect)
    {
        using var response = await RegistrationAsync(new { redirect_uris = new[] { redirect }, client_name = "tests", token_endpoint_auth_method = "none" });
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        ClientId = JsonNode.Parse(await response.Content.ReadAsStringAsync())!["client_id"]!.GetValue<string>();
        return this;
    }

    public Task<HttpResponseMessage> RegistrationAsync(object metadata) => http.PostAsJsonAsync("/oauth/register", metadata);

    /// <summary>The authorization request; a null value leaves a parameter out.</summary>
    public string AuthorizeUrl(string resource, params (string Key, string? Value)[] changes)
    {
        var parameters = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["response_type"] = "code",
            ["client_id"] = ClientId,
            ["redirect_uri"] = Redirect,
            ["code_challenge"] = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(Verifier))),
            ["code_challenge_method"] = "S256",
            ["state"] = "af0ifjsldkj",
            ["resource"] = resource,
            ["scope"] = "mcp",
        };
        foreach (var (key, value) in changes)
        {
            parameters[key] = value;
        }

        return "/oauth/authorize?" + string.Join('&', parameters.Where(pair => pair.Value is not null).Select(pair => $"{pair.Key}={Uri.EscapeDataString(pair.Value!)}"));
    }

    /// <summary>Goes to the authorization endpoint as a person, says yes where asked, and returns where the browser is sent.</summary>
    public Task<Uri> AuthorizeAsync(Visitor person, string resource, params (string Key, string? Value)[] changes) =>
        person.AgreeAsync(new Uri(person.Home, AuthorizeUrl(resource, changes)));

    public async Task<string> CodeAsync(Visitor person, string resource) => Query(await AuthorizeAsync(person, resource))["code"];

    public Task<TokenAnswer> RedeemAsync(string code, params (string Key, string? Value)[] changes) => TokenAsync(
        [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", Redirect), ("client_id", ClientId), ("code_verifier", Verifier), .. changes]);

    public Task<TokenAnswer> RefreshAsync(string token, params (string Key, string? Value)[] changes) =>
        TokenAsync([("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", ClientId), .. changes]);

    public async Task<TokenAnswer> TokenAsync(params (string Key, string? Value)[] form)
    {
        var last = form.GroupBy(pair => pair.Key, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.Last().Value, StringComparer.Ordinal);
        using var response = await http.PostAsync("/oauth/token", new FormUrlEncodedContent(last.Where(pair => pair.Value is not null).Select(pair => KeyValuePair.Create(pair.Key, pair.Value!))));
        return new((int)response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync()));
    }

    public Task<HttpResponseMessage> RevokeAsync(string token) =>
        http.PostAsync("/oauth/revoke", new FormUrlEncodedContent([KeyValuePair.Create("token", token), KeyValuePair.Create("client_id", ClientId)]));

    public static Dictionary<string, string> Query(Uri uri) => uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2))
        .ToDictionary(pair => pair[0], pair => Uri.UnescapeDataString(pair[1]), StringComparer.Ordinal);

    public void Dispose() => http.Dispose();
}
