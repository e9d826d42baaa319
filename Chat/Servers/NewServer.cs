using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Chat.Servers;

/// <summary>What the dialog "add server" asks for.</summary>
public sealed class NewServer
{
    public string Name { get; set; } = "";
    public string Runtime { get; set; } = Runtimes.Npx;
    public string Package { get; set; } = "";
    public string Url { get; set; } = "";

    /// <summary>One argument a line.</summary>
    public string Args { get; set; } = "";

    /// <summary><c>KEY=value</c>, one a line.</summary>
    public string Env { get; set; } = "";
    public bool Shared { get; set; }

    /// <summary>Components of a composite.</summary>
    public IList<NewComponent> Components { get; } = [];

    /// <exception cref="InvalidInputException">A line of <see cref="Env"/> is no <c>KEY=value</c>.</exception>
    public ServerManifest ToManifest()
    {
        if (Runtime == Runtimes.Composite)
        {
            return new()
            {
                Name = Name.Trim() is { Length: > 0 } given ? given : string.Join(" + ", Components.Select(component => component.Name)),
                Runtime = Runtime,
                CompositeConfig = new()
                {
                    ComponentServers = [.. Components.Select(component => new ComponentServer { McpServerID = component.Id, ToolPrefix = component.Prefix.Trim() is { Length: > 0 } prefix ? prefix : null })],
                },
            };
        }

        var remote = Runtime == Runtimes.Remote;
        var package = remote ? null : new PackageConfig { Package = Package.Trim(), Args = [.. Lines(Args)] };
        return new()
        {
            Name = Name.Trim() is { Length: > 0 } name ? name : (remote ? Url : Package).Trim(),
            Runtime = Runtime,
            ServerUserType = Shared ? ServerUserTypes.MultiUser : ServerUserTypes.SingleUser,
            NpxConfig = Runtime == Runtimes.Npx ? package : null,
            UvxConfig = Runtime == Runtimes.Uvx ? package : null,
            RemoteConfig = remote ? new() { FixedURL = Url.Trim() } : null,
            Env = remote ? [] : [.. Lines(Env).Select(Entry)],
        };
    }

    private static ManifestValue Entry(string line) => line.Split('=', 2) is [var key, var value]
        ? new() { Key = key.Trim(), Value = value, Sensitive = true }
        : throw new InvalidInputException("Environment", $"'{line}' is no line of the form KEY=value.");

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}

/// <summary>A server that becomes part of a composite.</summary>
public sealed class NewComponent
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public string Prefix { get; set; } = "";
}
