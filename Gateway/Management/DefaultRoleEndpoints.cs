using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Management;

/// <summary><c>/api/user-default-role-settings</c>: what new users are.</summary>
internal static class DefaultRoleEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/user-default-role-settings").WithTags("users");
        group.MapGet("", GetAsync).Produces<DefaultRoleBody>().WithSummary("The role of users at their first sign-in (administrators)");
        group.MapPut("", SetAsync).WithBody<DefaultRoleBody>().Produces<DefaultRoleBody>()
            .WithSummary("Set the role of users at their first sign-in: 'basic', 'power' or 'powerPlus' (administrators)");
    }

    private static async Task<IResult> GetAsync(HttpContext context, IAuthSettings settings)
    {
        if (context.Caller().Role < Role.Admin)
        {
            throw new NotAllowedException("Only administrators and owners see the settings of sign-in.");
        }

        return Results.Json(new DefaultRoleBody { Role = (await settings.DefaultRole(context.RequestAborted)).Text() }, ManagementJson.Options);
    }

    private static async Task<IResult> SetAsync(HttpContext context, IAuthSettings settings)
    {
        var body = await RequestBody.ReadAsync<DefaultRoleBody>(context);
        var role = RoleNames.Parse(body.Value.Role, "role");
        await settings.SetDefaultRole(context.Caller(), role, context.RequestAborted);
        return Results.Json(new DefaultRoleBody { Role = role.Text(), Warnings = body.Warnings.Count == 0 ? null : body.Warnings }, ManagementJson.Options);
    }
}
