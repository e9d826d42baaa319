using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using NSubstitute;
using Obot.Gateway.Authentication;
using Obot.Gateway.Management;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Tests.Management;

/// <summary>The management API over a test server; the ports behind it are substitutes.</summary>
public sealed class ManagementHost : IAsyncLifetime
{
    private WebApplication? _app;

    public IMcpServers Servers { get; } = Substitute.For<IMcpServers>();
    public IApiKeys Keys { get; } = Substitute.For<IApiKeys>();
    public IUsers Users { get; } = Substitute.For<IUsers>();
    public IGroups Groups { get; } = Substitute.For<IGroups>();
    public IAuthSettings AuthSettings { get; } = Substitute.For<IAuthSettings>();
    public IEncryptionKeys EncryptionKeys { get; } = Substitute.For<IEncryptionKeys>();
    internal FakeAuthenticator Authenticator { get; } = new();
    public HttpClient Client { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseTestServer();
        builder.Services.AddSingleton(Servers).AddSingleton(Keys).AddSingleton(EncryptionKeys).AddSingleton(Users).AddSingleton(Groups).AddSingleton(AuthSettings)
            .AddSingleton(Substitute.For<IMcpCatalogs>()).AddSingleton(Substitute.For<ICatalogEntries>()).AddSingleton(Substitute.For<IEntryServers>()).AddSingleton<ICallerAuthenticator>(Authenticator).AddManagement();
        _app = builder.Build();
        _app.MapManagement();
        await _app.StartAsync();
        Client = _app.GetTestClient();
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "good");
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }

    public Task<HttpResponseMessage> Post(string path, string body) => Client.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"));

    public static async Task<JsonObject> Json(HttpResponseMessage response) => JsonNode.Parse(await response.Content.ReadAsStringAsync())!.AsObject();

    public static McpServerView View(ServerManifest manifest) => new()
    {
        Id = "ms1abc",
        Manifest = manifest,
        OwnerId = "u1",
        Revision = 1,
        CreatedAt = DateTimeOffset.UnixEpoch,
        UpdatedAt = DateTimeOffset.UnixEpoch,
        Instance = "ms1abc/u1",
        DeploymentStatus = DeploymentStatus.Stopped,
        MissingRequiredEnvVars = [],
    };

    internal sealed class FakeAuthenticator : ICallerAuthenticator
    {
        public Principal? Caller { get; set; } = new("u1", Role.Basic, "c1", [Scopes.Api]);

        public ValueTask<Principal?> AuthenticateAsync(HttpContext context, CancellationToken cancellationToken) => new(Caller);
    }
}
