using System.Collections.Immutable;
using OpenIddict.Server;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Obot.Gateway.OAuth;

/// <summary>What the discovery documents (RFC 8414, OpenID Connect Discovery) say beyond OpenIddict's own lines.</summary>
internal sealed class ServerMetadata(Resources resources) : IOpenIddictServerHandler<HandleConfigurationRequestContext>
{
    public static OpenIddictServerHandlerDescriptor Descriptor { get; } = OpenIddictServerHandlerDescriptor.CreateBuilder<HandleConfigurationRequestContext>()
        .UseSingletonHandler<ServerMetadata>().SetOrder(int.MaxValue - 1000).SetType(OpenIddictServerHandlerType.Custom).Build();

    public ValueTask HandleAsync(HandleConfigurationRequestContext context)
    {
        // RFC 7591 and draft-ietf-oauth-client-id-metadata-document
        context.Metadata["registration_endpoint"] = $"{resources.Issuer}{OAuthSetup.Prefix}/register";

        // draft-ietf-oauth-identity-assertion-authz-grant: enterprise-managed authorization
        context.Metadata["authorization_grant_profiles_supported"] = ImmutableArray.Create<string?>("urn:ietf:params:oauth:grant-profile:id-jag");
        context.TokenEndpointAuthenticationMethods.Add("none");
        context.RevocationEndpointAuthenticationMethods.Add("none");
        context.Metadata["client_id_metadata_document_supported"] = true;
        return ValueTask.CompletedTask;
    }
}
