using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Encryption;
using Obot.Grains.Encryption.Google;
using Obot.Grains.Encryption.Keys;

namespace Obot.Grains.Tests.Encryption.Kms;

/// <summary>What holds for every provider, and then what each is particular about.</summary>
public sealed class KeyServiceTests
{
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);

    public static TheoryData<string> Providers => ["aws", "azure", "gcp"];

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Key_WrappedAndUnwrapped_OnlyForItsContext(string provider)
    {
        await using var stub = await StartAsync(provider);
        var wrappers = Wrappers(stub);
        var wrapped = await wrappers.WrapAsync(Key, "one", default);
        Assert.DoesNotContain(Convert.ToHexString(Key), Convert.ToHexString(wrapped.Bytes), StringComparison.Ordinal);
        Assert.Equal(Key, await wrappers.UnwrapAsync(provider, wrapped, "one", default));
        await Assert.ThrowsAsync<KeyServiceDeniedException>(() => wrappers.UnwrapAsync(provider, wrapped, "two", default));

        wrapped.Bytes[^1] ^= 1;
        await Assert.ThrowsAsync<KeyServiceDeniedException>(() => wrappers.UnwrapAsync(provider, wrapped, "one", default));
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Key_DisabledOrDenied_NamesKeyAndPermissionAndAsksOnce(string provider)
    {
        await using var stub = await StartAsync(provider);
        var wrappers = Wrappers(stub);
        var wrapped = await wrappers.WrapAsync(Key, "one", default);
        foreach (var mood in new[] { KmsMood.Disabled, KmsMood.Denied })
        {
            stub.Mood = mood;
            var before = stub.Requests;
            var error = await Assert.ThrowsAsync<KeyServiceDeniedException>(() => wrappers.UnwrapAsync(provider, wrapped, "one", default));
            Assert.Contains(wrapped.KeyId, error.Message, StringComparison.Ordinal);
            Assert.Contains(wrappers.Current.Permission, error.Message, StringComparison.Ordinal);
            Assert.Equal(1, stub.Requests - before);
        }
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Service_Throttles_IsAskedAgain(string provider)
    {
        await using var stub = await StartAsync(provider);
        var wrappers = Wrappers(stub);
        var wrapped = await wrappers.WrapAsync(Key, "one", default);
        stub.Mood = KmsMood.BusyForAMoment;
        Assert.Equal(Key, await wrappers.UnwrapAsync(provider, wrapped, "one", default));
        foreach (var mood in new[] { KmsMood.Throttled, KmsMood.Broken })
        {
            stub.Mood = mood;
            var before = stub.Requests;
            await Assert.ThrowsAsync<KeyServiceUnreachableException>(() => wrappers.UnwrapAsync(provider, wrapped, "one", default));
            Assert.Equal(3, stub.Requests - before);
        }
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Service_SlowOrGone_IsGivenUpInTime(string provider)
    {
        await using var stub = await StartAsync(provider);
        var wrappers = Wrappers(stub);
        var wrapped = await wrappers.WrapAsync(Key, "one", default);
        stub.Mood = KmsMood.Slow;
        var start = Stopwatch.GetTimestamp();
        var error = await Assert.ThrowsAsync<KeyServiceUnreachableException>(() => wrappers.UnwrapAsync(provider, wrapped, "one", default));
        Assert.Contains("no answer", error.Message, StringComparison.Ordinal);
        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 1, 8);

        await stub.StopAsync();
        await Assert.ThrowsAsync<KeyServiceUnreachableException>(() => wrappers.UnwrapAsync(provider, wrapped, "one", default));
    }

    /// <summary>A row of data_keys under a key of the attacker's would make us encrypt with a key that he knows.</summary>
    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Attack_RowNamesAnotherKey_IsNotAsked(string provider)
    {
        await using var stub = await StartAsync(provider);
        var wrappers = Wrappers(stub);
        var wrapped = await wrappers.WrapAsync(Key, "one", default);
        var before = stub.Requests;
        foreach (var foreign in new[] { "https://evil.example/keys/obot/v1", wrapped.KeyId.Replace("obot", "evil", StringComparison.Ordinal) + "2", "../x" })
        {
            var error = await Assert.ThrowsAsync<KeyServiceDeniedException>(() => wrappers.UnwrapAsync(provider, wrapped with { KeyId = foreign }, "one", default));
            Assert.Contains("PreviousKeys", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(before, stub.Requests);
    }

    [Fact]
    public async Task Provider_NotConfigured_SaysSo()
    {
        await using var stub = await StartAsync("aws");
        var error = await Assert.ThrowsAsync<KeyServiceDeniedException>(() => Wrappers(stub).UnwrapAsync("gcp", new("k", [1]), "one", default));
        Assert.Contains("'gcp'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Aws_KeyChanged_PreviousOneStillOpens()
    {
        await using var stub = (AwsStub)await StartAsync("aws");
        var wrapped = await stub.Wrapper().WrapAsync(Key, "one", default);
        var next = stub.Wrapper(AwsStub.Key + "2", AwsStub.Key);
        Assert.Equal(Key, await next.UnwrapAsync(wrapped, "one", default));
        await Assert.ThrowsAsync<KeyServiceDeniedException>(() => next.UnwrapAsync(wrapped with { KeyId = AwsStub.Key + "2" }, "one", default));
    }

    [Fact]
    public async Task Azure_FirstRequest_CarriesNeitherTokenNorBody()
    {
        await using var stub = (AzureStub)await StartAsync("azure");
        var wrapper = stub.Wrapper($"{stub.Url}/keys/obot/v1");
        var wrapped = await wrapper.WrapAsync(Key, "one", default);
        Assert.Equal($"{stub.Url}/keys/obot/v1", wrapped.KeyId);
        Assert.Equal("", Assert.Single(stub.Unauthenticated));
        await wrapper.UnwrapAsync(wrapped, "one", default);
        Assert.Single(stub.Unauthenticated);
        Assert.Equal(1, stub.Credential.Asked);
    }

    [Fact]
    public async Task Azure_KeyWithoutVersion_WrapsWithTheLatest()
    {
        await using var stub = (AzureStub)await StartAsync("azure");
        var wrapper = stub.Wrapper();
        var wrapped = await wrapper.WrapAsync(Key, "one", default);
        Assert.EndsWith("/keys/obot/v1", wrapped.KeyId, StringComparison.Ordinal);
        Assert.Equal(Key, await wrapper.UnwrapAsync(wrapped, "one", default));
    }

    [Fact]
    public async Task Attack_AzureVaultAsksForTokenOfAnother_GetsNone()
    {
        await using var stub = (AzureStub)await StartAsync("azure");
        stub.Resource = "https://graph.microsoft.com";
        await Assert.ThrowsAsync<KeyServiceDeniedException>(() => stub.Wrapper().WrapAsync(Key, "one", default));
        Assert.Equal(0, stub.Credential.Asked);
    }

    [Fact]
    public async Task Google_ChecksumWrong_IsNotBelieved()
    {
        await using var stub = (GoogleStub)await StartAsync("gcp");
        var wrapper = stub.Wrapper();
        var wrapped = await wrapper.WrapAsync(Key, "one", default);
        stub.DamagesAnswers = true;
        await Assert.ThrowsAsync<KeyServiceUnreachableException>(() => wrapper.WrapAsync(Key, "one", default));
        await Assert.ThrowsAsync<KeyServiceUnreachableException>(() => wrapper.UnwrapAsync(wrapped, "one", default));
        (stub.DamagesAnswers, stub.Verifies) = (false, false);
        await Assert.ThrowsAsync<KeyServiceUnreachableException>(() => wrapper.WrapAsync(Key, "one", default));
    }

    /// <summary>The check value of CRC-32C (RFC 3720).</summary>
    [Fact]
    public void Google_Crc32c_IsCastagnolis() => Assert.Equal($"{0xe3069283}", GoogleKeyWrapper.Crc("123456789"u8));

    private static async Task<KmsStub> StartAsync(string provider) => await (provider switch
    {
        "aws" => (KmsStub)new AwsStub(),
        "azure" => new AzureStub(),
        _ => new GoogleStub(),
    }).StartAsync();

    private static KeyWrappers Wrappers(KmsStub stub)
    {
        var wrapper = stub.Wrapper();
        return new([wrapper], Options.Create(new EncryptionOptions { Provider = wrapper.Provider, Timeout = TimeSpan.FromSeconds(1) }), TimeProvider.System);
    }
}
