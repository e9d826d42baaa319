using System.Collections.Concurrent;
using System.Text.Json;

namespace Obot.Shim.Guard.Audit;

/// <summary>Who a client says that it is (<c>clientInfo</c>).</summary>
internal sealed record ClientName(string? Name, string? Version)
{
    private const int MaxLength = 100;

    /// <summary>The first product of <c>User-Agent</c> (RFC 9110, 10.1.5), for clients that never said; null where there is none.</summary>
    public static ClientName? OfUserAgent(string? userAgent)
    {
        var product = userAgent.AsSpan().Trim();
        if (product.IndexOf(' ') is >= 0 and var blank)
        {
            product = product[..blank];
        }

        if (product.IsEmpty || product.Length > MaxLength)
        {
            return null;
        }

        var slash = product.IndexOf('/');
        return slash <= 0 ? new(product.ToString(), null) : new(product[..slash].ToString(), product[(slash + 1)..].ToString());
    }

    /// <summary>Null for what is no <c>Implementation</c>.</summary>
    public static ClientName? Read(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            string? name = null, version = null;
            reader.Read();
            while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
            {
                var (isName, isVersion) = (reader.ValueTextEquals("name"u8), reader.ValueTextEquals("version"u8));
                reader.Read();
                name = isName && reader.TokenType is JsonTokenType.String ? Cut(reader.GetString()!) : name;
                version = isVersion && reader.TokenType is JsonTokenType.String ? Cut(reader.GetString()!) : version;
                reader.Skip();
            }

            return name is null ? null : new(name, version);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string Cut(string text) => text.Length > MaxLength ? text[..MaxLength] : text;
}

/// <summary>
/// The clients of one instance: what a modern one repeats with every request is parsed once, what a legacy one said at <c>initialize</c> is
/// remembered by its session. Bounded: of two full halves the older one is forgotten.
/// </summary>
internal sealed class ClientNames
{
    private const int MaxForms = 1000;
    private const int MaxHalf = 5000;

    private readonly ConcurrentDictionary<ulong, (byte[] Json, ClientName? Name)> forms = new();
    private ConcurrentDictionary<string, ClientName> recent = new(StringComparer.Ordinal);
    private ConcurrentDictionary<string, ClientName> older = new(StringComparer.Ordinal);

    /// <param name="json">The object as the client wrote it.</param>
    public ClientName? Of(ReadOnlySpan<byte> json)
    {
        var hash = Hash(json);
        if (forms.TryGetValue(hash, out var known) && json.SequenceEqual(known.Json))
        {
            return known.Name;
        }

        var name = ClientName.Read(json);
        if (forms.Count >= MaxForms)
        {
            forms.Clear();
        }

        forms[hash] = (json.ToArray(), name);
        return name;
    }

    public void Remember(string session, ClientName name)
    {
        recent[session] = name;
        if (recent.Count >= MaxHalf)
        {
            older = Interlocked.Exchange(ref recent, new(StringComparer.Ordinal));
        }
    }

    public ClientName? OfSession(string session)
    {
        if (recent.TryGetValue(session, out var name))
        {
            return name;
        }

        if (older.TryGetValue(session, out name))
        {
            Remember(session, name);
        }

        return name;
    }

    // FNV-1a
    private static ulong Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in bytes)
        {
            hash = (hash ^ b) * 1099511628211UL;
        }

        return hash;
    }
}
