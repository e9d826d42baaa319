using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Catalog;

/// <summary>Port: the sources of catalog entries. Administrators only: others get <see cref="NotAllowedException"/>.</summary>
public interface IMcpCatalogs
{
    /// <summary>Makes it, reads its sources once, and answers with what was found (or with what is known after 60 s).</summary>
    /// <exception cref="InvalidInputException">A field is missing or wrong.</exception>
    Task<CatalogView> Create(Principal caller, NewCatalog request, CancellationToken cancellationToken);

    /// <summary>Oldest first.</summary>
    /// <param name="limit">1 … 500.</param>
    Task<Page<CatalogView>> List(Principal caller, int limit, string? cursor, CancellationToken cancellationToken);

    /// <summary>Null when there is none.</summary>
    Task<CatalogView?> Find(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>Replaces name and sources, and reads them. Null when there is none.</summary>
    Task<CatalogView?> Update(Principal caller, string id, NewCatalog request, CancellationToken cancellationToken);

    /// <summary>Reads the sources now and answers with what was found. Null when there is none.</summary>
    Task<CatalogView?> Refresh(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>Removes it with its entries; those that something was made from stay, marked as removed. False when there is none.</summary>
    /// <exception cref="ConflictException">The built-in catalog of own entries.</exception>
    Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken);
}
