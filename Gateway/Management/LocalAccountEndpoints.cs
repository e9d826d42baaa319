using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.LocalAccounts;

namespace Obot.Gateway.Management;

/// <summary><c>/api/local-accounts</c>: users with a password of ours; role admin. Passwords are set by their users alone, by a link that is good once.</summary>
internal static class LocalAccountEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/local-accounts").WithTags("local-accounts");
        group.MapPost("", CreateAsync).WithBody<NewLocalAccount>().Produces<CreatedLocalAccountBody>(StatusCodes.Status201Created)
            .WithSummary("Make a local account; 'setPasswordUrl' is shown only here and good once, for a day");
        group.MapGet("", ListAsync).Produces<ListBody<LocalAccountBody>>().WithSummary("List local accounts by user name");
        group.MapPost("/{userId}/password-link", LinkAsync).Produces<PasswordLinkBody>(StatusCodes.Status201Created)
            .WithSummary("A new set-password link for a user; setting the password also ends sessions and locks");
    }

    private static async Task<IResult> CreateAsync(HttpContext context, [FromServices] ILocalAccounts accounts, [FromServices] PublicUrl publicUrl)
    {
        var body = await RequestBody.ReadAsync<NewLocalAccount>(context);
        var made = await accounts.Create(context.Caller(), body.Value, context.RequestAborted);
        context.Response.Headers.Location = $"/api/users/{made.UserId}";
        return Json(new CreatedLocalAccountBody(made.UserId, made.UserName, made.Name, made.Role.Text(), Url(publicUrl, context, made.Code)), StatusCodes.Status201Created);
    }

    private static async Task<IResult> ListAsync(HttpContext context, [FromServices] ILocalAccounts accounts)
    {
        var all = await accounts.List(context.Caller(), context.RequestAborted);
        return Json(new ListBody<LocalAccountBody>([.. all.Select(one => new LocalAccountBody(one.UserId, one.UserName, one.Name, one.Role.Text(), one.HasPassword, one.ChangedAt, one.Failures))], null));
    }

    private static async Task<IResult> LinkAsync(HttpContext context, [FromServices] ILocalAccounts accounts, [FromServices] PublicUrl publicUrl, string userId) =>
        await accounts.IssuePasswordCode(context.Caller(), userId, context.RequestAborted) is { } code
            ? Json(new PasswordLinkBody(Url(publicUrl, context, code)), StatusCodes.Status201Created)
            : ManagementProblems.NotFound("local account of user", userId);

    private static string Url(PublicUrl publicUrl, HttpContext context, string code) => $"{publicUrl.Of(context)}/login/password?code={code}";

    private static IResult Json<T>(T body, int status = StatusCodes.Status200OK) => Results.Json(body, ManagementJson.Options, statusCode: status);
}

internal sealed record CreatedLocalAccountBody(string UserId, string UserName, string Name, string Role, string SetPasswordUrl);

/// <param name="Failures">Wrong passwords since the last right one.</param>
internal sealed record LocalAccountBody(string UserId, string UserName, string Name, string Role, bool HasPassword, DateTimeOffset ChangedAt, int Failures);

internal sealed record PasswordLinkBody(string SetPasswordUrl);
