using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Encryption;

namespace Obot.Gateway.Management;

/// <summary><c>/api/encryption</c>: keys of encryption at rest.</summary>
internal static class EncryptionEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/encryption").WithTags("encryption");
        group.MapGet("", async (HttpContext context, IEncryptionKeys keys) => Json(await keys.Get(context.Caller(), context.RequestAborted)))
            .Produces<EncryptionView>().WithSummary("Data keys, and how many values wait for re-encryption");
        group.MapPost("/rotate", async (HttpContext context, IEncryptionKeys keys) => Json(await keys.Rotate(context.Caller(), context.RequestAborted), StatusCodes.Status202Accepted))
            .Produces<EncryptionView>(StatusCodes.Status202Accepted).WithSummary("Write with a new data key from now on, and re-encrypt everything in the background (owner only)");
    }

    private static IResult Json(EncryptionView view, int status = StatusCodes.Status200OK) => Results.Json(view, ManagementJson.Options, statusCode: status);
}
