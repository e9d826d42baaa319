using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Shim.Tests.Guard;

/// <summary>A guard of many instances as a process of its own, started as its host starts it.</summary>
public sealed class PooledGuardTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly HttpClient client = new() { Timeout = Patience };
    private WebApplication? server;
    private Process? guard;
    private Uri? url;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        server = builder.Build();
        server.Urls.Add("http://127.0.0.1:0");
        server.Run(context => TestGuard.WriteAsync(
            context,
            $$$"""{"jsonrpc":"2.0","id":1,"result":{"path":"{{{context.Request.Path}}}","headers":{{{context.Request.Headers.Count(header => header.Key is ObotHeaders.Assertion or ObotHeaders.Instance)}}}}}"""));
        await server.StartAsync(Cancellation);

        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Obot.Shim.dll"), "guard", "--pool"])
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true,
        };
        guard = Process.Start(start)!;
        await TellAsync(JsonSerializer.Serialize(new PoolBoot { Listen = "127.0.0.1:0", ControlUrls = ["wss://127.0.0.1:9/control"], ClusterCaPem = Pem(), Credential = "none" }, ShimJson.Default.PoolBoot));
        var ready = await HearAsync();
        Assert.Equal(ShimEvent.Ready, ready.Event);
        url = new(ready.Address!);
    }

    public async ValueTask DisposeAsync()
    {
        guard!.StandardInput.Close();
        await guard.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience, CancellationToken.None);
        Assert.Equal(0, guard.ExitCode);
        guard.Dispose();
        client.Dispose();
        await server!.DisposeAsync();
        key.Dispose();
    }

    [Fact]
    public async Task Instances_OfOneGuard_AreServedApart()
    {
        Assert.Equal(ShimEvent.Attached, (await AttachAsync("one", 1, "ann")).Event);
        Assert.Equal(ShimEvent.Attached, (await AttachAsync("two", 1, "bob")).Event);
        Assert.Equal("""{"jsonrpc":"2.0","id":1,"result":{"path":"/one","headers":0}}""", (await CallAsync("one", "ann")).Body);
        Assert.Contains("/two", (await CallAsync("two", "bob")).Body, StringComparison.Ordinal);

        // each has its own policy, and an assertion of one is none for the other
        Assert.Equal(HttpStatusCode.Forbidden, (await CallAsync("one", "bob")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await CallAsync("one", "ann", audience: "two")).Status);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await CallAsync("three", "ann")).Status);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await CallAsync(instance: null, "ann", audience: "one")).Status);
    }

    [Fact]
    public async Task Generation_Newer_TakesThePlaceAndAnOlderOneDoesNot()
    {
        await AttachAsync("one", 2, "ann");
        Assert.Equal(ShimEvent.Attached, (await AttachAsync("one", 3, "bob")).Event);
        Assert.Equal(HttpStatusCode.OK, (await CallAsync("one", "bob")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await CallAsync("one", "ann")).Status);
        var late = await AttachAsync("one", 1, "ann");
        Assert.Equal((ShimEvent.Refused, 1L), (late.Event, late.Generation));

        await TellAsync(JsonSerializer.Serialize(new PoolOrder { Detach = "one", Generation = 2 }, ShimJson.Default.PoolOrder));
        await AttachAsync("two", 1, "ann");
        Assert.Equal(HttpStatusCode.OK, (await CallAsync("one", "bob")).Status);
        await TellAsync(JsonSerializer.Serialize(new PoolOrder { Detach = "one", Generation = 3 }, ShimJson.Default.PoolOrder));
        await AttachAsync("three", 1, "ann");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await CallAsync("one", "bob")).Status);
    }

    [Fact]
    public async Task Order_ThatCannotBeRead_DisturbsNobody()
    {
        await TellAsync("{not json");
        await TellAsync("""{"attach":{"instance":"one"}}""");
        var refused = await AttachAsync("bad", 1, "ann", keys: "no key set");
        Assert.Equal(ShimEvent.Refused, refused.Event);
        Assert.Equal(ShimEvent.Attached, (await AttachAsync("one", 1, "ann")).Event);
        Assert.Equal(HttpStatusCode.OK, (await CallAsync("one", "ann")).Status);
    }

    private async Task<ShimEvent> AttachAsync(string instance, long generation, string owner, string? keys = null)
    {
        var boot = new GuardBoot
        {
            Instance = instance,
            Generation = generation,
            Listen = "",
            ControlUrls = ["wss://127.0.0.1:9/control"],
            ClusterCaPem = Pem(),
            Credential = "none",
            AssertionKeys = keys ?? KeySet(),
            SessionKey = Convert.ToBase64String(new byte[32]),
            Policy = new() { Owners = [owner] },
            Upstream = new() { Url = $"{server!.Urls.First()}/{instance}" },
        };
        await TellAsync(JsonSerializer.Serialize(new PoolOrder { Attach = boot }, ShimJson.Default.PoolOrder));
        return await HearAsync();
    }

    private async Task TellAsync(string line)
    {
        await guard!.StandardInput.WriteLineAsync(line.AsMemory(), Cancellation);
        await guard.StandardInput.FlushAsync(Cancellation);
    }

    private async Task<ShimEvent> HearAsync() =>
        JsonSerializer.Deserialize((await guard!.StandardOutput.ReadLineAsync(Cancellation).AsTask().WaitAsync(Patience, Cancellation))!, ShimJson.Default.ShimEvent)!;

    private async Task<(HttpStatusCode Status, string Body)> CallAsync(string? instance, string user, string? audience = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(url!, "/mcp"))
        {
            Content = new StringContent("""{"jsonrpc":"2.0","id":1,"method":"tools/list"}""", Encoding.UTF8, "application/json"),
        };
        if (instance is not null)
        {
            request.Headers.Add(ObotHeaders.Instance, instance);
        }

        request.Headers.Add(ObotHeaders.Assertion, new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = "obot",
            Audience = audience ?? instance,
            TokenType = "obot-assertion+jwt",
            Expires = TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(1),
            Claims = new Dictionary<string, object>(StringComparer.Ordinal) { ["sub"] = user, ["role"] = "Basic", ["cid"] = "k1" },
            SigningCredentials = new(new ECDsaSecurityKey(key) { KeyId = "k" }, SecurityAlgorithms.EcdsaSha256),
        }));
        using var response = await client.SendAsync(request, Cancellation);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation));
    }

    private string KeySet()
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        return $$"""{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"k","x":"{{Base64UrlEncoder.Encode(point.X)}}","y":"{{Base64UrlEncoder.Encode(point.Y)}}"}]}""";
    }

    private string Pem()
    {
        var request = new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddMinutes(-1), now.AddHours(1));
        return certificate.ExportCertificatePem();
    }
}
