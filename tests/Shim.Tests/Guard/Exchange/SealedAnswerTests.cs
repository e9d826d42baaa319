using System.Security.Cryptography;
using System.Text;
using Obot.Shim.Contracts.Exchange;

namespace Obot.Shim.Tests.Guard.Exchange;

public sealed class SealedAnswerTests
{
    [Fact]
    public void Sealed_OpensWithItsKeyOnly()
    {
        using var guard = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        var text = SealedAnswer.Seal(guard.ExportSubjectPublicKeyInfo(), "secret"u8);
        Assert.DoesNotContain("secret", text, StringComparison.Ordinal);
        Assert.NotEqual(text, SealedAnswer.Seal(guard.ExportSubjectPublicKeyInfo(), "secret"u8));
        Assert.Equal("secret", Encoding.UTF8.GetString(SealedAnswer.Open(guard, text)));
        Assert.ThrowsAny<CryptographicException>(() => SealedAnswer.Open(other, text));
    }

    [Fact]
    public void Changed_DoesNotOpen()
    {
        using var guard = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        var parts = SealedAnswer.Seal(guard.ExportSubjectPublicKeyInfo(), "secret"u8).Split('.');
        for (var i = 0; i < parts.Length; i++)
        {
            if (parts[i].Length > 0)
            {
                var changed = parts.ToArray();
                changed[i] = (changed[i][0] == 'A' ? 'B' : 'A') + changed[i][1..];
                Assert.ThrowsAny<CryptographicException>(() => SealedAnswer.Open(guard, string.Join('.', changed)));
            }
        }

        Assert.ThrowsAny<CryptographicException>(() => SealedAnswer.Open(guard, "no.jwe"));
    }
}
