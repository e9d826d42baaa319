using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Hosting;

namespace Obot.Grains.Tests.Hosting;

public sealed class ManifestValidationTests
{
    [Theory]
    [InlineData("""{"name":"a","runtime":"npx","npxConfig":{"package":"@modelcontextprotocol/server-everything","args":["stdio"],"startupTimeoutSeconds":600}}""")]
    [InlineData("""{"name":"a","runtime":"npx","serverUserType":"multiUser","npxConfig":{"package":"p","egressDomains":["*.example.com","10.0.0.1"]},"env":[{"key":"API_KEY","required":true,"sensitive":true}]}""")]
    [InlineData("""{"name":"a","runtime":"uvx","uvxConfig":{"package":"mcp-server-time","command":"mcp-server-time"}}""")]
    [InlineData("""{"name":"a","runtime":"remote","remoteConfig":{"fixedURL":"https://mcp.example.com/mcp","headers":[{"key":"Authorization","prefix":"Bearer "}]}}""")]
    [InlineData("""{"name":"a","runtime":"remote","remoteConfig":{"urlTemplate":"https://${TENANT}.example.com/mcp"}}""")]
    [InlineData("""{"name":"a","runtime":"remote","remoteConfig":{"hostname":"*.example.com"}}""")]
    [InlineData("""{"name":"a","runtime":"containerized","containerizedConfig":{"image":"ghcr.io/o/s:1","port":8080,"path":"/mcp"}}""")]
    [InlineData("""{"name":"a","runtime":"composite","compositeConfig":{"componentServers":[{"mcpServerID":"ms1a","toolPrefix":"a_","toolOverrides":[{"name":"x","enabled":false}]},{"catalogEntryID":"e"}]}}""")]
    public void Check_GoodManifest_Passes(string json) => ManifestValidation.Check(ManifestJson.Deserialize(json));

