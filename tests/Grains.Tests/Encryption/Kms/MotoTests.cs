using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Amazon.Runtime;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Encryption;
using Obot.Grains.Encryption.Aws;
using Obot.Grains.Encryption.Keys;
using Obot.SystemTests.Rig;

namespace Obot.Grains.Tests.Encryption.Kms;

/// <summary>AWS KMS as others wrote it: moto, from a newer release of Debian in a chroot. Disabled keys and permissions are for the stub: moto ignores both.</summary>
public sealed class MotoTests
{
    private static readonly TimeSpan BuildLimit = TimeSpan.FromMinutes(8);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task DataKeys_WrappedByMoto_OpenForTheirContextAloneAndAfterTheKmsRotated()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("OBOT_TEST_ALL") is not null, "OBOT_TEST_ALL is not set: AWS KMS by moto was left out");
        var root = (await ProcessRunner.RunAsync(Path.Combine(Repository.Root, "tests", "parts", "trixie.sh"), ["python3-moto", "python3-flask", "python3-flask-cors"], BuildLimit)).Checked().Output.Trim();
        var port = FreePort();
        using var moto = Process.Start(new ProcessStartInfo("chroot", [root, "moto_server", "-H", "127.0.0.1", "-p", $"{port}"]) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true })!;
        try
        {
            var url = $"http://127.0.0.1:{port}";
            using var http = new HttpClient { BaseAddress = new(url) };
            await UpAsync(http);
            var (one, two) = (await CreateKeyAsync(http), await CreateKeyAsync(http));
            var wrappers = Wrappers(url, one);
            byte[] key = [.. Enumerable.Range(1, 32).Select(number => (byte)number)];
            var wrapped = await wrappers.WrapAsync(key, "one", default);
            Assert.Equal(key, await wrappers.UnwrapAsync("aws", wrapped, "one", default));

            // another data key's row, a changed byte, a key that does not exist
            await Assert.ThrowsAsync<KeyServiceDeniedException>(() => wrappers.UnwrapAsync("aws", wrapped, "two", default));
            byte[] damaged = [.. wrapped.Bytes];
            damaged[^1] ^= 1;
            await Assert.ThrowsAsync<KeyServiceDeniedException>(() => wrappers.UnwrapAsync("aws", wrapped with { Bytes = damaged }, "one", default));
            var missing = await Assert.ThrowsAsync<KeyServiceDeniedException>(() => Wrappers(url, "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000").WrapAsync(key, "one", default));
            Assert.Contains("00000000", missing.Message, StringComparison.Ordinal);

            // rotation inside the KMS, then a move to another key
            using var rotation = await CallAsync(http, "EnableKeyRotation", new { KeyId = one.Split('/')[^1] });
            Assert.True(rotation.IsSuccessStatusCode, await rotation.Content.ReadAsStringAsync());
            Assert.Equal(key, await wrappers.UnwrapAsync("aws", wrapped, "one", default));
            Assert.Equal(key, await Wrappers(url, two, one).UnwrapAsync("aws", wrapped, "one", default));
            await Assert.ThrowsAsync<KeyServiceDeniedException>(() => Wrappers(url, two).UnwrapAsync("aws", wrapped, "one", default));
        }
        finally
        {
            moto.Kill(entireProcessTree: true);
            await moto.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static KeyWrappers Wrappers(string url, string key, params string[] previous)
    {
        var options = new EncryptionOptions.AwsOptions { KeyId = key, Region = "eu-central-1", Endpoint = url };
        Array.ForEach(previous, options.PreviousKeys.Add);
        return new([new AwsKeyWrapper(options, StartLimit, new BasicAWSCredentials("AKTEST", "secret"))], Options.Create(new EncryptionOptions { Provider = "aws" }), TimeProvider.System);
    }

    private static async Task UpAsync(HttpClient http)
    {
        using var limit = new CancellationTokenSource(StartLimit);
        while (true)
        {
            try
            {
                using var answer = await CallAsync(http, "ListKeys", new { });
                return;
            }
            catch (HttpRequestException) when (!limit.IsCancellationRequested)
            {
                await Task.Delay(200, limit.Token);
            }
        }
    }

    private static async Task<string> CreateKeyAsync(HttpClient http)
    {
        using var answer = await CallAsync(http, "CreateKey", new { });
        return JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync()).GetProperty("KeyMetadata").GetProperty("Arn").GetString()!;
    }

    private static async Task<HttpResponseMessage> CallAsync(HttpClient http, string operation, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = JsonContent.Create(body, new System.Net.Http.Headers.MediaTypeHeaderValue("application/x-amz-json-1.1"), JsonSerializerOptions.Default) };
        request.Headers.TryAddWithoutValidation("X-Amz-Target", $"TrentService.{operation}");
        request.Headers.TryAddWithoutValidation("Authorization", "AWS4-HMAC-SHA256 Credential=AKTEST/20260101/eu-central-1/kms/aws4_request, SignedHeaders=host, Signature=0");
        return await http.SendAsync(request);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
