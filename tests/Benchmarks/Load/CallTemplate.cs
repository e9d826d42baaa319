using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Benchmarks.Load;

/// <summary>The bytes of one <c>tools/call</c> of the modern era with about 1 KB of text; only its id changes.</summary>
internal sealed class CallTemplate
{
    private const string IdInPlace = "1000000000";
    private const int TextLength = 1000;

    private readonly byte[] bytes;
    private readonly int idAt;

    public CallTemplate(Uri url, string? key)
    {
        var body = $$$"""{"jsonrpc":"2.0","id":{{{IdInPlace}}},"method":"tools/call","params":{"name":"echo","arguments":{"text":"{{{new string('x', TextLength)}}}"},"_meta":{"io.modelcontextprotocol/protocolVersion":"{{{McpVersions.Modern}}}","io.modelcontextprotocol/clientCapabilities":{} } } }""";
        var head = new StringBuilder()
            .Append(CultureInfo.InvariantCulture, $"POST {url.PathAndQuery} HTTP/1.1\r\nHost: {url.Authority}\r\n")
            .Append("Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n")
            .Append(CultureInfo.InvariantCulture, $"{McpHeaders.ProtocolVersion}: {McpVersions.Modern}\r\n{McpHeaders.Method}: tools/call\r\n{McpHeaders.Name}: echo\r\n")
            .Append(key is null ? "" : $"Authorization: Bearer {key}\r\n")
            .Append(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n\r\n").ToString();
        bytes = Encoding.ASCII.GetBytes(head + body);
        idAt = head.Length + body.IndexOf(IdInPlace, StringComparison.Ordinal);
    }

    public byte[] Copy() => (byte[])bytes.Clone();

    /// <summary>Puts an id of ten digits into a copy and returns it as it has to come back.</summary>
    public ReadOnlySpan<byte> SetId(byte[] copy, long id)
    {
        var place = copy.AsSpan(idAt, IdInPlace.Length);
        Utf8.TryWrite(place, CultureInfo.InvariantCulture, $"{id}", out _);
        return place;
    }
}
