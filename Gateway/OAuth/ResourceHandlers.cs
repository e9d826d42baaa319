using Obot.Gateway.OAuth.Tokens;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace Obot.Gateway.OAuth;

/// <summary>Resource indicators (RFC 8707): exactly one, and one of ours; a token never has two audiences.</summary>
internal sealed class ResourceHandlers(Resources resources) : IOpenIddictServerHandler<ValidateAuthorizationRequestContext>, IOpenIddictServerHandler<ValidateTokenRequestContext>
{
    public static OpenIddictServerHandlerDescriptor OfAuthorization { get; } = OpenIddictServerHandlerDescriptor.CreateBuilder<ValidateAuthorizationRequestContext>()
        .UseSingletonHandler<ResourceHandlers>().SetOrder(int.MaxValue - 1000).SetType(OpenIddictServerHandlerType.Custom).Build();

    public static OpenIddictServerHandlerDescriptor OfToken { get; } = OpenIddictServerHandlerDescriptor.CreateBuilder<ValidateTokenRequestContext>()
        .UseSingletonHandler<ResourceHandlers>().SetOrder(int.MaxValue - 1000).SetType(OpenIddictServerHandlerType.Custom).Build();

    public ValueTask HandleAsync(ValidateAuthorizationRequestContext context)
    {
        if (Fault(context.Request, required: true) is { } fault)
        {
            context.Reject(Errors.InvalidTarget, fault);
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask HandleAsync(ValidateTokenRequestContext context)
    {
        // a code or a refresh token remembers what it is for; naming something else is not narrowing
        var granted = context.AuthorizationCodePrincipal ?? context.RefreshTokenPrincipal;
        if (Fault(context.Request, required: granted is null && context.Request.GrantType != EnterpriseGrant.GrantType) is { } fault)
        {
            context.Reject(Errors.InvalidTarget, fault);
        }
        else if (granted is not null && context.Request.GetResources() is [var asked] && !granted.GetResources().Contains(asked, StringComparer.Ordinal))
        {
            context.Reject(Errors.InvalidTarget, "The grant is for another resource. Start a new authorization for this one.");
        }

        return ValueTask.CompletedTask;
    }

    private string? Fault(OpenIddictRequest request, bool required) => request.GetResources() switch
    {
        [] when !required => null,
        [] => $"Send 'resource': the URL of the MCP server that the token is for, e.g. {resources.OfServer("ID")} (RFC 8707).",
        [var one] when resources.TryParse(one, out _) => null,
        [var one] => $"'{one}' is no resource of this platform.",
        _ => "Ask for one resource at a time.",
    };
}