    [Theory]
    [InlineData("""{}""", "manifest.name", "Required")]
    [InlineData("""{"name":"a\u0000b"}""", "manifest.name", "control")]
    [InlineData("""{"name":"a"}""", "manifest.runtime", "'npx', 'uvx'")]
    [InlineData("""{"name":"a","runtime":"node"}""", "manifest.runtime", "'node' is not allowed")]
    [InlineData("""{"name":"a","runtime":"npx"}""", "manifest.npxConfig", "Required")]
    [InlineData("""{"name":"a","runtime":"npx","serverUserType":"both","npxConfig":{"package":"p"}}""", "manifest.serverUserType", "'singleUser'")]
    [InlineData("""{"name":"a","runtime":"npx","npxConfig":{"package":"p"},"remoteConfig":{"fixedURL":"https://x"}}""", "manifest.remoteConfig", "'npxConfig'")]
    [InlineData("""{"name":"a","runtime":"npx","npxConfig":{"package":"p"},"compositeConfig":{}}""", "manifest.compositeConfig", "'npxConfig'")]
    [InlineData("""{"name":"a","runtime":"npx","npxConfig":{"package":""}}""", "manifest.npxConfig.package", "npm")]
    [InlineData("""{"name":"a","runtime":"npx","npxConfig":{"package":"--call=evil"}}""", "manifest.npxConfig.package", "'-'")]
    [InlineData("""{"name":"a","runtime":"npx","npxConfig":{"package":"a b"}}""", "manifest.npxConfig.package", "spaces")]
    [InlineData("""{"name":"a","runtime":"npx","npxConfig":{"package":"p","command":"x"}}""", "manifest.npxConfig.command", "uvxConfig")]
    [InlineData("""{"name":"a","runtime":"npx","npxConfig":{"package":"p","args":["a","b\u0000"]}}""", "manifest.npxConfig.args[1]", "NUL")]
    [InlineData("""{"name":"a","runtime":"npx","npxConfig":{"package":"p","startupTimeoutSeconds":601}}""", "manifest.npxConfig.startupTimeoutSeconds", "600")]
    [InlineData("""{"name":"a","runtime":"npx","npxConfig":{"package":"p","startupTimeoutSeconds":0}}""", "manifest.npxConfig.startupTimeoutSeconds", "from 1")]
    [InlineData("""{"name":"a","runtime":"npx","npxConfig":{"package":"p","denyAllEgress":true,"egressDomains":["a.b"]}}""", "manifest.npxConfig.egressDomains", "denyAllEgress")]
    [InlineData("""{"name":"a","runtime":"npx","npxConfig":{"package":"p","egressDomains":["https://a.b"]}}""", "manifest.npxConfig.egressDomains[0]", "host name")]
    [InlineData("""{"name":"a","runtime":"npx","npxConfig":{"package":"p"},"env":[{"key":"1A"}]}""", "manifest.env[0].key", "environment variable")]
    [InlineData("""{"name":"a","runtime":"npx","npxConfig":{"package":"p"},"env":[{"key":"A"},{"key":"A"}]}""", "manifest.env[1].key", "twice")]
    [InlineData("""{"name":"a","runtime":"npx","npxConfig":{"package":"p"},"env":[{"key":"A","value":"c","options":["a","b"]}]}""", "manifest.env[0].value", "'a', 'b'")]
    [InlineData("""{"name":"a","runtime":"remote","remoteConfig":{}}""", "manifest.remoteConfig.fixedURL", "Exactly one")]
    [InlineData("""{"name":"a","runtime":"remote","remoteConfig":{"fixedURL":"https://a","hostname":"a"}}""", "manifest.remoteConfig.hostname", "Exactly one")]
    [InlineData("""{"name":"a","runtime":"remote","remoteConfig":{"fixedURL":"file:///etc/passwd"}}""", "manifest.remoteConfig.fixedURL", "http or https")]
    [InlineData("""{"name":"a","runtime":"remote","remoteConfig":{"fixedURL":"https://u:p@a/mcp"}}""", "manifest.remoteConfig.fixedURL", "password")]
    [InlineData("""{"name":"a","runtime":"remote","remoteConfig":{"fixedURL":"/mcp"}}""", "manifest.remoteConfig.fixedURL", "absolute")]
    [InlineData("""{"name":"a","runtime":"remote","remoteConfig":{"fixedURL":"https://a","headers":[{"key":"X Y"}]}}""", "manifest.remoteConfig.headers[0].key", "header")]
    [InlineData("""{"name":"a","runtime":"remote","remoteConfig":{"fixedURL":"https://a","headers":[{"key":"obot-assertion"}]}}""", "manifest.remoteConfig.headers[0].key", "platform")]
    [InlineData("""{"name":"a","runtime":"remote","remoteConfig":{"fixedURL":"https://a","headers":[{"key":"X","value":"a\r\nY: b"}]}}""", "manifest.remoteConfig.headers[0].value", "one line")]
    [InlineData("""{"name":"a","runtime":"containerized","containerizedConfig":{"image":"i","port":70000}}""", "manifest.containerizedConfig.port", "65535")]
    [InlineData("""{"name":"a","runtime":"npx","npxConfig":{"package":"p"},"resources":{"limits":{"memory":"lots"}}}""", "manifest.resources.limits.memory", "256Mi")]
    [InlineData("""{"name":"a","runtime":"npx","npxConfig":{"package":"p"},"resources":{"requests":{"cpu":"-1"}}}""", "manifest.resources.requests.cpu", "500m")]
    [InlineData("""{"name":"a","runtime":"composite","compositeConfig":{}}""", "manifest.compositeConfig.componentServers", "1 to 50")]
    [InlineData("""{"name":"a","runtime":"composite","compositeConfig":{"componentServers":[{}]}}""", "manifest.compositeConfig.componentServers[0].mcpServerID", "Exactly one")]
    [InlineData("""{"name":"a","runtime":"composite","compositeConfig":{"componentServers":[{"mcpServerID":"a","catalogEntryID":"b"}]}}""", "manifest.compositeConfig.componentServers[0].mcpServerID", "Exactly one")]
    [InlineData("""{"name":"a","runtime":"composite","compositeConfig":{"componentServers":[{"mcpServerID":"a"},{"mcpServerID":"a"}]}}""", "manifest.compositeConfig.componentServers[1]", "twice")]
    [InlineData("""{"name":"a","runtime":"composite","compositeConfig":{"componentServers":[{"mcpServerID":"a","toolPrefix":"a b"}]}}""", "manifest.compositeConfig.componentServers[0].toolPrefix", "letters")]
    [InlineData("""{"name":"a","runtime":"composite","compositeConfig":{"componentServers":[{"mcpServerID":"a","toolOverrides":[{"name":"x","overrideName":""}]}]}}""", "manifest.compositeConfig.componentServers[0].toolOverrides[0].overrideName", "letters")]
    public void Check_BrokenRule_NamesFieldAndWhatIsAllowed(string json, string field, string says)
    {
        var error = Assert.Throws<InvalidInputException>(() => ManifestValidation.Check(ManifestJson.Deserialize(json)));
        Assert.Equal(field, error.Field);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("256Mi", 268435456L)]
    [InlineData("1G", 1000000000L)]
    [InlineData("1.5Gi", 1610612736L)]
    [InlineData("1048576", 1048576L)]
    [InlineData("0", null)]
    [InlineData("1e3", null)]
    [InlineData("5Pi", null)]
    [InlineData("99999999999999999999999", null)]
    public void Memory_Quantity_IsRead(string text, long? bytes) => Assert.Equal(bytes, ResourceAmounts.Bytes(text));

