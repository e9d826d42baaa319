using System.Security.Cryptography;
using System.Text;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Encryption;
using Obot.Grains.Encryption.Local;

namespace Obot.Grains.Tests.Encryption;

[Collection(nameof(PostgresTests))]
public sealed class EnvelopeTests(Postgres postgres)
{
    private static readonly SecretPlace Place = new("users", "u1", "token");
    private readonly IEncryption _encryption = postgres.Silo.Encryption;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(32)]
    [InlineData(1_000_000)]
    public void Value_RoundTrip_IsWhatItWas(int length)
    {
        var plain = RandomNumberGenerator.GetBytes(length);
        var stored = _encryption.Encrypt(Place, plain);
        Assert.Equal(length + IEncryption.Overhead, stored.Length);
        Assert.True(_encryption.IsEncrypted(stored));
        Assert.Equal(plain, _encryption.Decrypt(Place, stored));
        Assert.Equal(plain, _encryption.DecryptOrPlain(Place, stored));
    }

    [Fact]
    public void Value_EncryptedTwice_LooksDifferent() =>
        Assert.NotEqual(_encryption.Encrypt(Place, "same"u8), _encryption.Encrypt(Place, "same"u8));

    [Fact]
    public void Text_RoundTrip_BeginsWithMark()
    {
        var stored = _encryption.EncryptText(Place, "grüße 🔑");
        Assert.StartsWith(EncryptionText.Mark, stored, StringComparison.Ordinal);
        Assert.Equal("grüße 🔑", _encryption.DecryptText(Place, stored));
        Assert.StartsWith(Convert.ToBase64String(SealedFormat.PrefixOf(postgres.Silo.Keys.Active.Number)), stored, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("users", "u2", "token")]
    [InlineData("users", "u1", "other")]
    [InlineData("groups", "u1", "token")]
    [InlineData("usersu", "1", "token")]
    [InlineData("users", "u1t", "oken")]
    [InlineData("", "usersu1", "token")]
    public void Attack_ValueMovedToAnotherPlace_Refused(string type, string id, string field)
    {
        var stored = _encryption.Encrypt(Place, "secret"u8);
        var error = Assert.Throws<CiphertextException>(() => _encryption.Decrypt(new(type, id, field), stored));
        Assert.Contains($"{type} '{id}' ({field})", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Every byte counts: mark, version, key id, salt, nonce, ciphertext, tag.</summary>
    [Fact]
    public void Attack_AnyByteChanged_Refused()
    {
        var stored = _encryption.Encrypt(Place, "secret"u8);
        for (var i = 0; i < stored.Length; i++)
        {
            var changed = stored.ToArray();
            changed[i] ^= 0x40;
            Assert.ThrowsAny<EncryptionException>(() => _encryption.Decrypt(Place, changed));
        }

        for (var length = 0; length < stored.Length; length++)
        {
            Assert.ThrowsAny<EncryptionException>(() => _encryption.Decrypt(Place, stored.AsSpan(0, length)));
        }
    }

    [Fact]
    public void Value_UnderUnknownKey_NamesTheKey()
    {
        var stored = _encryption.Encrypt(Place, "secret"u8);
        SealedFormat.WritePrefix(stored, 0x0123456789abcdef);
        var error = Assert.Throws<DataKeyUnknownException>(() => _encryption.Decrypt(Place, stored));
        Assert.Contains("0123456789abcdef", error.Message, StringComparison.Ordinal);
        Assert.Contains("data_keys", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plaintext_OfOlderRows_IsReadUnlessRefused()
    {
        Assert.Equal("{}"u8.ToArray(), _encryption.DecryptOrPlain(Place, "{}"u8));
        Assert.Equal("{}", _encryption.DecryptTextOrPlain(Place, "{}"));
        Assert.Equal("OBOT is a word", _encryption.DecryptTextOrPlain(Place, "OBOT is a word"));
        Assert.Throws<CiphertextException>(() => _encryption.Decrypt(Place, "{}"u8));
        Assert.Throws<CiphertextException>(() => _encryption.DecryptText(Place, "{}"));

        using var strict = await TestSilo.StartAsync(postgres.Databases, new() { ReadPlaintext = false });
        Assert.Contains("ReadPlaintext", Assert.Throws<CiphertextException>(() => strict.Encryption.DecryptOrPlain(Place, "{}"u8)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void BlindIndex_SameValue_IsFoundPerPurpose()
    {
        var index = _encryption.BlindIndex("users.email", "a@example.com");
        Assert.Equal(32, index.Length);
        Assert.Equal(index, _encryption.BlindIndex("users.email", "a@example.com"));
        Assert.NotEqual(index, _encryption.BlindIndex("users.email", "b@example.com"));
        Assert.NotEqual(index, _encryption.BlindIndex("groups.email", "a@example.com"));
        Assert.NotEqual(index, SHA256.HashData(Encoding.UTF8.GetBytes("a@example.com")));
    }

    [Fact]
    public async Task LocalKey_OfAnotherSilo_SaysWhichIsNeeded()
    {
        var other = new LocalKeyWrapper(RandomNumberGenerator.GetBytes(32));
        var error = await Assert.ThrowsAsync<KeyServiceDeniedException>(() => TestSilo.StartAsync(postgres.Databases, wrappers: [other]));
        Assert.Contains(other.KeyId, error.Message, StringComparison.Ordinal);
        Assert.Contains(new LocalKeyWrapper(TestSilo.LocalKey).KeyId, error.Message, StringComparison.Ordinal);
        Assert.Contains("Obot:Encryption:Local:Key", error.Message, StringComparison.Ordinal);
    }
}
