using System.Collections.Concurrent;
using System.Security.Cryptography;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Control;

namespace Obot.Shim.Guard.Pool;

/// <summary>
/// Many instances in one guard process. A request names its instance and is that instance's business alone from there on; a newer
/// generation takes the place of an older one at once, which ends when its last call has.
/// </summary>
internal sealed class InstancePool(IServiceProvider services, GuardCredential credential, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan HeartbeatEvery = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, GuardInstance> serving = new(StringComparer.Ordinal);
    private readonly PoolControl control = new(credential);

    public IControlled Control => control;

    public int Count => serving.Count;

    public Task HandleAsync(HttpContext context)
    {
        var named = context.Request.Headers[ObotHeaders.Instance];
        if (named.Count == 0 && context.Request.Path == "/readyz")
        {
            return context.Response.WriteAsync("ready");
        }

        if (named.Count == 1 && serving.TryGetValue(named[0]!, out var instance))
        {
            return instance.HandleAsync(context);
        }

        GuardAnswers.TellRetry(context, ObotHeaders.Retry.Detached);
        return Task.CompletedTask;
    }

    /// <summary>Null when the instance is served; otherwise why not.</summary>
    public string? Attach(GuardBoot boot)
    {
        if (serving.TryGetValue(boot.Instance, out var known) && known.Boot.Generation >= boot.Generation)
        {
            return known.Boot.Generation == boot.Generation ? null : $"generation {known.Boot.Generation} is being served";
        }

        GuardInstance instance;
        try
        {
            instance = new(boot, services, HeartbeatEvery, time);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or CryptographicException)
        {
            return e.Message;
        }

        serving[boot.Instance] = instance;
        control.Attach(instance);
        if (known is not null)
        {
            _ = EndAsync(known);
        }

        return null;
    }

    public void Detach(string name, long generation)
    {
        if (serving.TryGetValue(name, out var instance) && instance.Boot.Generation <= generation && serving.TryRemove(new(name, instance)))
        {
            _ = EndAsync(instance);
        }
    }

    public void Dispose()
    {
        foreach (var instance in serving.Values)
        {
            instance.Dispose();
        }
    }

    /// <summary>No new call reaches it any more; those in hand end first.</summary>
    private async Task EndAsync(GuardInstance instance)
    {
        while (instance.Gate.InFlight > 0)
        {
            await Task.Delay(LookAgain, time);
        }

        control.Detach(instance);
        instance.Dispose();
    }
}
