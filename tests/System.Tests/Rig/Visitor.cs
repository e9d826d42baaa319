using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Obot.SystemTests.Rig;

/// <summary>Somebody at a browser: cookies, forms, and redirects that are looked at before they are followed.</summary>
internal sealed partial class Visitor : IDisposable
{
    private readonly CookieContainer cookies = new();

    public Visitor(Uri home)
    {
        Home = home;
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = cookies }) { BaseAddress = home, Timeout = TimeSpan.FromSeconds(30) };
    }

    public Uri Home { get; }

    public HttpClient Http { get; }

    /// <summary>The Cookie header that this browser sends.</summary>
    public string Cookie => cookies.GetCookieHeader(Home);

    /// <summary>Signs in as the owner by a one-time link.</summary>
    public static async Task<Visitor> OwnerAsync(ObotCluster cluster, int silo = 0)
    {
        var person = new Visitor(cluster.Urls[silo]);
        using var made = await cluster.Http.PostAsJsonAsync(new Uri(person.Home, "/api/sign-in-codes"), new { });
        var link = new Uri(JsonNode.Parse(await made.EnsureSuccessStatusCode().Content.ReadAsStringAsync())!["url"]!.GetValue<string>());
        var page = await person.Http.GetStringAsync(new Uri(person.Home, link.PathAndQuery));
        var form = Form(page);
        using var answer = await person.Http.PostAsync(new Uri(person.Home, FormAction().Match(page).Groups["action"].Value), new FormUrlEncodedContent(form));
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.DoesNotContain("login", answer.Headers.Location!.ToString(), StringComparison.Ordinal);
        return person;
    }

    /// <summary>Goes to the authorization endpoint, says yes where asked, and returns where the browser is sent.</summary>
    public async Task<Uri> AgreeAsync(Uri authorize)
    {
        using var asked = await Http.GetAsync(authorize);
        if (asked.Headers.Location is { } at)
        {
            return at;
        }

        var page = await asked.Content.ReadAsStringAsync();
        Assert.True(page.Contains("obot_decision", StringComparison.Ordinal), $"{asked.StatusCode} {page}");
        var form = Form(page);
        form["obot_decision"] = "allow";
        using var answered = await Http.PostAsync(new Uri(Home, "/oauth/authorize"), new FormUrlEncodedContent(form));
        return answered.Headers.Location ?? throw new InvalidOperationException($"{answered.StatusCode} {await answered.Content.ReadAsStringAsync()}");
    }

    /// <summary>The fields of the first form of a page.</summary>
    public static Dictionary<string, string> Form(string page) => Fields().Matches(page)
        .GroupBy(match => WebUtility.HtmlDecode(match.Groups["name"].Value), StringComparer.Ordinal)
        .ToDictionary(group => group.Key, group => WebUtility.HtmlDecode(group.First().Groups["value"].Value), StringComparer.Ordinal);

    public void Dispose() => Http.Dispose();

    [GeneratedRegex("""<input(?=[^>]*type="hidden")(?=[^>]*name="(?<name>[^"]*)")(?=[^>]*value="(?<value>[^"]*)")[^>]*>""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Fields();

    [GeneratedRegex("""<form[^>]*action="(?<action>[^"]*)"[^>]*>""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex FormAction();
}
