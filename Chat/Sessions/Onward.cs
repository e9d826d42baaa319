using System.Net.Mime;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Http;

namespace Obot.Chat.Sessions;

/// <summary>Where a browser goes after a form of the sign-in page.</summary>
internal static class Onward
{
    /// <summary>
    /// Browsers hold redirects after a form to the page's <c>form-action</c>. Who signs in on behalf of an OAuth client may be sent on to
    /// that client at once, which is another site: such a chain begins anew with a page of ours.
    /// </summary>
    public static IResult To(string? returnUrl)
    {
        var url = ReturnUrl.Local(returnUrl);
        return url.StartsWith("/oauth/", StringComparison.Ordinal)
            ? Results.Content($"<!DOCTYPE html><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"0;url={HtmlEncoder.Default.Encode(url)}\"><title>Signed in</title>", MediaTypeNames.Text.Html)
            : Results.LocalRedirect(url);
    }
}
