using Obot.Data;
using Obot.Grains.Abstractions.Security;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Obot.Gateway.OAuth.Tokens;

/// <summary>Revoking one token ends the whole grant (RFC 7009, section 2.1): who signs out means all of it.</summary>
internal sealed class RevocationHandler(IOpenIddictTokenManager tokens, ObotDb db) : IOpenIddictServerHandler<HandleRevocationRequestContext>
{
    public static OpenIddictServerHandlerDescriptor Descriptor { get; } = OpenIddictServerHandlerDescriptor.CreateBuilder<HandleRevocationRequestContext>()
        .UseScopedHandler<RevocationHandler>().SetOrder(int.MaxValue - 1000).SetType(OpenIddictServerHandlerType.Custom).Build();

    public async ValueTask HandleAsync(HandleRevocationRequestContext context)
    {
        if (context.GenericTokenPrincipal?.GetAuthorizationId() is { } grant)
        {
            await tokens.RevokeByAuthorizationIdAsync(grant, context.CancellationToken);
        }
        else if (context.GenericTokenPrincipal?.GetTokenId() is { } token)
        {
            // a token without a grant behind it, of a service account for instance: OpenIddict ended its entry, the verdicts hear it here
            await db.AnnounceAsync(SecurityChangeKinds.Grant, token, context.CancellationToken);
        }
    }
}
