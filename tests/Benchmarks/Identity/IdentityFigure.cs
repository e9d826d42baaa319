using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Obot.Benchmarks.Identity;

/// <param name="TokensPerSecond">Access tokens that one silo issues to a service account, its secret checked each time.</param>
/// <param name="SignInMilliseconds">From the sign-in page to the first page behind it: median.</param>
internal sealed partial record IdentityFigure(double TokensPerSecond, double SignInMilliseconds)
{
    private const int Callers = 8;
    private const int SignIns = 20;
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(5);

    /// <param name="api">With the owner's token.</param>
    /// <param name="serverId">What the tokens are for.</param>
    public static async Task<IdentityFigure> TakeAsync(HttpClient api, string serverId) =>
        new(await TokensAsync(api, serverId), await SignInAsync(api));

    private static async Task<double> TokensAsync(HttpClient api, string serverId)
    {
        var account = await PostAsync(api, "/api/service-accounts", new { name = "bench" });
        var client = await PostAsync(api, $"/api/service-accounts/{account.GetProperty("id").GetString()}/client-secrets", new { });
        var form = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["grant_type"] = "client_credentials",
            ["client_id"] = client.GetProperty("clientID").GetString()!,
            ["client_secret"] = client.GetProperty("clientSecret").GetString()!,
            ["resource"] = new Uri(api.BaseAddress!, $"/mcp-connect/{serverId}").ToString(),
        };
        using var http = new HttpClient { BaseAddress = api.BaseAddress };
        await IssueAsync(http, form);
        var issued = 0;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(async _ =>
        {
            while (clock.Elapsed < Long)
            {
                await IssueAsync(http, form);
                Interlocked.Increment(ref issued);
            }
        }));
        return issued / clock.Elapsed.TotalSeconds;
    }

    private static async Task IssueAsync(HttpClient http, Dictionary<string, string> form)
    {
        using var content = new FormUrlEncodedContent(form);
        using var response = await http.PostAsync(new Uri("/oauth/token", UriKind.Relative), content);
        if (!response.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"/oauth/token → {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        }
    }

    private static async Task<double> SignInAsync(HttpClient api)
    {
        var times = new List<double>();
        for (var number = 0; number < SignIns; number++)
        {
            var link = new Uri((await PostAsync(api, "/api/sign-in-codes", new { })).GetProperty("url").GetString()!);
            using var browser = new HttpClient(new SocketsHttpHandler { CookieContainer = new CookieContainer() }) { BaseAddress = api.BaseAddress };
            var start = Stopwatch.GetTimestamp();
            var page = await browser.GetStringAsync(link);
            using var form = new FormUrlEncodedContent(Hidden().Matches(page).Select(field => KeyValuePair.Create(field.Groups["name"].Value, WebUtility.HtmlDecode(field.Groups["value"].Value))));
            using var answer = await browser.PostAsync(new Uri(WebUtility.HtmlDecode(Action().Match(page).Groups["action"].Value), UriKind.Relative), form);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            if (!answer.IsSuccessStatusCode || answer.RequestMessage!.RequestUri!.AbsolutePath.StartsWith("/login", StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"sign-in ended at {answer.RequestMessage!.RequestUri} with {(int)answer.StatusCode}");
            }
        }

        return times.Order().ElementAt(times.Count / 2);
    }

    private static async Task<JsonElement> PostAsync(HttpClient http, string path, object body)
    {
        using var response = await http.PostAsJsonAsync(new Uri(path, UriKind.Relative), body);
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode ? JsonSerializer.Deserialize<JsonElement>(text) : throw new InvalidOperationException($"{path} → {(int)response.StatusCode} {text}");
    }

    [GeneratedRegex("""<form[^>]*action="(?<action>[^"]*)"[^>]*>""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Action();

    [GeneratedRegex("""<input(?=[^>]*type="hidden")(?=[^>]*name="(?<name>[^"]*)")(?=[^>]*value="(?<value>[^"]*)")[^>]*>""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Hidden();
}
