using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Obot.Chat.IdentityProviders;

/// <summary>All claims of one sign-in as JSON: claims with structure lose it when they become ASP.NET Core's claims.</summary>
internal static class SignInClaims
{
    private static readonly object Key = new();

    /// <summary>Later ones win, except <c>sub</c>, which is what the first said: the handler compares them.</summary>
    public static void Add(HttpContext context, JsonObject? claims)
    {
        var all = Of(context);
        foreach (var (name, value) in claims ?? [])
        {
            if (name != "sub" || !all.ContainsKey(name))
            {
                all[name] = value?.DeepClone();
            }
        }
    }

    public static JsonObject Of(HttpContext context)
    {
        if (context.Items[Key] is not JsonObject claims)
        {
            context.Items[Key] = claims = [];
        }

        return claims;
    }
}
