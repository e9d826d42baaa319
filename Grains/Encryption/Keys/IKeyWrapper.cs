using Obot.Grains.Abstractions.Encryption;

namespace Obot.Grains.Encryption.Keys;

/// <summary>
/// A KMS, as far as we need one: it wraps keys of 32 bytes with a key that never leaves it. An implementation makes one attempt;
/// the time limit and repetitions are <see cref="KeyWrappers"/>'.
/// </summary>
internal interface IKeyWrapper
{
    /// <summary><c>local</c>, <c>aws</c>, <c>azure</c>, <c>gcp</c>; stored beside what it wrapped.</summary>
    string Provider { get; }

    /// <summary>The key that it wraps with now, in the provider's words.</summary>
    string KeyId { get; }

    /// <summary>What the caller of the KMS has to be allowed, for messages: <c>kms:Decrypt and kms:Encrypt</c>.</summary>
    string Permission { get; }

    /// <param name="context">The data key's id, bound to the wrapped key as associated data.</param>
    /// <exception cref="KeyServiceDeniedException">It will not, and asking again does not help.</exception>
    /// <exception cref="KeyServiceUnreachableException">It did not answer, is overloaded or failed.</exception>
    Task<WrappedKey> WrapAsync(ReadOnlyMemory<byte> key, string context, CancellationToken cancellationToken);

    /// <exception cref="KeyServiceDeniedException">It will not, and asking again does not help.</exception>
    /// <exception cref="KeyServiceUnreachableException">It did not answer, is overloaded or failed.</exception>
    Task<byte[]> UnwrapAsync(WrappedKey wrapped, string context, CancellationToken cancellationToken);
}

/// <param name="KeyId">The key that wrapped it; with providers that have versions, with the version.</param>
internal sealed record WrappedKey(string KeyId, byte[] Bytes);
