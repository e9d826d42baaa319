using System.Globalization;

namespace Obot.Silo.Postgres;

/// <summary>Settings for a small machine; durability is PostgreSQL's default (fsync and synchronous commit on).</summary>
internal static class PostgresSettings
{
    public static string Text(int port) => string.Create(CultureInfo.InvariantCulture, $"""
        # Written by obot at every start.
        port = {port}
        listen_addresses = '127.0.0.1'
        unix_socket_directories = ''
        shared_buffers = 64MB
        max_connections = 200
        wal_level = minimal
        max_wal_senders = 0
        max_wal_size = 512MB
        jit = off
        timezone = 'UTC'
        log_timezone = 'UTC'
        log_min_messages = warning

        """);

    public static int ReadPort(string text)
    {
        var line = text.Split('\n').FirstOrDefault(line => line.StartsWith("port = ", StringComparison.Ordinal));
        return line is not null && int.TryParse(line.AsSpan("port = ".Length), CultureInfo.InvariantCulture, out var port) ? port : 0;
    }
}
