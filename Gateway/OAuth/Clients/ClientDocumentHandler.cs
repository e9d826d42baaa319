using Obot.Grains.Abstractions.Outbound;
using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Obot.Gateway.OAuth.Clients;

/// <summary>Before OpenIddict looks the client up: one that is known by its document only has to be read first.</summary>
internal sealed class ClientDocumentHandler(MetadataDocuments documents) : IOpenIddictServerHandler<ValidateAuthorizationRequestContext>
{
    public static OpenIddictServerHandlerDescriptor Descriptor { get; } = OpenIddictServerHandlerDescriptor.CreateBuilder<ValidateAuthorizationRequestContext>()
        .UseScopedHandler<ClientDocumentHandler>().SetOrder(int.MinValue + 1000).SetType(OpenIddictServerHandlerType.Custom).Build();

    public async ValueTask HandleAsync(ValidateAuthorizationRequestContext context)
    {
        if (!MetadataDocuments.IsDocument(context.Request.ClientId))
        {
            return;
        }

        try
        {
            await documents.EnsureAsync(context.Request.ClientId!, context.CancellationToken);
        }
        catch (ClientMetadataException e)
        {
            context.Reject(Errors.InvalidClient, e.Message);
        }
        catch (OutboundRefusedException e)
        {
            context.Reject(Errors.InvalidClient, $"The client's document cannot be used: {e.Message}");
        }
    }
}