    [Fact]
    public void Resources_NumberOrText_AreTheSameQuantity()
    {
        var limits = ManifestJson.Deserialize("""{"name":"a","resources":{"limits":{"cpu":1.5,"memory":"1Gi","gpu":1}}}""").Resources!.Limits!;
        Assert.Equal(1.5m, ResourceAmounts.Cores(limits.Cpu));
        Assert.Equal(0.25m, ResourceAmounts.Cores("250m"));
        Assert.Contains("gpu", limits.Unknown!.Keys);
    }

    [Fact]
    public void Sensitive_RoundTrip_KeepsValueWithoutShowingIt()
    {
        var stored = ManifestJson.Deserialize("""{"name":"a","env":[{"key":"S","sensitive":true,"value":"secret"},{"key":"P","value":"plain"}]}""");
        var shown = ManifestJson.Serialize(ManifestEntries.Redact(stored));
        Assert.DoesNotContain("secret", shown, StringComparison.Ordinal);
        Assert.Contains("\"valueSet\":true", shown, StringComparison.Ordinal);
        Assert.Contains("plain", shown, StringComparison.Ordinal);

        var back = ManifestEntries.Restore(ManifestJson.Deserialize(shown), stored);
        Assert.Equal("secret", back.Env[0].Value);
        Assert.Null(back.Env[0].Unknown);
        Assert.Null(ManifestEntries.Restore(ManifestJson.Deserialize(shown), null).Env[0].Value);
    }

    /// <summary>Who may change a manifest, an administrator too, must not be able to read what somebody else wrote into it.</summary>
    [Theory]
    [InlineData("""{"name":"a","env":[{"key":"S","sensitive":false,"valueSet":true}]}""")]
    [InlineData("""{"name":"a","headers":[{"key":"S","valueSet":true}]}""")]
    public void Attack_OfAnUpdateThatMakesASecretPlain_ShowsNothing(string update)
    {
        var stored = ManifestJson.Deserialize("""{"name":"a","env":[{"key":"S","sensitive":true,"value":"hunter2"}]}""");
        var changed = ManifestEntries.Restore(ManifestJson.Deserialize(update), stored);
        Assert.Contains("hunter2", ManifestJson.Serialize(changed), StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", ManifestJson.Serialize(ManifestEntries.Redact(changed)), StringComparison.Ordinal);
    }
}
