using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Obot.Grains.Conversations.Running;

namespace Obot.Grains.Tests.Conversations;

public sealed class GatewayAddressesTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Silo_ThatIsGone_IsLeftForTheNext_WithPathQueryAndBody()
    {
        var seen = new List<string>();
        await using var alive = await StartAsync(async context => seen.Add($"{context.Request.Path}{context.Request.QueryString} {await new StreamReader(context.Request.Body).ReadToEndAsync(Cancellation)}"));
        var addresses = new GatewayAddresses($"http://127.0.0.1:{ClosedPort()}, {alive.Urls.First()}/");
        Assert.Equal(HttpStatusCode.OK, await SendAsync(addresses, "api/a?b=c", "one"));
        Assert.Equal(HttpStatusCode.OK, await SendAsync(addresses, "mcp-connect/ms1", "two"));
        Assert.Equal(["/api/a?b=c one", "/mcp-connect/ms1 two"], seen);
    }

    [Fact]
    public async Task Error_OfAGateway_IsAnAnswer_AndNotRepeatedElsewhere()
    {
        var asked = 0;
        await using var failing = await StartAsync(context =>
        {
            context.Response.StatusCode = 503;
            return Task.CompletedTask;
        });
        await using var other = await StartAsync(_ =>
        {
            Interlocked.Increment(ref asked);
            return Task.CompletedTask;
        });
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await SendAsync(new($"{failing.Urls.First()},{other.Urls.First()}"), "api", "x"));
        Assert.Equal(0, asked);
    }

    [Fact]
    public async Task Connection_ThatBreaksAfterTheRequest_IsNotRepeatedElsewhere()
    {
        var asked = 0;
        await using var breaking = await StartAsync(context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        await using var other = await StartAsync(_ =>
        {
            Interlocked.Increment(ref asked);
            return Task.CompletedTask;
        });
        await Assert.ThrowsAsync<HttpRequestException>(() => SendAsync(new($"{breaking.Urls.First()},{other.Urls.First()}"), "api", "x"));
        Assert.Equal(0, asked);
    }

    [Fact]
    public async Task Silos_ThatAreAllGone_AreAnError() =>
        await Assert.ThrowsAsync<HttpRequestException>(() => SendAsync(new($"http://127.0.0.1:{ClosedPort()},http://127.0.0.1:{ClosedPort()}"), "api", "x"));

    private static async Task<HttpStatusCode> SendAsync(GatewayAddresses addresses, string path, string body)
    {
        using var http = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false });
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(addresses.First, path)) { Content = new StringContent(body) };
        using var response = await addresses.SendAsync(http, request, Cancellation);
        return response.StatusCode;
    }

    private static async Task<WebApplication> StartAsync(RequestDelegate answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.Run(answer);
        await app.StartAsync(Cancellation);
        return app;
    }

    private static int ClosedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
