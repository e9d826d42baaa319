using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Hosting;

/// <summary>Rules of <c>compositeConfig</c>.</summary>
internal static class CompositeValidation
{
    private const int MaxComponents = 50;
    private const int MaxOverrides = 1000;
    private const int MaxName = 128;
    private const int MaxPrefix = 64;
    private const int MaxDescription = 10_000;

    public static void Check(CompositeConfig? config, string path)
    {
        if (config is null)
        {
            return;
        }

        if (config.ComponentServers.Count is 0 or > MaxComponents)
        {
            throw new InvalidInputException($"{path}.componentServers", $"Required: 1 to {MaxComponents} components.");
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < config.ComponentServers.Count; i++)
        {
            var at = $"{path}.componentServers[{i}]";
            var component = config.ComponentServers[i];
            if (component.McpServerID is null == component.CatalogEntryID is null || component.Id.Length is 0 or > MaxName)
            {
                throw new InvalidInputException($"{at}.mcpServerID", "Exactly one of 'mcpServerID' and 'catalogEntryID' is required.");
            }

            if (!seen.Add(component.Id))
            {
                throw new InvalidInputException(at, $"'{component.Id}' is there twice; every component may be there once.");
            }

            if (component.ToolPrefix is { } prefix && !IsName(prefix, MaxPrefix))
            {
                throw new InvalidInputException($"{at}.toolPrefix", $"At most {MaxPrefix} letters, digits, '_', '-' and '.'.");
            }

            Overrides(component.ToolOverrides, $"{at}.toolOverrides");
        }
    }

    /// <summary>Components that are servers have to exist for whoever composes them, and be no composites.</summary>
    public static async Task CheckComponentsAsync(ObotDb db, IEncryption encryption, Principal caller, ServerManifest manifest, CancellationToken cancellationToken)
    {
        for (var i = 0; i < manifest.CompositeConfig?.ComponentServers.Count; i++)
        {
            if (manifest.CompositeConfig.ComponentServers[i].McpServerID is not { } id)
            {
                continue;
            }

            var path = $"manifest.compositeConfig.componentServers[{i}].mcpServerID";
            var row = await ServerSight.FindAsync(db, db.Servers.AsNoTracking(), caller, id, cancellationToken)
                ?? throw new InvalidInputException(path, $"There is no server '{id}' that you may use.");
            if (encryption.DecryptManifest(row).Runtime == Runtimes.Composite)
            {
                throw new InvalidInputException(path, $"'{id}' is a composite itself; components have to be other servers.");
            }
        }
    }

    private static void Overrides(IReadOnlyList<ToolOverride> overrides, string path)
    {
        if (overrides.Count > MaxOverrides)
        {
            throw new InvalidInputException(path, $"At most {MaxOverrides} tools.");
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < overrides.Count; i++)
        {
            var tool = overrides[i];
            if (tool.Name.Length is 0 or > 512 || !seen.Add(tool.Name))
            {
                throw new InvalidInputException($"{path}[{i}].name", "Required: the name of a tool as its component calls it, once.");
            }

            if (tool.OverrideName is { } name && (name.Length == 0 || !IsName(name, MaxName)))
            {
                throw new InvalidInputException($"{path}[{i}].overrideName", $"1 to {MaxName} letters, digits, '_', '-' and '.'.");
            }

            if (tool.OverrideDescription?.Length > MaxDescription)
            {
                throw new InvalidInputException($"{path}[{i}].overrideDescription", $"At most {MaxDescription} characters.");
            }
        }
    }

    /// <summary>MCP 2025-11-25, "Tool names".</summary>
    private static bool IsName(string text, int length) => text.Length <= length && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.');
}
