using System.Globalization;
using Npgsql;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Audit;
using Obot.Shim.Contracts.Audit;

namespace Obot.Grains.Audit;

/// <summary>A search as SQL: conditions with parameters, everything of the user's in the parameters.</summary>
internal sealed class AuditConditions
{
    private const int MaxText = 200;
    private const string Metadata = "concat_ws(' ', method, identifier, error, client_name, client_version, user_id, server_id, session_id, trace_id, client_ip)";

    private readonly List<string> all = [];
    private readonly List<object> values = [];

    /// <exception cref="InvalidInputException">A condition that cannot be.</exception>
    public static async Task<AuditConditions> OfAsync(AuditQuery query, string[]? servers, AuditSight sight, CancellationToken cancellationToken)
    {
        var conditions = new AuditConditions();
        if (servers is not null)
        {
            conditions.Add("server_id = ANY({0})", (object)servers);
        }

        conditions.Equal("server_id", query.McpServerId);
        conditions.Equal("user_id", query.UserId);
        conditions.Equal("method", query.Method);
        conditions.Equal("identifier", query.Identifier);
        conditions.Equal("session_id", AuditSession.Of(query.SessionId));
        if (query.Client is { Length: > 0 } client)
        {
            conditions.Add("(lower(client_name) = {0} OR lower(client_name || '/' || client_version) = {0})", client.ToLowerInvariant());
        }

        conditions.Status(query.Status);
        if (query.Text is { Length: > 0 } text)
        {
            var pattern = LikePattern.Containing(text, MaxText, "query");
            var (users, named) = await sight.NamedLikeAsync(pattern, cancellationToken);
            conditions.Add($"({Metadata} ILIKE {{0}}{(users.Length > 0 ? " OR user_id = ANY({1})" : "")}{(named.Length > 0 ? " OR server_id = ANY({2})" : "")})", pattern, users, named);
        }

        return conditions;
    }

    /// <summary>A statement with these conditions and some more; its own parameters stand before ours, <c>$1</c> and so on.</summary>
    public NpgsqlCommand Command(NpgsqlDataSource source, Func<string, string> sql, params object[] own)
    {
        var where = string.Concat(all.Select(condition => $" AND {condition}"));
        for (var number = values.Count; number >= 1; number--)
        {
            where = where.Replace($"@{number}@", $"${own.Length + number}", StringComparison.Ordinal);
        }

        // the text is made of constants of this subject; what a user said is in the parameters
#pragma warning disable CA2100
        var command = source.CreateCommand(sql(where));
#pragma warning restore CA2100
        foreach (var value in own.Concat(values))
        {
            command.Parameters.Add(new() { Value = value is DateTimeOffset at ? at.UtcDateTime : value });
        }

        return command;
    }

    private void Equal(string column, string? value)
    {
        if (value is { Length: > 0 })
        {
            Add($"{column} = {{0}}", value.Replace('\0', ' '));
        }
    }

    private void Status(string? status)
    {
        switch (status)
        {
            case null or "":
                break;
            case "ok":
                all.Add("error IS NULL");
                break;
            case "error":
                all.Add("error IS NOT NULL");
                break;
            case [>= '1' and <= '5' and var digit, 'x' or 'X', 'x' or 'X']:
                var from = (short)((digit - '0') * 100);
                Add("status >= {0} AND status < {1}", from, (short)(from + 100));
                break;
            default:
                Add(
                    "status = {0}",
                    short.TryParse(status, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 100 and <= 599
                        ? number
                        : throw new InvalidInputException("status", "Must be an HTTP status (403), a class of them (4xx), 'ok' or 'error'."));
                break;
        }
    }

    /// <summary>Only the parameters that the text mentions are sent: PostgreSQL could not tell the type of another.</summary>
    private void Add(string condition, params object[] parameters)
    {
        for (var i = 0; i < parameters.Length; i++)
        {
            if (condition.Contains($"{{{i}}}", StringComparison.Ordinal))
            {
                values.Add(parameters[i]);
                condition = condition.Replace($"{{{i}}}", $"@{values.Count}@", StringComparison.Ordinal);
            }
        }

        all.Add(condition);
    }
}
