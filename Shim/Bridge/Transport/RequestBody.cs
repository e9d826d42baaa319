using System.Buffers;

namespace Obot.Shim.Bridge.Transport;

internal static class RequestBody
{
    /// <summary>The whole body with one byte to spare at its end; null when it is longer than allowed.</summary>
    public static async ValueTask<byte[]?> ReadAsync(HttpRequest request, long maxBytes, CancellationToken cancellationToken)
    {
        if (request.ContentLength > maxBytes)
        {
            return null;
        }

        if (request.ContentLength is { } length)
        {
            var body = GC.AllocateUninitializedArray<byte>(checked((int)length + 1));
            await request.Body.ReadExactlyAsync(body.AsMemory(0, (int)length), cancellationToken);
            return body;
        }

        var reader = request.BodyReader;
        while (true)
        {
            var result = await reader.ReadAsync(cancellationToken);
            var buffer = result.Buffer;
            if (buffer.Length > maxBytes)
            {
                reader.AdvanceTo(buffer.End);
                return null;
            }

            if (result.IsCompleted)
            {
                var body = GC.AllocateUninitializedArray<byte>((int)buffer.Length + 1);
                buffer.CopyTo(body);
                reader.AdvanceTo(buffer.End);
                return body;
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }
}
