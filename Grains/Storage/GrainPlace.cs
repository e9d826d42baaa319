using System.Globalization;
using Obot.Grains.Abstractions.Encryption;

namespace Obot.Grains.Storage;

/// <summary>
/// The identity of a grain's state: the key of its row, (state name, key). State names are unique over all grain classes, so this is
/// state name and grain id; unlike the grain id it can be told from the row alone.
/// </summary>
internal static class GrainPlace
{
    public const string Table = "orleans_storage";
    public const string Field = "payload";

    public static SecretPlace Of(string stateName, GrainId grainId)
    {
        // as the provider takes keys apart: a text that looks like a number or a GUID is one
        if (grainId.TryGetGuidKey(out var guid, out var extension))
        {
            var bytes = guid.ToByteArray();
            return Of(stateName, BitConverter.ToInt64(bytes, 0), BitConverter.ToInt64(bytes, 8), extension);
        }

        return grainId.TryGetIntegerKey(out var number, out extension)
            ? Of(stateName, 0, number, extension)
            : Of(stateName, 0, 0, grainId.Key.ToString());
    }

    /// <summary>From the values of the table's key: service, state name, text, two numbers.</summary>
    public static string IdOf(object[] key) => Of((string)key[1], (long)key[3], (long)key[4], (string)key[2]).Id;

    private static SecretPlace Of(string stateName, long n0, long n1, string? text) =>
        new(Table, string.Create(CultureInfo.InvariantCulture, $"{stateName}/{n0}/{n1}/{text}"), Field);
}
