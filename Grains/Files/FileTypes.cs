namespace Obot.Grains.Files;

/// <summary>What a file is, by its name's ending; where that promises a format with a signature, its first bytes have to keep it.</summary>
internal static class FileTypes
{
    /// <summary>Bytes that are looked at.</summary>
    public const int Head = 12;
    private const string Unknown = "application/octet-stream";

    private static readonly Dictionary<string, string> Types = new(StringComparer.OrdinalIgnoreCase)
    {
        ["txt"] = "text/plain", ["log"] = "text/plain", ["md"] = "text/markdown", ["csv"] = "text/csv", ["tsv"] = "text/tab-separated-values", ["html"] = "text/html", ["htm"] = "text/html", ["css"] = "text/css",
        ["json"] = "application/json", ["jsonl"] = "application/jsonl", ["xml"] = "application/xml", ["yaml"] = "application/yaml", ["yml"] = "application/yaml", ["svg"] = "image/svg+xml",
        ["js"] = "text/javascript", ["ts"] = "text/plain", ["py"] = "text/x-python", ["cs"] = "text/plain", ["sql"] = "application/sql", ["sh"] = "text/plain",
        ["png"] = "image/png", ["jpg"] = "image/jpeg", ["jpeg"] = "image/jpeg", ["gif"] = "image/gif", ["webp"] = "image/webp", ["pdf"] = "application/pdf", ["zip"] = "application/zip",
        ["docx"] = "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ["xlsx"] = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ["pptx"] = "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    };

    public static string Of(string path) => Types.GetValueOrDefault(Path.GetExtension(path).TrimStart('.'), Unknown);

    public static bool IsPicture(string type) => type is "image/png" or "image/jpeg" or "image/gif" or "image/webp";

    /// <summary>False where the ending promises what the content is not.</summary>
    public static bool Fits(string type, ReadOnlySpan<byte> head) => type switch
    {
        "image/png" => head.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G']),
        "image/jpeg" => head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]),
        "image/gif" => head.StartsWith("GIF8"u8),
        "image/webp" => head.Length >= 12 && head.StartsWith("RIFF"u8) && head[8..12].SequenceEqual("WEBP"u8),
        "application/pdf" => head.StartsWith("%PDF-"u8),
        _ when type == "application/zip" || type.StartsWith("application/vnd.", StringComparison.Ordinal) => head.StartsWith("PK"u8),
        _ => true,
    };
}
