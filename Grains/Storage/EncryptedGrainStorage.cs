using Obot.Grains.Abstractions.Encryption;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace Obot.Grains.Storage;

/// <summary>
/// Encrypts grain state before it reaches <paramref name="inner"/>, bound to the row that it goes to. State is serialized once, here;
/// the storage below takes bytes (<see cref="StoredStateSerializer"/>). ETags are those of the storage below. Plaintext from before
/// there was encryption is read, and encrypted by the next write.
/// </summary>
public sealed class EncryptedGrainStorage(IGrainStorage inner, IGrainStorageSerializer serializer, IEncryption encryption, IActivatorProvider activators) : IGrainStorage
{
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => ReadStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        var stored = Below(grainState, []);
        await inner.ReadStateAsync(stateName, grainId, stored, cancellationToken);
        var state = stored.State is { Bytes.Length: > 0 } read
            ? serializer.Deserialize<T>(new BinaryData(encryption.DecryptOrPlain(GrainPlace.Of(stateName, grainId), read.Bytes.Span)))
            : default;
        grainState.State = state ?? activators.GetActivator<T>().Create();
        Above(grainState, stored);
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => WriteStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        var stored = Below(grainState, encryption.Encrypt(GrainPlace.Of(stateName, grainId), serializer.Serialize(grainState.State).ToMemory().Span));
        await inner.WriteStateAsync(stateName, grainId, stored, cancellationToken);
        Above(grainState, stored);
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => ClearStateAsync(stateName, grainId, grainState, CancellationToken.None);

    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, CancellationToken cancellationToken)
    {
        var stored = Below(grainState, []);
        await inner.ClearStateAsync(stateName, grainId, stored, cancellationToken);
        grainState.State = activators.GetActivator<T>().Create();
        Above(grainState, stored);
    }

    private static GrainState<StoredState> Below<T>(IGrainState<T> grainState, byte[] bytes) =>
        new(new StoredState { Bytes = bytes }, grainState.ETag) { RecordExists = grainState.RecordExists };

    private static void Above<T>(IGrainState<T> grainState, GrainState<StoredState> stored) =>
        (grainState.ETag, grainState.RecordExists) = (stored.ETag, stored.RecordExists);
}
