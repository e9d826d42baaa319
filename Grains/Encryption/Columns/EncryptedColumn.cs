using Npgsql;
using NpgsqlTypes;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Storage;

namespace Obot.Grains.Encryption.Columns;

/// <summary>How a column holds ciphertext.</summary>
internal enum ColumnForm
{
    /// <summary><c>bytea</c>.</summary>
    Bytes,

    /// <summary><c>text</c>, Base64.</summary>
    Text,

    /// <summary><c>jsonb</c>: a string, Base64. Whatever else it holds is plaintext.</summary>
    Json,
}

/// <summary>
/// A column of ciphertext, for whoever has to find values under another key than the present one. The place of a value is
/// (<see cref="Table"/>, id, <see cref="Column"/>).
/// </summary>
/// <param name="Key">Columns of the primary key, in its order.</param>
/// <param name="Id">From the key's values to the place's id; null where the key is one text.</param>
internal sealed record EncryptedColumn(string Table, string Column, ColumnForm Form, IReadOnlyList<string> Key, Func<object[], string>? Id = null)
{
    /// <summary>What there is; a part that encrypts another column adds it here.</summary>
    public static IReadOnlyList<EncryptedColumn> All { get; } =
    [
        new("cluster_keys", "material", ColumnForm.Bytes, ["id"]),
        new("users", "email", ColumnForm.Bytes, ["id"]),
        new("auth_providers", "secret", ColumnForm.Bytes, ["id"]),
        new("data_protection_keys", "xml", ColumnForm.Text, ["id"]),
        new("mcp_servers", "manifest", ColumnForm.Json, ["id"]),
        new("storage_credentials", "secret", ColumnForm.Text, ["id"]),
        new("mcp_catalogs", "credentials", ColumnForm.Text, ["id"]),
        new("mcp_catalog_entries", "manifest", ColumnForm.Json, ["id"]),
        new("mcp_webhook_validations", "secret", ColumnForm.Text, ["id"]),
        new("model_providers", "secret", ColumnForm.Bytes, ["id"]),
        new("mcp_server_values", "values", ColumnForm.Text, ["instance"]),
        new("third_party_clients", "client_secret", ColumnForm.Bytes, ["server_id", "kind"], key => $"{key[0]}/{key[1]}"),
        new("projects", "instructions", ColumnForm.Bytes, ["id"]),
        new("conversations", "title", ColumnForm.Bytes, ["id"]),
        new("conversation_messages", "summary", ColumnForm.Bytes, ["conversation_id", "id"], key => $"{key[0]}/{key[1]}"),
        new("conversation_parts", "content", ColumnForm.Bytes, ["conversation_id", "id"], key => $"{key[0]}/{key[1]}"),
        new("tasks", "prompt", ColumnForm.Bytes, ["id"]),
        new("task_runs", "prompt", ColumnForm.Bytes, ["id"]),
        new(GrainPlace.Table, GrainPlace.Field, ColumnForm.Bytes, ["service_id", "state_name", "key_text", "key_n0", "key_n1"], GrainPlace.IdOf),
    ];

    public string Name => $"{Table}.{Column}";

    private string Quoted => $"\"{Column}\"";

    private string Value => Form == ColumnForm.Json ? $"{Quoted} #>> '{{}}'" : Quoted;

    /// <summary>$1 is <see cref="Prefix"/>.</summary>
    private string IsOther => Form == ColumnForm.Bytes ? $"substring({Quoted} from 1 for {SealedFormat.Prefix}) <> $1" : $"left({Value}, 16) <> $1";

    private string KeyList => string.Join(", ", Key.Select(name => $"\"{name}\""));

    public SecretPlace PlaceOf(object[] key) => new(Table, Id?.Invoke(key) ?? (string)key[0], Column);

    /// <summary>Rows with a value, and how many of them are plaintext or under another data key than <paramref name="key"/>.</summary>
    public NpgsqlCommand Count(ulong key) =>
        new($"SELECT count({Quoted}), count(*) FILTER (WHERE {IsOther}) FROM {Table}") { Parameters = { Prefix(key) } };

    /// <summary>The next of those rows: the key's columns, then the value.</summary>
    /// <param name="after">Key of the last row before, or null.</param>
    public NpgsqlCommand Next(ulong key, object[]? after, int limit)
    {
        var from = after is null ? "" : $" AND ({KeyList}) > ({string.Join(", ", after.Select((_, i) => $"${i + 2}"))})";
        var command = new NpgsqlCommand($"SELECT {KeyList}, {Value} FROM {Table} WHERE {IsOther}{from} ORDER BY {KeyList} LIMIT {limit}") { Parameters = { Prefix(key) } };
        foreach (var value in after ?? [])
        {
            command.Parameters.Add(new() { Value = value });
        }

        return command;
    }

    /// <summary>Puts the new value where the row still has the old one; changes no version, because the value is the same.</summary>
    public NpgsqlCommand Replace(object[] key, object before, byte[] after)
    {
        var where = string.Join(" AND ", Key.Select((name, i) => $"\"{name}\" = ${i + 3}"));
        var set = Form == ColumnForm.Json ? "to_jsonb($1::text)" : "$1";
        var command = new NpgsqlCommand($"UPDATE {Table} SET {Quoted} = {set} WHERE {where} AND {Value} = $2")
        {
            Parameters = { new() { Value = Form == ColumnForm.Bytes ? after : Convert.ToBase64String(after) }, new() { Value = before } },
        };
        foreach (var value in key)
        {
            command.Parameters.Add(new() { Value = value });
        }

        return command;
    }

    private NpgsqlParameter Prefix(ulong key) => Form == ColumnForm.Bytes
        ? new() { Value = SealedFormat.PrefixOf(key), NpgsqlDbType = NpgsqlDbType.Bytea }
        : new() { Value = Convert.ToBase64String(SealedFormat.PrefixOf(key)), NpgsqlDbType = NpgsqlDbType.Text };
}
