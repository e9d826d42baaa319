using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Authentication.OAuth;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Obot.Grains.Abstractions.IdentityProviders;

namespace Obot.Chat.IdentityProviders;

/// <summary>Options of ASP.NET Core's OAuth handler for GitHub, which speaks no OpenID Connect: its API stands in for the claims.</summary>
internal sealed class GitHubOptions(IDataProtectionProvider protection, SignInState state, SignInEnd end)
{
    private const int MaxAnswer = 1024 * 1024;
    private const int MostPages = 5;
    private const int PageSize = 100;

    public OAuthOptions Build(AuthProvider provider)
    {
        var addresses = GitHubAddresses.Of(provider.Authority);
        var options = new OAuthOptions
        {
            ClientId = provider.Settings.ClientId,
            ClientSecret = provider.Secret,
            AuthorizationEndpoint = addresses.Authorize,
            TokenEndpoint = addresses.Token,
            UserInformationEndpoint = addresses.Api,
            UsePkce = true,
            StateDataFormat = state.Format,
        };
        state.Apply(options, provider);
        foreach (var scope in provider.Settings.Scopes ?? [])
        {
            options.Scope.Add(scope);
        }

        options.Events = new OAuthEvents
        {
            OnCreatingTicket = async context => SignInClaims.Add(context.HttpContext, await ReadAsync(context, addresses.Api)),
            OnTicketReceived = context => end.SucceededAsync(context, provider),
            OnRemoteFailure = context => end.FailedAsync(context, provider),
            OnAccessDenied = context => end.DeniedAsync(context, provider),
        };
        new OAuthPostConfigureOptions<OAuthOptions, OAuthHandler<OAuthOptions>>(protection).PostConfigure(provider.Id, options);
        options.Backchannel.MaxResponseContentBufferSize = MaxAnswer;
        options.Backchannel.DefaultRequestHeaders.UserAgent.ParseAdd("Obot");
        return options;
    }

    /// <summary>The words of OpenID Connect for what GitHub says; organizations are groups <c>org</c>, teams <c>org/team</c>.</summary>
    private static async Task<JsonObject> ReadAsync(OAuthCreatingTicketContext context, string api)
    {
        var user = await GetAsync(context, $"{api}/user") as JsonObject ?? throw new JsonException("GitHub's /user is no object.");
        var emails = await AllAsync(context, $"{api}/user/emails");
        var primary = emails.FirstOrDefault(email => email["primary"]?.GetValue<bool>() is true) ?? emails.FirstOrDefault(email => email["verified"]?.GetValue<bool>() is true);
        var organizations = (await AllAsync(context, $"{api}/user/orgs")).Select(org => (string?)org["login"]);
        var teams = (await AllAsync(context, $"{api}/user/teams")).Select(team => $"{(string?)team["organization"]?["login"]}/{(string?)team["slug"]}");
        return new JsonObject
        {
            ["sub"] = user["id"]?.GetValue<long>().ToString(CultureInfo.InvariantCulture),
            ["preferred_username"] = (string?)user["login"],
            ["name"] = (string?)user["name"] ?? (string?)user["login"],
            ["email"] = (string?)primary?["email"],
            ["email_verified"] = primary?["verified"]?.GetValue<bool>() is true,
            ["groups"] = new JsonArray([.. organizations.OfType<string>().Concat(teams).Select(name => JsonValue.Create(name))]),
        };
    }

    private static async Task<List<JsonObject>> AllAsync(OAuthCreatingTicketContext context, string address)
    {
        var all = new List<JsonObject>();
        for (var page = 1; page <= MostPages; page++)
        {
            var items = (await GetAsync(context, $"{address}?per_page={PageSize}&page={page}") as JsonArray)?.OfType<JsonObject>().ToList() ?? [];
            all.AddRange(items);
            if (items.Count < PageSize)
            {
                break;
            }
        }

        return all;
    }

    /// <summary>Null where the token may not look, e.g. without scope <c>read:org</c>.</summary>
    private static async Task<JsonNode?> GetAsync(OAuthCreatingTicketContext context, string address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", context.AccessToken);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/vnd.github+json"));
        using var response = await context.Backchannel.SendAsync(request, context.HttpContext.RequestAborted);
        if (response.StatusCode is System.Net.HttpStatusCode.Forbidden or System.Net.HttpStatusCode.NotFound)
        {
            return null;
        }

        response.EnsureSuccessStatusCode();
        return JsonNode.Parse(await response.Content.ReadAsStringAsync(context.HttpContext.RequestAborted));
    }
}
