using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Chat.Sessions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.IdentityProviders;

namespace Obot.Chat.IdentityProviders;

/// <summary><c>/signin/{providerId}</c> sends a browser to the provider, <c>/signin/{providerId}/callback</c> takes it back.</summary>
internal sealed class SignInEndpoints(ProviderSchemes schemes, ISignInProviders providers, SignInState state, SignInEnd end, PublicAddress address)
{
    public static void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/signin/{providerId}", (HttpContext context, SignInEndpoints self, string providerId) => self.BeginAsync(context, providerId))
            .WithMetadata(new PageMetadata()).AllowAnonymous().ExcludeFromDescription();
        endpoints.MapMethods("/signin/{providerId}/callback", ["GET", "POST"], (HttpContext context, SignInEndpoints self, string providerId) => self.EndAsync(context, providerId))
            .WithMetadata(new PageMetadata()).AllowAnonymous().DisableAntiforgery().ExcludeFromDescription();
    }

    private async Task<IResult> BeginAsync(HttpContext context, string providerId)
    {
        var (returnUrl, testId) = (ReturnUrl.Local(context.Request.Query["returnUrl"]), context.Request.Query["test"].ToString() is { Length: > 0 } id ? id : null);
        if (!address.IsAt(context.Request))
        {
            // the provider sends the browser to the public URL: the cookies of this sign-in have to be there
            return Results.Redirect(address.Of(context.Request.Path, context.Request.QueryString));
        }

        var scheme = testId is null ? await schemes.FindAsync(providerId, context.RequestAborted) : await TestAsync(context, providerId, testId);
        if (scheme is null)
        {
            return Results.Redirect(SignInFailures.Url(testId is null ? SignInFailures.Gone : SignInFailures.Expired, returnUrl));
        }

        address.Apply(context.Request);
        var handler = await schemes.HandlerAsync(scheme, context);
        try
        {
            await handler.ChallengeAsync(SignInState.New(returnUrl, testId));
            return Results.Empty;
        }
        catch (Exception e) when (!context.RequestAborted.IsCancellationRequested && !context.Response.HasStarted)
        {
            await end.UnreachableAsync(context, scheme.Provider, e, returnUrl, testId);
            return Results.Empty;
        }
    }

    private async Task<IResult> EndAsync(HttpContext context, string providerId)
    {
        var isForm = HttpMethods.IsPost(context.Request.Method) && context.Request.HasFormContentType;
        var sealedState = isForm ? (await context.Request.ReadFormAsync(context.RequestAborted))["state"] : context.Request.Query["state"];
        if (state.Open(sealedState) is not { } properties)
        {
            return Results.Redirect(SignInFailures.Url(SignInFailures.Expired, returnUrl: null));
        }

        var testId = SignInState.TestOf(properties);
        var scheme = testId is null ? await schemes.FindAsync(providerId, context.RequestAborted) : await TestAsync(context, providerId, testId);
        if (scheme is null)
        {
            return Results.Redirect(SignInFailures.Url(testId is null ? SignInFailures.Gone : SignInFailures.Expired, properties.RedirectUri));
        }

        address.Apply(context.Request);
        var handler = await schemes.HandlerAsync(scheme, context);
        return await handler.HandleRequestAsync() ? Results.Empty : Results.Redirect(SignInFailures.Url(SignInFailures.Expired, properties.RedirectUri));
    }

    /// <summary>A draft belongs to whoever tests it: nobody else is sent anywhere by it.</summary>
    private async Task<ProviderScheme?> TestAsync(HttpContext context, string providerId, string testId)
    {
        var session = await context.AuthenticateAsync(SessionPrincipal.Scheme);
        return await providers.FindTest(testId, context.RequestAborted) is { } test
            && test.Draft.Id == providerId
            && SessionPrincipal.Of(session.Principal)?.UserId == test.UserId
            ? schemes.Make(test.Draft)
            : null;
    }
}
