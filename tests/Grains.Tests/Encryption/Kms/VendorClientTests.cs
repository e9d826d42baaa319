using System.Text.Json;
using Obot.SystemTests.Rig;

namespace Obot.Grains.Tests.Encryption.Kms;

/// <summary>The services that we made for the tests, in the hands of the vendors' own clients: what they take for Key Vault and Cloud KMS is good enough to test with.</summary>
public sealed class VendorClientTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task AzureClient_OnOurKeyVault_WrapsAndUnwrapsAndOpensWhatThePlatformWrapped()
    {
        await using var stub = new AzureStub();
        await stub.StartAsync();
        byte[] key = [.. Enumerable.Range(1, 32).Select(number => (byte)number)];
        var wrapped = await stub.Wrapper().WrapAsync(key, "one", TestContext.Current.CancellationToken);
        using var scratch = new Scratch("kms");
        var authority = Path.Combine(scratch.Folder, "stub.pem");
        await File.WriteAllTextAsync(authority, stub.Trust.CustomTrustStore[0].ExportCertificatePem());

        var seen = await RunAsync("azure", stub.Url, "obot/v1", wrapped, "", ("NODE_EXTRA_CA_CERTS", authority));
        Assert.True(seen.GetProperty("own").GetBoolean());
        Assert.Equal($"{stub.Url}/keys/obot/v1", seen.GetProperty("keyId").GetString());
        Assert.Equal(key, seen.GetProperty("platform").GetBytesFromBase64()[..32]);

        // the client asks without a token first, and without the bytes; so do we
        Assert.All(stub.Unauthenticated, body => Assert.Empty(body));
    }

    [Fact]
    public async Task GoogleClient_OnOurCloudKms_EncryptsAndDecryptsAndOpensWhatThePlatformWrapped()
    {
        await using var stub = new GoogleStub();
        await stub.StartAsync();
        byte[] key = [.. Enumerable.Range(1, 32).Select(number => (byte)number)];
        var wrapped = await stub.Wrapper().WrapAsync(key, "one", TestContext.Current.CancellationToken);
        var seen = await RunAsync("google", stub.Url, GoogleStub.Key, wrapped, Obot.Grains.Encryption.Keys.KeyServiceErrors.Binding("one"));
        Assert.True(seen.GetProperty("own").GetBoolean());
        Assert.True(seen.GetProperty("verified").GetBoolean());
        Assert.Equal($"{GoogleStub.Key}/cryptoKeyVersions/1", seen.GetProperty("keyId").GetString());
        Assert.Equal(key, seen.GetProperty("platform").GetBytesFromBase64());
    }

    private static async Task<JsonElement> RunAsync(string vendor, string url, string key, Obot.Grains.Encryption.Keys.WrappedKey wrapped, string context, params (string Key, string Value)[] environment)
    {
        var run = await Npm.ScriptAsync("kms.mjs", [vendor, url, key, Convert.ToBase64String(wrapped.Bytes), context], Limit, environment.ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal));
        return JsonSerializer.Deserialize<JsonElement>(run.Checked().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
    }
}
