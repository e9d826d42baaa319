namespace Obot.Grains.Abstractions.ApiKeys;

/// <summary>Port: <c>lastUsedAt</c> of API keys, written beside the requests: once a minute per key at most.</summary>
public interface IApiKeyUsage
{
    /// <summary>Notes a use in memory; no I/O. Ids that are not of a key are ignored.</summary>
    /// <param name="keyId">Id of the key, as in <see cref="Identity.Principal.CredentialId"/>.</param>
    void Used(string keyId);
}
