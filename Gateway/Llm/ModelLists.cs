using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm;

/// <summary><c>GET models</c> and <c>models/{model}</c>: what the caller may ask for, in either vendor's words.</summary>
internal sealed class ModelLists(ILlmDirectory directory)
{
    public async Task WriteAsync(HttpContext context, LlmDoor door, Principal caller)
    {
        var visible = await directory.Visible(caller, context.RequestAborted);
        if (door.Model is { } encoded)
        {
            var name = Uri.UnescapeDataString(encoded);
            if (visible.FirstOrDefault(listing => listing.Name == name) is not { } found)
            {
                await new LlmError(StatusCodes.Status404NotFound, "model_not_found", $"There is no model '{name}' that you may use.") { Param = "model" }.WriteAsync(context, door.Dialect);
                return;
            }

            await WriteAsync(context, writer => WriteOne(writer, door.Dialect, found));
            return;
        }

        await WriteAsync(context, writer =>
        {
            writer.WriteStartObject();
            if (door.Dialect == LlmDialect.OpenAi)
            {
                writer.WriteString("object"u8, "list"u8);
            }

            writer.WriteStartArray("data"u8);
            foreach (var listing in visible)
            {
                WriteOne(writer, door.Dialect, listing);
            }

            writer.WriteEndArray();
            if (door.Dialect == LlmDialect.Anthropic)
            {
                writer.WriteBoolean("has_more"u8, value: false);
                writer.WriteString("first_id"u8, visible.Count > 0 ? visible[0].Name : null);
                writer.WriteString("last_id"u8, visible.Count > 0 ? visible[^1].Name : null);
            }

            writer.WriteEndObject();
        });
    }

    private static async Task WriteAsync(HttpContext context, Action<Utf8JsonWriter> write)
    {
        context.Response.ContentType = "application/json";
        await using var writer = new Utf8JsonWriter(context.Response.BodyWriter);
        write(writer);
    }

    private static void WriteOne(Utf8JsonWriter writer, LlmDialect dialect, LlmListing listing)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, listing.Name);
        writer.WriteString("usage"u8, listing.Usage);
        if (dialect == LlmDialect.OpenAi)
        {
            writer.WriteString("object"u8, "model"u8);
            writer.WriteNumber("created"u8, listing.CreatedAt.ToUnixTimeSeconds());
            writer.WriteString("owned_by"u8, listing.OwnedBy);
        }
        else
        {
            writer.WriteString("type"u8, "model"u8);
            writer.WriteString("display_name"u8, listing.Name);
            writer.WriteString("created_at"u8, listing.CreatedAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        }

        writer.WriteEndObject();
    }
}
