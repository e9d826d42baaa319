using System.Collections.Immutable;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace Obot.Gateway.OAuth.Authorization;

/// <summary>
/// What a person agreed to, per client: OpenIddict's permanent authorizations. Grants themselves are one each, so that ending one
/// device's grant leaves the others.
/// </summary>
internal sealed class Consents(IOpenIddictApplicationManager applications, IOpenIddictAuthorizationManager authorizations)
{
    public async Task<bool> IsGivenAsync(string userId, object application, ImmutableArray<string> scopes, CancellationToken cancellationToken)
    {
        var id = await applications.GetIdAsync(application, cancellationToken);
        await foreach (var _ in authorizations.FindAsync(userId, id, Statuses.Valid, AuthorizationTypes.Permanent, scopes, cancellationToken))
        {
            return true;
        }

        return false;
    }

    public async Task RememberAsync(string userId, object application, ImmutableArray<string> scopes, CancellationToken cancellationToken)
    {
        var descriptor = new OpenIddictAuthorizationDescriptor
        {
            ApplicationId = await applications.GetIdAsync(application, cancellationToken),
            Status = Statuses.Valid,
            Subject = userId,
            Type = AuthorizationTypes.Permanent,
        };
        descriptor.Scopes.UnionWith(scopes);
        await authorizations.CreateAsync(descriptor, cancellationToken);
    }
}
