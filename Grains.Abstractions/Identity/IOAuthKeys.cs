namespace Obot.Grains.Abstractions.Identity;

/// <summary>Port: the keys of the authorization server, the same on every silo. Served from memory.</summary>
public interface IOAuthKeys
{
    /// <summary>The keys as this silo knows them; replaced whole.</summary>
    OAuthKeySet Current { get; }

    /// <summary>Calls <paramref name="changed"/> after <see cref="Current"/> was replaced. Dispose to stop.</summary>
    IDisposable OnChange(Action changed);

    /// <summary>
    /// Makes the next signing key. It is published at once and signs once every silo has had time to read it; the ones before it go
    /// on being accepted until nothing that they signed can be good any more.
    /// </summary>
    /// <returns>The new key's id.</returns>
    Task<string> Rotate(CancellationToken cancellationToken);
}

/// <param name="Signing">P-256 keys, the one that signs first; all of them verify.</param>
/// <param name="Encryption">32 bytes for what only this server reads (authorization codes, refresh tokens).</param>
public sealed record OAuthKeySet(IReadOnlyList<OAuthSigningKey> Signing, byte[] Encryption);

/// <param name="Id"><c>kid</c>.</param>
/// <param name="PrivateKey">PKCS#8.</param>
public sealed record OAuthSigningKey(string Id, byte[] PrivateKey);
