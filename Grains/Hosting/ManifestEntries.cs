using System.Buffers;
using System.Text.Json;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>The entries of <c>env[]</c> and <c>headers[]</c>: their rules, and what users supply for them.</summary>
internal static class ManifestEntries
{
    public const int MaxValue = 64 * 1024;
    private const int MaxEntries = 200;
    private const int MaxKey = 200;
    private static readonly SearchValues<char> VariableName = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    private static readonly SearchValues<char> TokenName = SearchValues.Create("!#$%&'*+-.^_`|~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");

    /// <summary>Headers that belong to the transport or to us (RFC 9110 section 7.6.1; MCP streamable HTTP).</summary>
    private static readonly HashSet<string> Reserved = new(
        [
            "Host", "Connection", "Content-Length", "Content-Type", "Transfer-Encoding", "Upgrade", "TE", "Trailer", "Keep-Alive", "Accept",
            "Proxy-Connection", "Mcp-Session-Id", "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name", "Last-Event-ID",
        ],
        StringComparer.OrdinalIgnoreCase);

    /// <summary>All entries of a manifest that a user may have to supply.</summary>
    public static IEnumerable<ManifestValue> Of(ServerManifest manifest) => [.. manifest.Env, .. HeadersOf(manifest), .. RemoteAddress.Asked(manifest)];

    /// <summary>Those that guards put into calls.</summary>
    public static IEnumerable<ManifestValue> HeadersOf(ServerManifest manifest) =>
        [.. manifest.Headers, .. manifest.RemoteConfig?.Headers ?? [], .. manifest.MultiUserConfig?.UserDefinedHeaders ?? []];

    /// <summary>
    /// Each user of a shared instance has a value of their own: what <c>multiUserConfig</c> says, and everything of a remote single-user server,
    /// which has no process whose environment it could be.
    /// </summary>
    public static bool IsOwn(ServerManifest manifest, string key) =>
        (manifest is { ServerUserType: ServerUserTypes.SingleUser, IsPerUser: false })
        || manifest.MultiUserConfig?.UserDefinedHeaders.Any(entry => entry.Key == key) is true;

    /// <summary>Keys that an instance needs before it starts: required, not each user's own, no static value, and none among <paramref name="supplied"/>.</summary>
    public static IReadOnlyList<string> Missing(ServerManifest manifest, IReadOnlyDictionary<string, string> supplied) =>
        MissingOf(Of(manifest).Where(entry => !IsOwn(manifest, entry.Key)), entry => supplied.GetValueOrDefault(entry.Key));

    /// <summary>Those of the entries that are required and have neither a static value nor one by <paramref name="find"/>.</summary>
    public static IReadOnlyList<string> MissingOf(IEnumerable<ManifestValue> entries, Func<ManifestValue, string?> find) =>
    [
        .. entries
            .Where(entry => entry is { Required: true, Value: null } && string.IsNullOrEmpty(find(entry)))
            .Select(entry => entry.Key)
            .Distinct(StringComparer.Ordinal),
    ];

    public static void Check(IReadOnlyList<ManifestValue> entries, string path, bool environment)
    {
        if (entries.Count > MaxEntries)
        {
            throw new InvalidInputException(path, $"At most {MaxEntries} entries.");
        }

        for (var i = 0; i < entries.Count; i++)
        {
            if (entries[i] is not { } entry)
            {
                throw new InvalidInputException($"{path}[{i}]", "Must be an object with at least 'key'.");
            }

            CheckKey(entry.Key, $"{path}[{i}].key", environment);
            CheckValue(entry, entry.Value, $"{path}[{i}].value", environment);
            if (entry.Prefix is not null)
            {
                CheckText(entry.Prefix, $"{path}[{i}].prefix", environment);
            }
        }

        CheckUnique(entries, path);
    }

