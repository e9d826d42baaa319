using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Obot.Grains.Abstractions.Hosting;

/// <summary><c>resources</c> of the catalog format: amounts in the quantities of Kubernetes (<c>250m</c>, <c>512Mi</c>).</summary>
public sealed record ServerResources
{
    /// <summary>What is set aside for the server where the backend can.</summary>
    public ResourceAmounts? Requests { get; init; }

    /// <summary>What the server never gets more of.</summary>
    public ResourceAmounts? Limits { get; init; }

    /// <summary>Members that this version does not know; kept as they came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Unknown { get; init; }
}

public sealed record ResourceAmounts
{
    /// <summary>Cores (<c>0.5</c>) or thousandths of them (<c>500m</c>).</summary>
    [JsonConverter(typeof(QuantityText))]
    public string? Cpu { get; init; }

    /// <summary>Bytes, with <c>Ki Mi Gi Ti</c> or <c>k M G T</c>.</summary>
    [JsonConverter(typeof(QuantityText))]
    public string? Memory { get; init; }

    /// <summary>Members that this version does not know; kept as they came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Unknown { get; init; }

    /// <summary>Cores; null when there is no such amount or it is not a positive quantity.</summary>
    public static decimal? Cores(string? quantity) => Parse(quantity, ("m", 0.001m), ("", 1m)) is { } cores and > 0 and <= 4096 ? cores : null;

    /// <summary>Bytes; null when there is no such amount or it is not a positive quantity.</summary>
    public static long? Bytes(string? quantity) =>
        Parse(
            quantity,
            ("Ki", 1L << 10),
            ("Mi", 1L << 20),
            ("Gi", 1L << 30),
            ("Ti", 1L << 40),
            ("k", 1e3m),
            ("M", 1e6m),
            ("G", 1e9m),
            ("T", 1e12m),
            ("", 1m)) is { } bytes and >= 1 and <= 1L << 50
            ? (long)bytes
            : null;

    private static decimal? Parse(string? quantity, params ReadOnlySpan<(string Suffix, decimal Factor)> units)
    {
        foreach (var (suffix, factor) in units)
        {
            if (quantity?.EndsWith(suffix, StringComparison.Ordinal) is true)
            {
                return decimal.TryParse(quantity.AsSpan(0, quantity.Length - suffix.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number < 1e16m
                    ? number * factor
                    : null;
            }
        }

        return null;
    }

    /// <summary>YAML writes <c>cpu: 1</c> as often as <c>cpu: "1"</c>.</summary>
    private sealed class QuantityText : JsonConverter<string>
    {
        public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType is JsonTokenType.Number ? reader.GetDecimal().ToString(CultureInfo.InvariantCulture) : reader.GetString();

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
    }
}
