using System.Net;
using System.Text.RegularExpressions;

namespace Obot.SystemTests.Rig;

/// <summary>Cookies and forms without scripts: opens a page, fills its first form in, sends it.</summary>
internal sealed partial class FormBrowser : IDisposable
{
    private readonly HttpClient client = new(new HttpClientHandler { CookieContainer = new CookieContainer() });

    public Task<HttpResponseMessage> GetAsync(Uri url) => client.GetAsync(url, TestContext.Current.CancellationToken);

    public async Task<HttpResponseMessage> SubmitAsync(string page, params (string Name, string Value)[] values)
    {
        var html = await client.GetStringAsync(new Uri(page), TestContext.Current.CancellationToken);
        var form = Form().Match(html);
        Assert.True(form.Success, html);
        var fields = Hidden().Matches(form.Groups["body"].Value)
            .ToDictionary(field => WebUtility.HtmlDecode(field.Groups["name"].Value), field => WebUtility.HtmlDecode(field.Groups["value"].Value), StringComparer.Ordinal);
        foreach (var (name, value) in values)
        {
            fields[name] = value;
        }

        using var content = new FormUrlEncodedContent(fields);
        var response = await client.PostAsync(new Uri(new Uri(page), WebUtility.HtmlDecode(form.Groups["action"].Value)), content, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
        return response;
    }

    public void Dispose() => client.Dispose();

    [GeneratedRegex("<form[^>]*action=\"(?<action>[^\"]+)\"[^>]*>(?<body>.*?)</form>", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Form();

    [GeneratedRegex("<input type=\"hidden\" name=\"(?<name>[^\"]+)\" value=\"(?<value>[^\"]*)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Hidden();
}
