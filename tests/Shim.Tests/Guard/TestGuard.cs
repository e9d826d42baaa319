using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard;
using Obot.Shim.Guard.Authorization;
using Obot.Shim.Guard.Calls;
using Obot.Shim.Guard.Exchange;
using Obot.Shim.Guard.Filters;
using Obot.Shim.Guard.Forwarding;
using Obot.Shim.Guard.Limits;
using Obot.Shim.Guard.Sessions;

namespace Obot.Shim.Tests.Guard;

/// <summary>The guard's pipeline on a real socket, before a real HTTP server that answers what a test says and remembers what it was asked.</summary>
internal sealed class TestGuard : IAsyncDisposable
{
    public const string Instance = "ms1abc";

    private readonly ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly HttpClient client = new() { Timeout = TimeSpan.FromSeconds(30) };
    private readonly List<IAsyncDisposable> parts = [];
    private Uri? url;

    public FakeTimeProvider Time { get; } = new(TimeProvider.System.GetUtcNow());

    public PolicySnapshot Policy { get; private set; } = null!;

    public Freshness Freshness { get; private set; } = null!;

    /// <summary>Bodies that reached the server.</summary>
    public List<string> Reached { get; } = [];

    /// <summary>What the server answers.</summary>
    public RequestDelegate Answer { get; set; } = context => WriteAsync(context, """{"jsonrpc":"2.0","id":1,"result":{}}""");

    public static async Task<TestGuard> StartAsync(GuardPolicy policy, GuardLimits? limits = null, Obot.Shim.Guard.Audit.AuditTrail? trail = null, bool recoversSessions = true)
    {
        var guard = new TestGuard();
        limits ??= new();
        var upstreamUrl = await guard.ListenAsync(_ => { }, _ => async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var body = await reader.ReadToEndAsync();
            lock (guard.Reached)
            {
                guard.Reached.Add(body);
            }

            context.Items["body"] = body;
            await guard.Answer(context);
        });
        guard.Policy = new(policy);
        guard.Freshness = new(TimeSpan.FromMinutes(5), TimeSpan.Zero, guard.Time);
        var upstream = new Upstream(new GuardUpstream { Url = new Uri(upstreamUrl, "/mcp").ToString() }, guard.Time);
        guard.url = await guard.ListenAsync(services => services.AddHttpForwarder(), services =>
        {
            var forwarder = new UpstreamForwarder(upstream, new LegacySessions(upstream, new SessionSeal(Convert.ToBase64String(new byte[32])), recoversSessions), services, limits);
            return new GuardPipeline(
                new AssertionVerifier(Instance, guard.KeySet(), guard.Time), new Authorizer(Instance, guard.Policy, guard.Freshness), new CallLimits(limits, guard.Time),
                new CallFilters(Instance, guard.Policy), new OpenStreams(guard.Policy), new CallGate(guard.Time), forwarder, new UpstreamCredentials(null, forwarder), guard.Time, trail).HandleAsync;
        });
        return guard;
    }

    public static Task WriteAsync(HttpContext context, string body, string type = "application/json")
    {
        context.Response.ContentType = type;
        return context.Response.WriteAsync(body);
    }

    public Task<(HttpStatusCode Status, string Body)> PostAsync(string body, params (string Name, string Value)[] headers) => PostAsAsync("ann", ["eng"], body, headers);

    public async Task<(HttpStatusCode Status, string Body)> PostAsAsync(string user, string[] groups, string body, params (string Name, string Value)[] headers)
    {
        using var response = await SendAsync(HttpMethod.Post, user, groups, body, headers);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string user, string[] groups, string? body, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, new Uri(url!, "/mcp"));
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        request.Headers.TryAddWithoutValidation(ObotHeaders.Assertion, Token(user, groups));
        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value) && request.Content is { } content)
            {
                content.Headers.Remove(name);
                content.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        foreach (var part in parts)
        {
            await part.DisposeAsync();
        }

        key.Dispose();
    }

    private async Task<Uri> ListenAsync(Action<IServiceCollection> register, Func<IServiceProvider, RequestDelegate> handle)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        register(builder.Services);
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var handler = handle(app.Services);
        app.Run(handler);
        await app.StartAsync();
        parts.Add(app);
        return new(app.Urls.First());
    }

    private string Token(string user, string[] groups) =>
        new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = "obot",
            Audience = Instance,
            TokenType = "obot-assertion+jwt",
            Expires = Time.GetUtcNow().UtcDateTime.AddMinutes(1),
            Claims = new Dictionary<string, object>(StringComparer.Ordinal) { ["sub"] = user, ["role"] = "Basic", ["cid"] = "k1", ["groups"] = groups },
            SigningCredentials = new(new ECDsaSecurityKey(key) { KeyId = "k" }, SecurityAlgorithms.EcdsaSha256),
        });

    private string KeySet()
    {
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        return $$"""{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"k","x":"{{Base64UrlEncoder.Encode(point.X)}}","y":"{{Base64UrlEncoder.Encode(point.Y)}}"}]}""";
    }
}
