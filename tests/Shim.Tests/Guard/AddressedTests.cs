using Obot.Shim.Contracts.Boot;
using Obot.Shim.Guard.Forwarding;

namespace Obot.Shim.Tests.Guard;

public sealed class AddressedTests
{
    /// <summary>Everybody may make a remote server: its guard must not fetch the machine's credentials for them.</summary>
    [Theory]
    [InlineData("http://169.254.169.254/latest/meta-data/iam/security-credentials/")]
    [InlineData("http://[::ffff:169.254.169.254]/")]
    [InlineData("http://[fd00:ec2::254]/latest/meta-data/")]
    [InlineData("http://[fe80::1]/")]
    [InlineData("http://2852039166/")]
    public async Task Attack_OfAServerWhereCloudsHandOutCredentials_IsNeverAsked(string url)
    {
        using var upstream = new Upstream(new GuardUpstream { Url = url }, TimeProvider.System);
        using var request = new HttpRequestMessage(HttpMethod.Get, upstream.Endpoint);
        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => upstream.Client.SendAsync(request, TestContext.Current.CancellationToken));
        Assert.Contains("never asked", $"{refused.Message} {refused.InnerException?.Message}", StringComparison.Ordinal);
    }
}
