using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Encryption;

namespace Obot.Grains.Encryption.Keys;

/// <summary>The configured providers: new keys go to the current one, each old key to the one that wrapped it. Every attempt has a time limit.</summary>
internal sealed class KeyWrappers(IEnumerable<IKeyWrapper> wrappers, IOptions<EncryptionOptions> options, TimeProvider time)
{
    private const int Attempts = 3;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private readonly Dictionary<string, IKeyWrapper> byName = wrappers.ToDictionary(wrapper => wrapper.Provider, StringComparer.OrdinalIgnoreCase);

    public IKeyWrapper Current => Of(options.Value.Provider, "new data keys");

    public Task<WrappedKey> WrapAsync(ReadOnlyMemory<byte> key, string context, CancellationToken cancellationToken)
    {
        var wrapper = Current;
        return TryAsync(wrapper, wrapper.KeyId, token => wrapper.WrapAsync(key, context, token), cancellationToken);
    }

    public Task<byte[]> UnwrapAsync(string provider, WrappedKey wrapped, string context, CancellationToken cancellationToken)
    {
        var wrapper = Of(provider, $"data key '{context}', which its key '{wrapped.KeyId}' wrapped");
        return TryAsync(wrapper, wrapped.KeyId, token => wrapper.UnwrapAsync(wrapped, context, token), cancellationToken);
    }

    private IKeyWrapper Of(string provider, string what) => byName.TryGetValue(provider, out var wrapper)
        ? wrapper
        : throw new KeyServiceDeniedException($"Encryption provider '{provider}' is needed for {what}, and is not configured here. Set its section below Obot:Encryption as on the silo that used it.");

    private async Task<TResult> TryAsync<TResult>(IKeyWrapper wrapper, string keyId, Func<CancellationToken, Task<TResult>> attempt, CancellationToken cancellationToken)
    {
        for (var i = 1; ; i++)
        {
            using var limit = new CancellationTokenSource(options.Value.Timeout, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            try
            {
                return await attempt(both.Token);
            }
            catch (KeyServiceUnreachableException) when (i < Attempts)
            {
            }
            catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
            {
                if (i == Attempts)
                {
                    throw new KeyServiceUnreachableException($"{wrapper.Provider} key '{keyId}': no answer within {options.Value.Timeout.TotalSeconds:0.#} s, {Attempts} times. Is the KMS reachable from this silo?", e);
                }
            }

            await Task.Delay(FirstPause * i * i, time, cancellationToken);
        }
    }
}
