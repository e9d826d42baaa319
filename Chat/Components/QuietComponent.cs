using Microsoft.AspNetCore.Components;

namespace Obot.Chat.Components;

/// <summary>
/// Renders again only when a parameter is another one: what it is given is immutable, so the same object looks the same. Without callbacks as
/// parameters, which are new each time; a cascading value carries what it may do.
/// </summary>
public abstract class QuietComponent : ComponentBase
{
    private Dictionary<string, object?>? _shown;

    public override Task SetParametersAsync(ParameterView parameters)
    {
        var given = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var parameter in parameters)
        {
            given[parameter.Name] = parameter.Value;
        }

        if (_shown is { } shown && shown.Count == given.Count && given.All(entry => shown.TryGetValue(entry.Key, out var value) && IsSame(value, entry.Value)))
        {
            return Task.CompletedTask;
        }

        _shown = given;
        return base.SetParametersAsync(parameters);
    }

    private static bool IsSame(object? one, object? other) => ReferenceEquals(one, other) || (one is string or ValueType && one.Equals(other));
}
