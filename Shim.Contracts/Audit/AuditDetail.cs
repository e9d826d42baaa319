namespace Obot.Shim.Contracts.Audit;

/// <summary>Bodies and headers of one call: what only auditors read. Bodies may be shorter than what was sent; the record has the true lengths.</summary>
public sealed record AuditDetail(
    IReadOnlyList<KeyValuePair<string, string>> RequestHeaders,
    IReadOnlyList<KeyValuePair<string, string>> ResponseHeaders,
    ReadOnlyMemory<byte> RequestBody,
    ReadOnlyMemory<byte> ResponseBody)
{
    /// <summary>Reads <see cref="AuditRecord.Detail"/>.</summary>
    public static AuditDetail Read(ReadOnlyMemory<byte> detail)
    {
        var request = new List<KeyValuePair<string, string>>();
        var response = new List<KeyValuePair<string, string>>();
        ReadOnlyMemory<byte> requestBody = default, responseBody = default;
        while (Frames.TryTake(ref detail, out var tag, out var content))
        {
            switch (tag)
            {
                case AuditTags.RequestHeader:
                    request.Add(Pair(content));
                    break;
                case AuditTags.ResponseHeader:
                    response.Add(Pair(content));
                    break;
                case AuditTags.RequestBody:
                    requestBody = content;
                    break;
                case AuditTags.ResponseBody:
                    responseBody = content;
                    break;
            }
        }

        return new(request, response, requestBody, responseBody);
    }

    private static KeyValuePair<string, string> Pair(ReadOnlyMemory<byte> content)
    {
        Frames.TryTake(ref content, out _, out var name);
        Frames.TryTake(ref content, out _, out var value);
        return new(Frames.Text(name), Frames.Text(value));
    }
}
