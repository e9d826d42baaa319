using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Management;

/// <summary>One-time sign-in links, for whoever holds the owner's token and sits at a browser without it.</summary>
internal static class SignInCodeEndpoints
{
    public static void Map(RouteGroupBuilder api) =>
        api.MapPost("/sign-in-codes", CreateAsync).WithTags("sign-in-codes").Produces<SignInCode>(StatusCodes.Status201Created)
            .WithSummary("A link that signs the caller in once, within ten minutes");

    private static async Task<IResult> CreateAsync(HttpContext context, ISignIn signIn, PublicUrl publicUrl, CancellationToken cancellationToken)
    {
        var caller = context.Caller();
        if (caller.Role < Role.Owner)
        {
            return ManagementProblems.Problem(StatusCodes.Status403Forbidden, "Forbidden", "Only the owner may make sign-in links.");
        }

        var code = await signIn.IssueCode(caller.UserId, cancellationToken);
        return Results.Json(new SignInCode($"{publicUrl.Of(context)}/login?code={code}"), ManagementJson.Options, statusCode: StatusCodes.Status201Created);
    }
}

/// <param name="Url">Open it in a browser.</param>
internal sealed record SignInCode(string Url);
