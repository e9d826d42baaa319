using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Abstractions.Catalog;

/// <summary>
/// Port: manifests out of what people copy from elsewhere: the registry's <c>server.json</c> (also inside a registry's answer), the block
/// <c>mcpServers</c> of a client's settings (<c>servers</c> in VS Code), or manifests as they are. Comments and commas too many are allowed.
/// </summary>
public interface IManifestImport
{
    /// <exception cref="InvalidInputException">It is none of these, or a server in it is one that cannot be run here; names the field.</exception>
    ImportedManifests Read(string json);
}

/// <param name="Manifests">At least one; valid.</param>
/// <param name="Warnings">What was left out or has to be looked at.</param>
public sealed record ImportedManifests(IReadOnlyList<ServerManifest> Manifests, IReadOnlyList<string> Warnings);
