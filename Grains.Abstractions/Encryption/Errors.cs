namespace Obot.Grains.Abstractions.Encryption;

/// <summary>Something encrypted cannot be read or written; the message names the key and says what to do.</summary>
public abstract class EncryptionException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A value is not what was encrypted for its place: changed, cut, moved, or restored from somewhere else.</summary>
public sealed class CiphertextException(SecretPlace place, string reason) : EncryptionException(
    $"The stored value of {place} is not what was written there: {reason}. Restore that row from a backup of this database, or set the value again.");

/// <summary>The data key of a value is not in table <c>data_keys</c>.</summary>
public sealed class DataKeyUnknownException(SecretPlace place, string keyId) : EncryptionException(
    $"The stored value of {place} is encrypted with data key '{keyId}', which table data_keys does not have. " +
    "Rows of another installation, or a backup restored without that table? Restore data_keys from the same backup.");

/// <summary>The KMS, or the local key, will not open a data key: denied, disabled, deleted, or another key than the one it was wrapped with.</summary>
public sealed class KeyServiceDeniedException(string message, Exception? inner = null) : EncryptionException(message, inner);

/// <summary>The KMS did not answer, or only with errors that pass.</summary>
public sealed class KeyServiceUnreachableException(string message, Exception? inner = null) : EncryptionException(message, inner);
