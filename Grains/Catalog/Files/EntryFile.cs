using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Catalog.Sources;
using Obot.Grains.Hosting;

namespace Obot.Grains.Catalog.Files;

/// <summary>An entry of a file.</summary>
/// <param name="Key">What it is within its source: <c>entryKey</c>, else the file, else the file and the name.</param>
internal sealed record FileEntry(string Path, int Line, string Key, ServerManifest Manifest);

/// <summary>The entries of one file: one, a list of them, or several documents.</summary>
internal static class EntryFile
{
    private const string Root = "manifest";

    /// <summary>Errors, and warnings, that are told of one file.</summary>
    private const int MaxTold = 20;
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Good entries are returned also when their neighbours in the file are not.</summary>
    public static IReadOnlyList<FileEntry> Read(string source, SourceFile file, List<EntryProblem> problems)
    {
        var (errors, warnings) = (0, 0);
        void Tell(int line, string field, string message, bool warning = false)
        {
            if ((warning ? warnings++ : errors++) < MaxTold)
            {
                problems.Add(new(source, file.Path, line, field, message, warning));
            }
        }

        List<YamlValue> values;
        try
        {
            values = [.. YamlTree.Read(Strict.GetString(file.Content).TrimStart('\uFEFF')).SelectMany(document => document is YamlList list ? list.Items : [document])];
        }
        catch (YamlTroubleException e)
        {
            Tell(e.Line, "", e.Message);
            return [];
        }
        catch (DecoderFallbackException)
        {
            Tell(0, "", "The file is not UTF-8.");
            return [];
        }

        if (values.Count == 0)
        {
            Tell(0, "", "The file is empty.", warning: true);
        }

        var entries = new List<FileEntry>();
        foreach (var value in values)
        {
            if (Manifest(value, Tell) is { } manifest)
            {
                var key = !string.IsNullOrWhiteSpace(manifest.EntryKey) ? manifest.EntryKey : values.Count == 1 ? file.Path : $"{file.Path}#{manifest.Name}";
                entries.Add(new(file.Path, value.Line, key, manifest));
            }
        }

        return entries;
    }

    private static ServerManifest? Manifest(YamlValue value, Action<int, string, string, bool> tell)
    {
        var shape = new YamlShape();
        if (shape.Convert(value, typeof(ServerManifest), "") is not JsonObject json || shape.Faults.Count > 0)
        {
            foreach (var (field, line, message) in shape.Faults)
            {
                tell(line, field, message, false);
            }

            if (shape.Faults.Count == 0)
            {
                tell(value.Line, "", "Not an entry: it must be a map with at least 'name', 'runtime' and the runtime's block.", false);
            }

            return null;
        }

        try
        {
            RemoveNulls(json);
            var manifest = json.Deserialize<ServerManifest>(ManifestJson.Options)!;
            ManifestValidation.Check(manifest, Root);
            foreach (var path in ManifestJson.UnknownFields(manifest, Root).Select(Below))
            {
                tell(shape.LineOf(path), path, $"Unknown field '{path}' is kept and not used.", true);
            }

            return manifest;
        }
        catch (InvalidInputException e)
        {
            tell(shape.LineOf(Below(e.Field)), Below(e.Field), e.Message, false);
        }
        catch (JsonException e)
        {
            var path = e.Path is { Length: > 2 } at ? at[2..] : "";
            tell(shape.LineOf(path), path, "The value does not fit the field.", false);
        }

        return null;
    }

    private static string Below(string field) => field.StartsWith($"{Root}.", StringComparison.Ordinal) ? field[(Root.Length + 1)..] : field;

    /// <summary>A field without a value counts as absent.</summary>
    private static void RemoveNulls(JsonNode? node)
    {
        if (node is JsonObject members)
        {
            foreach (var name in members.Where(member => member.Value is null).Select(member => member.Key).ToArray())
            {
                members.Remove(name);
            }

            foreach (var member in members)
            {
                RemoveNulls(member.Value);
            }
        }
        else if (node is JsonArray items)
        {
            foreach (var item in items)
            {
                RemoveNulls(item);
            }
        }
    }
}
