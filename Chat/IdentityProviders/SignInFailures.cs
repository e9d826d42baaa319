using Microsoft.AspNetCore.WebUtilities;
using Obot.Chat.Sessions;
using Obot.Grains.Abstractions.IdentityProviders;

namespace Obot.Chat.IdentityProviders;

/// <summary>
/// Why somebody is back at the sign-in page. Codes travel in the URL and texts do not: otherwise anybody could make our page say what
/// they like.
/// </summary>
internal static class SignInFailures
{
    public const string Token = "token";
    public const string Code = "code";
    public const string Password = "password";
    public const string Wait = "wait";
    public const string Bootstrap = "bootstrap";
    public const string Denied = "denied";
    public const string Expired = "expired";
    public const string Provider = "provider";
    public const string Gone = "gone";
    public const string NoSubject = "no-subject";

    public static string Of(SignInRefusal refusal) => refusal switch
    {
        SignInRefusal.NoEmail => "no-email",
        SignInRefusal.EmailNotVerified => "not-verified",
        SignInRefusal.DomainNotAllowed => "domain",
        _ => "disabled",
    };

    public static string Url(string failure, string? returnUrl, string? detail = null)
    {
        var query = new Dictionary<string, string?>(StringComparer.Ordinal) { ["failed"] = failure };
        if (IsPlain(detail))
        {
            query["detail"] = detail;
        }

        if (ReturnUrl.IsLocal(returnUrl) && returnUrl != "/")
        {
            query["returnUrl"] = returnUrl;
        }

        return QueryHelpers.AddQueryString(SessionSetup.LoginPath, query);
    }

    /// <summary>For a person; null for a code that is not ours.</summary>
    /// <param name="detail">Error code of the provider, or seconds to wait; shown only when it is a plain word.</param>
    public static string? Text(string? failure, string? detail) => failure switch
    {
        Token => "That is neither the bootstrap token nor a valid API key with scope api.",
        Bootstrap => "The bootstrap token has ended, because an owner has signed in. Sign in as yourself.",
        Code => "The one-time link was used already or has expired. Ask for a new one, or sign in another way.",
        Password => "User name or password is wrong.",
        Wait => $"There were too many attempts. Try again in {(IsPlain(detail) ? detail : "a few")} seconds.",
        Denied => "The sign-in was cancelled at the identity provider, or it does not let you use this application.",
        Expired => "This sign-in was begun in another browser or too long ago. Please start again.",
        Provider when IsPlain(detail) => $"The identity provider refused the sign-in and said '{detail}'. An administrator finds more in the platform's log.",
        Provider => "The sign-in at the identity provider did not work. An administrator finds the cause in the platform's log.",
        Gone => "There is no such identity provider here any more. Choose another way to sign in.",
        NoSubject => "The identity provider did not say who you are (no usable 'sub'). Ask an administrator.",
        "no-email" => "Only addresses of certain domains may sign in here, and the identity provider sent no e-mail address of yours.",
        "not-verified" => "Only verified e-mail addresses may sign in here, and the identity provider does not vouch for yours. Verify it there and try again.",
        "domain" => "Your e-mail address is of a domain that may not sign in here. Use your organization's account, or ask an administrator.",
        "disabled" => "Your user is disabled here. Ask an administrator.",
        _ => null,
    };

    private static bool IsPlain(string? detail) => detail is { Length: > 0 and <= 40 } && detail.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');
}
