using System.Text.Json;
using System.Text.Json.Serialization;

namespace Obot.Grains.Llm;

/// <summary>JSON in the columns of this subject.</summary>
internal static class LlmJson
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    public static string Write<T>(T value) => JsonSerializer.Serialize(value, Options);

    public static T Read<T>(string text) => JsonSerializer.Deserialize<T>(text, Options)!;
}
