using System.Buffers.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Obot.Chat.Sessions;
using Obot.Grains.Abstractions.IdentityProviders;

namespace Obot.Chat.IdentityProviders;

/// <summary>Options of ASP.NET Core's OpenID Connect handler: authorization code flow, PKCE, nonce; claims of ID token and userinfo.</summary>
internal sealed class OidcOptions(IDataProtectionProvider protection, SignInState state, SignInEnd end, SessionCookies cookies)
{
    private const int MaxAnswer = 1024 * 1024;

    public OpenIdConnectOptions Build(AuthProvider provider)
    {
        var options = new OpenIdConnectOptions
        {
            Authority = provider.Authority,
            ClientId = provider.Settings.ClientId,
            ClientSecret = provider.Secret.Length > 0 ? provider.Secret : null,
            ResponseType = OpenIdConnectResponseType.Code,
            ResponseMode = provider.Settings.ResponseMode ?? OpenIdConnectResponseMode.Query,
            UsePkce = true,
            GetClaimsFromUserInfoEndpoint = true,
            MapInboundClaims = false,
            DisableTelemetry = true,
            RequireHttpsMetadata = !new Uri(provider.Authority).IsLoopback,
            StateDataFormat = state.Format,
        };
        state.Apply(options, provider);
        options.Scope.Clear();
        foreach (var scope in provider.Settings.Scopes ?? [])
        {
            options.Scope.Add(scope);
        }

        options.NonceCookie.Name = $"obot-nonce-{cookies.ClusterId}.";
        state.Apply(options.NonceCookie, provider);
        options.Events = new OpenIdConnectEvents
        {
            OnMessageReceived = CheckIssuerAsync,
            OnTokenValidated = context =>
            {
                SignInClaims.Add(context.HttpContext, IdToken(context.TokenEndpointResponse?.IdToken));
                return Task.CompletedTask;
            },
            OnUserInformationReceived = context =>
            {
                SignInClaims.Add(context.HttpContext, JsonNode.Parse(context.User.RootElement.GetRawText()) as JsonObject);
                return Task.CompletedTask;
            },
            OnTicketReceived = context => end.SucceededAsync(context, provider),
            OnRemoteFailure = context => end.FailedAsync(context, provider),
            OnAccessDenied = context => end.DeniedAsync(context, provider),
        };
        new OpenIdConnectPostConfigureOptions(protection).PostConfigure(provider.Id, options);
        options.Backchannel.MaxResponseContentBufferSize = MaxAnswer;
        return options;
    }

    /// <summary>RFC 9207: an answer that names another issuer belongs to another provider (mix-up).</summary>
    private static async Task CheckIssuerAsync(MessageReceivedContext context)
    {
        if (context.ProtocolMessage.Iss is { Length: > 0 } issuer && context.Options.ConfigurationManager is { } manager)
        {
            var configuration = await manager.GetConfigurationAsync(context.HttpContext.RequestAborted);
            if (issuer != configuration.Issuer)
            {
                context.Fail($"The answer names issuer '{issuer}', expected was '{configuration.Issuer}'.");
            }
        }
    }

    /// <summary>The payload of a token that the handler has validated.</summary>
    private static JsonObject? IdToken(string? token) =>
        token?.Split('.') is [_, var payload, _] ? JsonNode.Parse(Base64Url.DecodeFromChars(payload)) as JsonObject : null;
}
