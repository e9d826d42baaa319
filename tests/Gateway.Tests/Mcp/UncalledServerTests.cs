using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using Obot.Gateway.Authentication;
using Obot.Gateway.Mcp;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Gateway.Tests.Mcp;

/// <summary>Whom no rule of a server concerns is refused before anything is started for them: with a server of each caller's own that would be a process each.</summary>
public sealed class UncalledServerTests
{
    private readonly IServerDirectory directory = Substitute.For<IServerDirectory>();
    private readonly IServerAccess access = Substitute.For<IServerAccess>();
    private readonly IGrainFactory grains = Substitute.For<IGrainFactory>();
    private readonly IMcpServerGrain server = Substitute.For<IMcpServerGrain>();

    public UncalledServerTests()
    {
        var entry = new ServerEntry("ms1own", PerUser: true, "owner");
        directory.Find("ms1own", Arg.Any<CancellationToken>()).Returns(entry);
        access.Of(entry, Arg.Any<CancellationToken>()).Returns(new AccessPolicy("owner", [new(Everyone: false, ["ann"], ["staff"], Tools: [])]));
        grains.GetGrain<IMcpServerGrain>(Arg.Any<string>()).Returns(server);
        server.EnsureRunning(Arg.Any<long>(), Arg.Any<IRouteObserver>(), Arg.Any<CancellationToken>()).Returns(call => new ServerRoute("ms1own/ann", 1, DeploymentStatus.Failed, null, "no process in this test", TimeProvider.System.GetUtcNow().AddMinutes(1)));
    }

    [Theory]
    [InlineData("eve", "guests", 403, 0)]
    [InlineData("eve", "staff", 503, 1)]
    [InlineData("ann", "guests", 503, 1)]
    [InlineData("owner", "guests", 503, 1)]
    public async Task Server_Asleep_IsWokenForThoseWhomSomeRuleConcerns(string user, string group, int status, int starts)
    {
        var table = new RouteTable(grains, Options.Create(new GatewayOptions()), TimeProvider.System, NullLogger<RouteTable>.Instance);
        var endpoint = new McpEndpoint(null!, directory, access, table, null!, null!, null!, null!, null!, TimeProvider.System, Options.Create(new GatewayOptions()));
        var context = new DefaultHttpContext();
        context.Request.Method = "POST";
        context.Request.Body = new MemoryStream("""{"jsonrpc":"2.0","id":7,"method":"tools/list"}"""u8.ToArray());
        using var answer = new MemoryStream();
        context.Response.Body = answer;
        await endpoint.RouteAsync(context, new Verdict(new(user, Role.Owner, "c", Scopes.All) { Groups = [group] }, DateTimeOffset.MaxValue, new()), "ms1own", TestContext.Current.CancellationToken);

        await context.Response.CompleteAsync();
        Assert.Equal(status, context.Response.StatusCode);
        Assert.Equal(starts, server.ReceivedCalls().Count());
        Assert.Contains("\"id\":7", System.Text.Encoding.UTF8.GetString(answer.ToArray()), StringComparison.Ordinal);
    }
}
