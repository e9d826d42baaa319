using Orleans.Storage;

namespace Obot.Grains.Storage;

/// <summary>Bytes as they go to the database.</summary>
internal sealed class StoredState
{
    public ReadOnlyMemory<byte> Bytes { get; init; }
}

/// <summary>For the storage below <see cref="EncryptedGrainStorage"/>: what it is given is bytes already.</summary>
public sealed class StoredStateSerializer : IGrainStorageSerializer
{
    public BinaryData Serialize<T>(T? input) => new((input as StoredState ?? throw Foreign<T>()).Bytes);

    public T Deserialize<T>(BinaryData input) => new StoredState { Bytes = input.ToMemory() } is T state ? state : throw Foreign<T>();

    private static InvalidOperationException Foreign<T>() => new($"{typeof(T)} came here without {nameof(EncryptedGrainStorage)}; grain state goes through the storage provider 'Default'.");
}
