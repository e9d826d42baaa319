using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Obot.Gateway.Management;

/// <summary>Answers of views that are their own bodies; what was not understood of the request is listed beside.</summary>
internal static class LlmJson
{
    public static IResult Answer<T>(T view, IReadOnlyList<string>? warnings = null, int status = StatusCodes.Status200OK)
    {
        if (warnings is not { Count: > 0 })
        {
            return Results.Json(view, ManagementJson.Options, statusCode: status);
        }

        var body = JsonSerializer.SerializeToNode(view, ManagementJson.Options)!.AsObject();
        body["warnings"] = JsonSerializer.SerializeToNode(warnings, ManagementJson.Options);
        return Results.Json<JsonNode>(body, ManagementJson.Options, statusCode: status);
    }
}