    public static void CheckUnique(IReadOnlyList<ManifestValue> entries, string path)
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < entries.Count; i++)
        {
            if (!seen.Add(entries[i].Key))
            {
                throw new InvalidInputException($"{path}[{i}].key", $"'{entries[i].Key}' is there twice; every key may be there once.");
            }
        }
    }

    /// <summary>A value against its entry; null is no value.</summary>
    public static void CheckValue(ManifestValue entry, string? value, string path, bool environment)
    {
        if (value is null)
        {
            return;
        }

        CheckText(value, path, environment);
        if (value.Length > 0 && entry.Options is { Count: > 0 } options && !options.Contains(value, StringComparer.Ordinal))
        {
            throw new InvalidInputException(path, $"Allowed: {string.Join(", ", options.Select(option => $"'{option}'"))}.");
        }
    }

    private static void CheckKey(string key, string path, bool environment)
    {
        var allowed = environment ? VariableName : TokenName;
        if (key.Length is 0 or > MaxKey || key.AsSpan().ContainsAnyExcept(allowed) || (environment && char.IsAsciiDigit(key[0])))
        {
            throw new InvalidInputException(
                path,
                environment
                    ? "Required: the name of an environment variable (letters, digits and '_', not beginning with a digit)."
                    : "Required: the name of an HTTP header (RFC 9110 token).");
        }

        if (!environment && (Reserved.Contains(key) || key.StartsWith("Obot-", StringComparison.OrdinalIgnoreCase)))
        {
            throw new InvalidInputException(path, $"'{key}' is set by the platform and cannot be configured.");
        }
    }

    private static void CheckText(string value, string path, bool environment)
    {
        if (value.Length > MaxValue || value.Any(c => c == '\0' || (!environment && (c is '\r' or '\n' || c > 0x7e))))
        {
            throw new InvalidInputException(
                path, environment ? $"At most {MaxValue} characters without NUL." : $"At most {MaxValue} visible ASCII characters on one line.");
        }
    }

    /// <summary>The manifest as it may be shown: static values of sensitive entries are replaced by <c>valueSet: true</c>.</summary>
    public static ServerManifest Redact(ServerManifest manifest) => Map(manifest, entry =>
        entry is { Sensitive: true, Value: not null } ? entry with { Value = null, Unknown = With(entry.Unknown, true) } : entry);

    /// <summary>
    /// The manifest as it is stored: entries that came back as <c>valueSet: true</c> keep the value they had, and a secret stays one: whoever
    /// would see it has to enter it.
    /// </summary>
    public static ServerManifest Restore(ServerManifest manifest, ServerManifest? before)
    {
        var kept = (before is null ? [] : Of(before)).Where(entry => entry.Value is not null).ToLookup(entry => entry.Key, StringComparer.Ordinal);
        return Map(manifest, entry =>
        {
            if (entry.Unknown?.TryGetValue(ManifestJson.ValueSet, out var set) is not true)
            {
                return entry;
            }

            var was = entry.Value is null && set.ValueKind == JsonValueKind.True ? kept[entry.Key].ToList() : [];
            return entry with { Value = entry.Value ?? was.FirstOrDefault()?.Value, Sensitive = entry.Sensitive || was.Exists(one => one.Sensitive), Unknown = With(entry.Unknown, null) };
        });
    }

    private static ServerManifest Map(ServerManifest manifest, Func<ManifestValue, ManifestValue> map) => manifest with
    {
        Env = [.. manifest.Env.Select(map)],
        Headers = [.. manifest.Headers.Select(map)],
        MultiUserConfig = manifest.MultiUserConfig is null ? null : manifest.MultiUserConfig with { UserDefinedHeaders = [.. manifest.MultiUserConfig.UserDefinedHeaders.Select(map)] },
        RemoteConfig = manifest.RemoteConfig is null ? null : manifest.RemoteConfig with { Headers = [.. manifest.RemoteConfig.Headers.Select(map)] },
    };

    private static Dictionary<string, JsonElement>? With(IDictionary<string, JsonElement>? unknown, bool? valueSet)
    {
        var copy = new Dictionary<string, JsonElement>(unknown ?? new Dictionary<string, JsonElement>(StringComparer.Ordinal), StringComparer.Ordinal);
        copy.Remove(ManifestJson.ValueSet);
        if (valueSet is { } set)
        {
            copy[ManifestJson.ValueSet] = JsonSerializer.SerializeToElement(set);
        }

        return copy.Count == 0 ? null : copy;
    }
}
