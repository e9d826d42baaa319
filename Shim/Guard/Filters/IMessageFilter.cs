using Obot.Shim.Contracts.Audit;

namespace Obot.Shim.Guard.Filters;

/// <summary>Judges messages. Whatever goes wrong in it is told by <see cref="FilterFault"/>, and the message is blocked.</summary>
internal interface IMessageFilter
{
    /// <param name="message">One JSON-RPC message.</param>
    /// <param name="mayMutate">A change will be taken.</param>
    /// <exception cref="FilterFault">It could not be asked, or said what cannot be used.</exception>
    ValueTask<FilterVerdict> JudgeAsync(FilterSubject subject, ReadOnlyMemory<byte> message, bool mayMutate, CancellationToken cancellationToken);
}

/// <param name="Outcome">One of <see cref="FilterOutcomes"/>.</param>
/// <param name="Detail">For a person.</param>
/// <param name="Message">The changed message, with <see cref="FilterOutcomes.Mutated"/>.</param>
internal sealed record FilterVerdict(string Outcome, string? Detail = null, ReadOnlyMemory<byte> Message = default)
{
    public static FilterVerdict Accepted { get; } = new(FilterOutcomes.Accepted);

    public static FilterVerdict Rejected(string? reason) => new(FilterOutcomes.Rejected, reason);
}

/// <summary>Why a filter gave no usable answer, for a person.</summary>
internal sealed class FilterFault(string message) : Exception(message);
