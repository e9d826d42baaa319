using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Obot.Chat.Sessions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.IdentityProviders;

namespace Obot.Chat.IdentityProviders;

/// <summary>How a sign-in at a provider ends: in a session, on the sign-in page with a reason, or as a test that signs nobody in.</summary>
internal sealed partial class SignInEnd(IExternalSignIn external, ISignInProviders providers, SessionSignIn sessions, ILogger<SignInEnd> logger)
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public async Task SucceededAsync(TicketReceivedContext context, AuthProvider provider)
    {
        var http = context.HttpContext;
        context.HandleResponse();
        var identity = ExternalClaims.Read(SignInClaims.Of(http), provider.Settings);
        if (SignInState.TestOf(context.Properties) is { } testId)
        {
            await EndTestAsync(http, provider, testId, identity, error: null);
        }
        else if (identity is null)
        {
            http.Response.Redirect(SignInFailures.Url(SignInFailures.NoSubject, context.ReturnUri));
        }
        else
        {
            await EndSignInAsync(http, provider, identity, context.ReturnUri);
        }
    }

    private async Task EndSignInAsync(HttpContext http, AuthProvider provider, ExternalIdentity identity, string? returnUrl)
    {
        var result = await external.SignIn(provider, identity, http.RequestAborted);
        if (result.User is { } user)
        {
            await sessions.OpenAsync(http, user.As(user.UserId, Scopes.All), provider.Id);
            http.Response.Redirect(ReturnUrl.Local(returnUrl));
            return;
        }

        Refused(provider.Id, result.Refusal);
        http.Response.Redirect(SignInFailures.Url(SignInFailures.Of(result.Refusal ?? SignInRefusal.Disabled), returnUrl));
    }

    public async Task FailedAsync(RemoteFailureContext context, AuthProvider provider)
    {
        context.HandleResponse();
        var failure = context.Failure ?? new AuthenticationFailureException("no reason given");
        var error = failure.Data["error"] as string;
        var isOld = failure.Message.Contains("Correlation", StringComparison.Ordinal) || failure.Message.Contains("nonce", StringComparison.OrdinalIgnoreCase);
        Failed(provider.Id, failure);
        await EndAsync(context.HttpContext, context.Properties, provider, isOld ? SignInFailures.Expired : SignInFailures.Provider, error, failure.Message);
    }

    public async Task DeniedAsync(AccessDeniedContext context, AuthProvider provider)
    {
        context.HandleResponse();
        await EndAsync(context.HttpContext, context.Properties, provider, SignInFailures.Denied, detail: null, "access_denied");
    }

    /// <summary>The provider did not even answer with what is needed to send somebody there.</summary>
    public Task UnreachableAsync(HttpContext http, AuthProvider provider, Exception exception, string returnUrl, string? testId)
    {
        Failed(provider.Id, exception);
        return EndAsync(http, SignInState.New(returnUrl, testId), provider, SignInFailures.Provider, detail: null, exception.Message);
    }

    private async Task EndAsync(HttpContext http, AuthenticationProperties? properties, AuthProvider provider, string failure, string? detail, string message)
    {
        if (SignInState.TestOf(properties) is { } testId)
        {
            await EndTestAsync(http, provider, testId, identity: null, message);
        }
        else
        {
            http.Response.Redirect(SignInFailures.Url(failure, properties?.RedirectUri, detail));
        }
    }

    private async Task EndTestAsync(HttpContext http, AuthProvider provider, string testId, ExternalIdentity? identity, string? error)
    {
        var claims = SignInClaims.Of(http).ToJsonString(Readable);
        var trial = identity is null
            ? new SignInTrial(provider.Name, claims, "", null, "", [], "", error ?? "The provider sent no usable 'sub'.")
            : await JudgeAsync(provider, identity, claims, http.RequestAborted);
        await providers.SaveTest(testId, trial, http.RequestAborted);
        http.Response.Redirect($"/sign-in-test/{testId}");
    }

    private async Task<SignInTrial> JudgeAsync(AuthProvider provider, ExternalIdentity identity, string claims, CancellationToken cancellationToken)
    {
        var verdict = await external.Judge(provider, identity, cancellationToken);
        var email = identity switch
        {
            { Email: null } => "The provider sent no e-mail address.",
            { EmailVerified: false } => "Not verified: it gives no role, and does not satisfy a restriction by domain.",
            _ => provider.Settings.AllowedEmailDomains is null ? "Verified." : verdict.Refusal is SignInRefusal.DomainNotAllowed ? "Verified, but of none of the allowed domains." : "Verified, and of an allowed domain.",
        };
        var outcome = verdict.Refusal is { } refusal
            ? $"Would be refused: {SignInFailures.Text(SignInFailures.Of(refusal), detail: null)}"
            : $"Would sign in {(verdict.IsNew ? "as a new user" : "as a known user")} with role {verdict.Role.Text()}.";
        return new(provider.Name, claims, identity.Name, identity.Email, email, identity.Groups, outcome, Error: null);
    }

    [LoggerMessage(LogLevel.Warning, "A sign-in at identity provider {Provider} failed")]
    private partial void Failed(string provider, Exception exception);

    [LoggerMessage(LogLevel.Information, "A sign-in at identity provider {Provider} was refused: {Refusal}")]
    private partial void Refused(string provider, SignInRefusal? refusal);
}
