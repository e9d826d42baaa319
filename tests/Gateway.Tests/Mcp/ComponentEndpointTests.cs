using Microsoft.AspNetCore.Http;
using NSubstitute;
using Obot.Gateway.Mcp;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Gateway.Tests.Mcp;

/// <summary>A guard reaches the components of its composite for the caller that it has, and nothing else.</summary>
public sealed class ComponentEndpointTests
{
    private static readonly McpInstanceId Composite = McpInstanceId.Shared("ms1composite");
    private readonly IAssertionIssuer assertions = Substitute.For<IAssertionIssuer>();
    private readonly Known composites = new();

    public ComponentEndpointTests()
    {
        assertions.VerifyGuardCredential("good", Arg.Any<CancellationToken>()).Returns(new GuardIdentity(Composite, 1));
        assertions.VerifyGuardCredential("other", Arg.Any<CancellationToken>()).Returns(new GuardIdentity(McpInstanceId.Shared("ms1other"), 1));
        assertions.ReadAssertion("ann", Composite, Arg.Any<CancellationToken>()).Returns(new Principal("ann", Role.Basic, "c", [Scopes.Mcp]));
    }

    [Theory]
    [InlineData(null, "ann")]
    [InlineData("forged", "ann")]
    [InlineData("good", null)]
    [InlineData("good", "forged")]
    [InlineData("other", "ann")]
    public async Task Guard_WithoutProofOfItselfAndItsCaller_IsRefused(string? credential, string? assertion) =>
        Assert.Equal(401, await CallAsync("ms1a", credential, assertion));

    [Theory]
    [InlineData("ms1b")]
    [InlineData("ms1composite")]
    [InlineData("ms1nested")]
    public async Task Server_ThatIsNoComponent_IsNotReached(string serverId) =>
        Assert.Equal(403, await CallAsync(serverId, "good", "ann"));

    private async Task<int> CallAsync(string serverId, string? credential, string? assertion)
    {
        var context = new DefaultHttpContext { Response = { Body = new MemoryStream() } };
        context.Request.Method = "POST";
        if (credential is not null)
        {
            context.Request.Headers.Authorization = $"Bearer {credential}";
        }

        if (assertion is not null)
        {
            context.Request.Headers[ObotHeaders.Assertion] = assertion;
        }

        await new ComponentEndpoint(assertions, composites, null!).HandleAsync(context, serverId);
        return context.Response.StatusCode;
    }

    private sealed class Known : IComposites
    {
        public ValueTask<IReadOnlyList<string>?> ComponentsOf(string serverId, CancellationToken cancellationToken) => new(serverId switch
        {
            "ms1composite" => ["ms1a", "ms1nested"],
            "ms1nested" => ["ms1a"],
            _ => (string[]?)null,
        });
    }
}
