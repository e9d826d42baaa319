using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.OAuth;

/// <summary>Registration is open to everybody: the limit of one address holds over all silos.</summary>
public sealed class RegistrationFloodTests(ITestOutputHelper output)
{
    private const int Allowed = 5;
    private const int Attempts = 20;

    [Fact]
    public async Task Registrations_OverBothSilosAtOnce_SucceedAsOftenAsOneAddressMay()
    {
        await using var cluster = await ObotCluster.StartAsync(silos: 2, ("Obot__OAuth__RegistrationsPerHour", $"{Allowed}"));
        var answers = await Task.WhenAll(Enumerable.Range(0, Attempts).Select(number => RegisterAsync(cluster.Urls[number % 2])));
        output.WriteLine(string.Join(", ", answers.GroupBy(answer => answer.Status).Select(group => $"{group.Count()} × {(int)group.Key}")));
        Assert.Equal(Allowed, answers.Count(answer => answer.Status is HttpStatusCode.Created));
        Assert.Equal(Attempts - Allowed, answers.Count(answer => answer.Status is HttpStatusCode.TooManyRequests));
        Assert.Equal(Allowed, answers.Select(answer => answer.Body["client_id"]?.GetValue<string>()).OfType<string>().Distinct(StringComparer.Ordinal).Count());
        Assert.All(answers.Where(answer => answer.Status is HttpStatusCode.TooManyRequests), answer =>
        {
            Assert.InRange(int.Parse(answer.RetryAfter!, CultureInfo.InvariantCulture), 3000, 3600);
            Assert.Equal("temporarily_unavailable", answer.Body["error"]!.GetValue<string>());
            Assert.NotEmpty(answer.Body["error_description"]!.GetValue<string>());
            Assert.Null(answer.Body["client_id"]);
        });
    }

    private static async Task<(HttpStatusCode Status, string? RetryAfter, JsonNode Body)> RegisterAsync(Uri silo)
    {
        using var client = new OAuthClient(silo);
        using var response = await client.RegistrationAsync(new { redirect_uris = new[] { OAuthClient.Redirect }, token_endpoint_auth_method = "none" });
        return (response.StatusCode, response.Headers.RetryAfter?.ToString(), JsonNode.Parse(await response.Content.ReadAsStringAsync())!);
    }
}
