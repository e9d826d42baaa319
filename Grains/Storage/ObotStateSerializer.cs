using System.Text.Json;
using System.Text.Json.Serialization;
using Orleans.Storage;

namespace Obot.Grains.Storage;

/// <summary>
/// Grain state as UTF-8 JSON by the state's own member names. Members it does not know are skipped and missing ones keep their
/// initial value, so that silos of two releases read each other's state. Enumerations are names: their numbers may move.
/// </summary>
public sealed class ObotStateSerializer : IGrainStorageSerializer
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
        RespectRequiredConstructorParameters = false,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public BinaryData Serialize<T>(T? input) => new(JsonSerializer.SerializeToUtf8Bytes(input, Json));

    public T Deserialize<T>(BinaryData input) => JsonSerializer.Deserialize<T>(input.ToMemory().Span, Json)!;
}
