using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Obot.Data;

namespace Obot.Grains.Tests.Encryption;

/// <summary>A database of one test.</summary>
internal sealed class TestDatabase(ServiceProvider services) : IAsyncDisposable
{
    public NpgsqlDataSource DataSource => services.GetRequiredService<NpgsqlDataSource>();

    public IDbContextFactory<ObotDb> Databases => services.GetRequiredService<IDbContextFactory<ObotDb>>();

    public static async Task<TestDatabase> CreateAsync(Postgres postgres) => new(await postgres.CreateDatabaseAsync());

    public ValueTask DisposeAsync() => services.DisposeAsync();

#pragma warning disable CA2100
    public async Task ExecuteAsync(string sql, params object[] parameters)
    {
        await using var command = DataSource.CreateCommand(sql);
        foreach (var value in parameters)
        {
            command.Parameters.Add(new() { Value = value });
        }

        await command.ExecuteNonQueryAsync();
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = DataSource.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Tables in which the text is found: as it is, in hexadecimal, or in Base64 at any alignment.</summary>
    public async Task<IReadOnlyList<string>> TablesWithAsync(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        string[] forms =
        [
            text,
            Convert.ToHexStringLower(bytes),
            .. Enumerable.Range(0, 3).Select(shift => Convert.ToBase64String([.. new byte[shift], .. bytes]).TrimEnd('=')[(((shift * 8) + 5) / 6)..^2]),
        ];
        var found = new List<string>();
        foreach (var table in await ColumnAsync("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        {
            var rows = await ColumnAsync($"SELECT t::text FROM \"{table}\" t");
            if (rows.Any(row => forms.Any(form => row.Contains(form, StringComparison.Ordinal))))
            {
                found.Add(table);
            }
        }

        return found;
    }

    private async Task<List<string>> ColumnAsync(string sql)
    {
        await using var command = DataSource.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var all = new List<string>();
        while (await reader.ReadAsync())
        {
            all.Add(reader.GetString(0));
        }

        return all;
    }
#pragma warning restore CA2100
}
