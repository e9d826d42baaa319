using Obot.Shim.Contracts.Control;

namespace Obot.Gateway.Control;

/// <summary>Carries the messages of one instance's guard: a socket of its own, or its share of a pooled guard's.</summary>
internal interface IControlWire
{
    Task SendAsync(ControlMessage message, CancellationToken cancellationToken);

    /// <summary>Until the guard hangs up, or serves the instance no more.</summary>
    IAsyncEnumerable<ControlMessage> ReadAllAsync(CancellationToken cancellationToken);
}
