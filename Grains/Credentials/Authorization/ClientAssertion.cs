using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Obot.Grains.Credentials.Authorization;

/// <summary>Who we are, signed (RFC 7523 section 2.2 and 3): a JWT of two minutes for the authorization server's issuer, used once.</summary>
internal static class ClientAssertion
{
    public const int MaxKey = 16 * 1024;
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(2);
    private static readonly JsonWebTokenHandler Handler = new() { SetDefaultTimesOnTokenCreation = false };

    /// <param name="pem">The private key.</param>
    /// <param name="audience">Issuer of the authorization server.</param>
    public static string Sign(string pem, string clientId, string audience, TimeProvider time)
    {
        using var algorithm = Read(pem);
        var (key, name) = algorithm switch
        {
            ECDsa { KeySize: 384 } curve => ((SecurityKey)new ECDsaSecurityKey(curve), SecurityAlgorithms.EcdsaSha384),
            ECDsa curve => (new ECDsaSecurityKey(curve), SecurityAlgorithms.EcdsaSha256),
            _ => (new RsaSecurityKey((RSA)algorithm), SecurityAlgorithms.RsaSha256),
        };
        key.CryptoProviderFactory = new() { CacheSignatureProviders = false };
        var now = time.GetUtcNow();
        return Handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = clientId,
            Audience = audience,
            IssuedAt = now.UtcDateTime,
            Expires = (now + Life).UtcDateTime,
            Claims = new Dictionary<string, object>(StringComparer.Ordinal) { ["sub"] = clientId, ["jti"] = Guid.NewGuid().ToString("N") },
            SigningCredentials = new(key, name),
        });
    }

    public static bool TryRead(string pem)
    {
        try
        {
            using var algorithm = Read(pem);
            return algorithm is RSA or ECDsa { KeySize: 256 or 384 };
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            return false;
        }
    }

    private static AsymmetricAlgorithm Read(string pem)
    {
        var curve = ECDsa.Create();
        try
        {
            curve.ImportFromPem(pem);
            return curve;
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            curve.Dispose();
        }

        var rsa = RSA.Create();
        try
        {
            rsa.ImportFromPem(pem);
            return rsa;
        }
        catch
        {
            rsa.Dispose();
            throw;
        }
    }
}
