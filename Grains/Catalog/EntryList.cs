using Npgsql;
using NpgsqlTypes;
using Obot.Grains.Abstractions.Catalog;

namespace Obot.Grains.Catalog;

/// <summary>Pages of entries: by name, or by how well they fit what was searched for.</summary>
internal sealed class EntryList(NpgsqlDataSource database, SearchIndex index)
{
    private const string Visible =
        """
        ($1 OR e.owner_id = $2 OR e.id = ANY($3) OR e.catalog_id = ANY($4))
        AND ($5::text[] IS NULL OR e.id = ANY($5) OR EXISTS (SELECT FROM mcp_servers s WHERE s.catalog_entry_id = e.id AND s.id = ANY($5)))
        AND ($6::text IS NULL OR e.catalog_id = $6) AND ($7::text IS NULL OR EXISTS (SELECT FROM unnest(e.categories) c WHERE lower(c) = lower($7)))
        AND ($8::text IS NULL OR e.runtime = $8) AND ($9 OR e.removed_at IS NULL)
        """;

    /// <returns>Ids and keys of one page and, if there is one, of the first item after it.</returns>
    public async Task<IReadOnlyList<EntryCursor>> PageAsync(EntrySight sight, EntryQuery query, int limit, EntryCursor? after, CancellationToken cancellationToken)
    {
        var search = query.Search?.Trim() is { Length: > 0 } text ? text : null;
        await using var command = database.CreateCommand();
        command.CommandTimeout = 10;
#pragma warning disable CA2100 // constants of this file; what people typed is in parameters
        command.CommandText = search is null ? ByName : await index.HasTrigramsAsync(cancellationToken) ? ByScore(Similarity, AlikeByTrigram) : ByScore("0", Alike);
#pragma warning restore CA2100
        command.Parameters.Add(new() { Value = sight.All });
        command.Parameters.Add(new() { Value = sight.OwnerId });
        command.Parameters.Add(new() { Value = sight.EntryIds });
        command.Parameters.Add(new() { Value = sight.CatalogIds });
        Optional(command, sight.Reach, NpgsqlDbType.Array | NpgsqlDbType.Text);
        Optional(command, query.CatalogId, NpgsqlDbType.Text);
        Optional(command, query.Category, NpgsqlDbType.Text);
        Optional(command, query.Runtime, NpgsqlDbType.Text);
        command.Parameters.Add(new() { Value = query.Removed });
        command.Parameters.Add(new() { Value = limit + 1 });
        Optional(command, after?.Id, NpgsqlDbType.Text);
        if (search is null)
        {
            Optional(command, after?.Key, NpgsqlDbType.Text);
        }
        else
        {
            Optional(command, after?.Score, NpgsqlDbType.Bigint);
            command.Parameters.Add(new() { Value = search });
            command.Parameters.Add(new() { Value = LikePattern.Containing(search, 200, "search") });
        }

        var found = new List<EntryCursor>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add(new(search is null ? reader.GetString(1) : reader.GetInt64(1).ToString(System.Globalization.CultureInfo.InvariantCulture), reader.GetString(0)));
        }

        return found;
    }

    private const string ByName =
        $"""
        SELECT e.id, lower(e.name) FROM mcp_catalog_entries e
        WHERE {Visible} AND ($11::text IS NULL OR (lower(e.name), e.id) > ($12, $11)) ORDER BY lower(e.name), e.id LIMIT $10
        """;

    private const string Alike = "";
    private const string AlikeByTrigram = " OR word_similarity($13, e.name) >= 0.4";
    private const string Similarity = "word_similarity($13, e.name)";

    /// <summary>A name that is meant comes before one that is like it, and that before a word somewhere in a description.</summary>
    private static string ByScore(string similarity, string alike) =>
        $"""
        SELECT id, score FROM (
            SELECT e.id, (1e6 * ((lower(e.name) = lower($13))::int * 4 + (e.name ILIKE $14)::int * 2 + {similarity} + ts_rank(e.search, websearch_to_tsquery('english', $13))))::bigint AS score
            FROM mcp_catalog_entries e
            WHERE {Visible} AND (e.search @@ websearch_to_tsquery('english', $13) OR e.name ILIKE $14 OR e.short_description ILIKE $14{alike})) found
        WHERE $11::text IS NULL OR score < $12 OR (score = $12 AND id > $11) ORDER BY score DESC, id LIMIT $10
        """;

    private static void Optional(NpgsqlCommand command, object? value, NpgsqlDbType type) =>
        command.Parameters.Add(new() { Value = value ?? DBNull.Value, NpgsqlDbType = type });
}
