using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Guard.Filters;

/// <summary>A filter, ready to be asked.</summary>
internal sealed class CompiledFilter(GuardFilter config, IMessageFilter filter)
{
    private readonly Selector[] selectors = [.. config.Selectors.Select(one => new Selector(new([one.Method]), one.Identifiers is { } ids ? new(ids) : null))];

    public GuardFilter Config => config;

    public IMessageFilter Filter => filter;

    public TimeSpan Timeout { get; } = TimeSpan.FromMilliseconds(config.TimeoutMilliseconds);

    /// <summary>Some message of this method may be meant.</summary>
    public bool Covers(string method) => selectors.Length == 0 || Array.Exists(selectors, one => one.Methods.Allows(method));

    /// <summary>Without an identifier only selectors match that ask for none, or for any.</summary>
    public bool Covers(string method, string? identifier)
    {
        foreach (var selector in selectors)
        {
            if (selector.Methods.Allows(method) && (selector.Identifiers is null || selector.Identifiers.Allows(identifier ?? "")))
            {
                return true;
            }
        }

        return selectors.Length == 0;
    }

    private sealed record Selector(FilterPatterns Methods, FilterPatterns? Identifiers);
}
