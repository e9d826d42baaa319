using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Obot.Grains.Encryption.Keys;

namespace Obot.Grains.Tests.Encryption.Kms;

/// <summary>How the service behaves just now.</summary>
public enum KmsMood
{
    Good,
    Disabled,
    Denied,
    Throttled,

    /// <summary>Throttled twice, then good.</summary>
    BusyForAMoment,
    Slow,
    Broken,
}

/// <summary>A key service on a port of its own that speaks its provider's protocol and really encrypts.</summary>
internal abstract class KmsStub : IAsyncDisposable
{
    private readonly X509Certificate2 certificate = Certificate();
    private readonly WebApplication app;
    private int busy;

    protected KmsStub(bool tls)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (tls)
            {
                listen.UseHttps(certificate);
            }
        }));
        if (tls)
        {
            builder.WebHost.UseKestrelHttpsConfiguration();
        }

        app = builder.Build();
        app.Run(async context =>
        {
            Requests++;
            if (Mood == KmsMood.Slow)
            {
                await Task.Delay(TimeSpan.FromSeconds(30), context.RequestAborted);
            }

            using var reader = new StreamReader(context.Request.Body);
            await AnswerAsync(context, await reader.ReadToEndAsync());
        });
    }

    public KmsMood Mood { get; set; }

    public int Requests { get; private set; }

    public string Url => app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>Believes this service's certificate and no other.</summary>
    public X509ChainPolicy Trust => new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { certificate }, RevocationMode = X509RevocationMode.NoCheck };

    /// <summary>The adapter under test, looking here.</summary>
    public abstract IKeyWrapper Wrapper();

    public async Task<KmsStub> StartAsync()
    {
        await app.StartAsync();
        return this;
    }

    public async Task StopAsync() => await app.StopAsync(new CancellationToken(canceled: true));

    public ValueTask DisposeAsync() => app.DisposeAsync();

    /// <summary>The mood of this request.</summary>
    protected KmsMood Now() => Mood == KmsMood.BusyForAMoment ? (busy++ < 2 ? KmsMood.Throttled : KmsMood.Good) : Mood;

    protected abstract Task AnswerAsync(HttpContext context, string body);

    protected static Task Json(HttpContext context, int status, JsonObject body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body.ToJsonString());
    }

    /// <summary>AES-GCM: what symmetric services do.</summary>
    protected static byte[] Seal(byte[] key, byte[] plain, string associated)
    {
        var sealed_ = new byte[12 + plain.Length + 16];
        RandomNumberGenerator.Fill(sealed_.AsSpan(0, 12));
        using var cipher = new AesGcm(key, 16);
        cipher.Encrypt(sealed_.AsSpan(0, 12), plain, sealed_.AsSpan(12, plain.Length), sealed_.AsSpan(^16..), Encoding.UTF8.GetBytes(associated));
        return sealed_;
    }

    /// <summary>Null where the tag does not fit.</summary>
    protected static byte[]? Open(byte[] key, byte[] sealed_, string associated)
    {
        try
        {
            var plain = new byte[sealed_.Length - 28];
            using var cipher = new AesGcm(key, 16);
            cipher.Decrypt(sealed_.AsSpan(0, 12), sealed_.AsSpan(12..^16), sealed_.AsSpan(^16..), plain, Encoding.UTF8.GetBytes(associated));
            return plain;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    private static X509Certificate2 Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        var request = new CertificateRequest("CN=stub", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var made = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), password: null);
    }
}
