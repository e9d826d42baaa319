using Obot.Grains.Credentials.Authorization;

namespace Obot.Grains.Tests.Credentials;

public sealed class BearerChallengeTests
{
    [Theory]
    [InlineData("Bearer resource_metadata=\"https://a.example/.well-known/x\", scope=\"read write\"", "https://a.example/.well-known/x", "read write", null)]
    [InlineData("bearer error=insufficient_scope,scope=\"admin\"", null, "admin", "insufficient_scope")]
    [InlineData("Basic realm=\"x\", Bearer scope=\"a \\\"b\\\"\"", null, "a \"b\"", null)]
    [InlineData("Bearer", null, null, null)]
    [InlineData("Bearer realm=\"Bearer x\", error=\"invalid_token\"", null, null, "invalid_token")]
    [InlineData("Bearer scope=\"a\", Basic realm=\"y\"", null, "a", null)]
    public void Challenge_Parameters_AreRead(string header, string? metadata, string? scope, string? error)
    {
        var challenge = BearerChallenge.Parse(header);
        Assert.NotNull(challenge);
        Assert.Equal((metadata, scope, error), (challenge.ResourceMetadata, challenge.Scope, challenge.Error));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Basic realm=\"x\"")]
    [InlineData("BearerX scope=a")]
    [InlineData("DPoP algs=\"Bearer\"")]
    public void Others_AreNone(string? header) => Assert.Null(BearerChallenge.Parse(header));

    [Fact]
    public void Endless_IsNone() => Assert.Null(BearerChallenge.Parse("Bearer scope=\"" + new string('a', 10_000)));
}
