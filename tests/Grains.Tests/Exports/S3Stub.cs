using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Obot.Grains.Tests.Exports;

/// <summary>What of S3's protocol an export needs, path style, with the faults that a test asks for. The client is the vendor's own.</summary>
internal sealed class S3Stub : IAsyncDisposable
{
    public const string Bucket = "audit";
    public const string Key = "AKIATESTS";
    private readonly WebApplication app;

    private S3Stub()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        app = builder.Build();
        app.Run(AnswerAsync);
    }

    public ConcurrentDictionary<string, byte[]> Objects { get; } = new(StringComparer.Ordinal);

    /// <summary>Headers of the last PUT.</summary>
    public IReadOnlyDictionary<string, string>? LastPut { get; private set; }

    /// <summary>PUTs that are answered 503 first.</summary>
    public int Busy { get; set; }

    /// <summary>Refuses checksums in trailers, as older storage does.</summary>
    public bool IsOld { get; set; }

    /// <summary>After the object of this number is kept, the answer never comes.</summary>
    public int? HangAfter { get; set; }

    /// <summary>Reached when an answer does not come.</summary>
    public TaskCompletionSource Hanging { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Url => app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    public static async Task<S3Stub> StartAsync()
    {
        var stub = new S3Stub();
        await stub.app.StartAsync();
        return stub;
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var authorization = context.Request.Headers.Authorization.ToString();
        var path = context.Request.Path.Value!.TrimStart('/').Split('/', 2);
        using var buffer = new MemoryStream();
        await context.Request.Body.CopyToAsync(buffer);
        if (!authorization.Contains($"Credential={Key}/", StringComparison.Ordinal))
        {
            await RefuseAsync(context, 403, "InvalidAccessKeyId");
        }
        else if (path[0] != Bucket)
        {
            await RefuseAsync(context, 404, "NoSuchBucket");
        }
        else if (HttpMethods.IsPut(context.Request.Method))
        {
            await PutAsync(context, path[1], buffer.ToArray());
        }
        else if (HttpMethods.IsDelete(context.Request.Method))
        {
            Objects.TryRemove(path[1], out _);
            context.Response.StatusCode = 204;
        }
        else if (Objects.TryGetValue(path[1], out var content))
        {
            await context.Response.Body.WriteAsync(content);
        }
        else
        {
            await RefuseAsync(context, 404, "NoSuchKey");
        }
    }

    private async Task PutAsync(HttpContext context, string key, byte[] body)
    {
        LastPut = context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        var mode = context.Request.Headers["x-amz-content-sha256"].ToString();
        if (IsOld && mode.EndsWith("-TRAILER", StringComparison.Ordinal))
        {
            await RefuseAsync(context, 400, "XAmzContentSHA256Mismatch");
            return;
        }

        if (Busy > 0)
        {
            Busy--;
            await RefuseAsync(context, 503, "SlowDown");
            return;
        }

        Objects[key] = mode.StartsWith("STREAMING-", StringComparison.Ordinal) ? Unchunk(body) : body;
        if (HangAfter == Objects.Count)
        {
            Hanging.TrySetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static byte[] Unchunk(byte[] body)
    {
        using var content = new MemoryStream();
        var rest = body.AsSpan();
        while (rest.IndexOf("\r\n"u8) is var end and >= 0)
        {
            var size = int.Parse(Encoding.ASCII.GetString(rest[..end]).Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (size == 0)
            {
                break;
            }

            content.Write(rest.Slice(end + 2, size));
            rest = rest[(end + 2 + size + 2)..];
        }

        return content.ToArray();
    }

    private static Task RefuseAsync(HttpContext context, int status, string code)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/xml";
        return context.Response.WriteAsync($"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{code} of the stub</Message><RequestId>1</RequestId></Error>");
    }
}
