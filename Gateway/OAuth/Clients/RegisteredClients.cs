using System.Security.Cryptography;
using Obot.Gateway.OAuth.Tokens;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace Obot.Gateway.OAuth.Clients;

/// <summary>A client that an administrator makes.</summary>
internal sealed record NewOAuthClient
{
    public string? Name { get; init; }
    public IReadOnlyList<string>? RedirectURIs { get; init; }

    /// <summary>Default: <c>authorization_code</c> and <c>refresh_token</c>. Also: token exchange, and <c>jwt-bearer</c> for identity assertions.</summary>
    public IReadOnlyList<string>? GrantTypes { get; init; }

    /// <summary>An application that can keep no secret. Default false.</summary>
    public bool Public { get; init; }
}

/// <summary>A client as administrators see it.</summary>
/// <param name="Kind"><c>dynamic</c> (RFC 7591), <c>document</c> (its id is a URL), <c>service</c> (a service account's), <c>registered</c>.</param>
/// <param name="ClientSecret">Shown only in the answer that makes it.</param>
internal sealed record OAuthClientBody(string Id, string ClientID, string? Name, string Kind, bool Public, IReadOnlyList<string> RedirectURIs, IReadOnlyList<string> GrantTypes, string? ClientSecret = null);

/// <summary>Clients that administrators make and remove: for programs that can neither register nor publish a document, and for service accounts.</summary>
internal sealed class RegisteredClients(IOpenIddictApplicationManager applications, IOpenIddictTokenManager tokens, IOpenIddictAuthorizationManager authorizations)
{
    private static readonly string[] Allowed = [GrantTypes.AuthorizationCode, GrantTypes.RefreshToken, GrantTypes.TokenExchange, EnterpriseGrant.GrantType];

    public async Task<OAuthClientBody> CreateAsync(Principal caller, NewOAuthClient request, CancellationToken cancellationToken)
    {
        CheckAdministers(caller);
        var grants = request.GrantTypes ?? [GrantTypes.AuthorizationCode, GrantTypes.RefreshToken];
        if (grants.Count == 0 || grants.Except(Allowed, StringComparer.Ordinal).FirstOrDefault() is not null)
        {
            throw new InvalidInputException("grantTypes", $"Allowed: {string.Join(", ", Allowed)}. Client credentials belong to service accounts.");
        }

        if (request.Public && grants.Except([GrantTypes.AuthorizationCode, GrantTypes.RefreshToken], StringComparer.Ordinal).Any())
        {
            throw new InvalidInputException("public", "Token exchange and identity assertions need a client that keeps a secret.");
        }

        if (string.IsNullOrWhiteSpace(request.Name))
        {
            throw new InvalidInputException("name", "Required: what people see when they are asked for consent.");
        }

        var interactive = grants.Contains(GrantTypes.AuthorizationCode, StringComparer.Ordinal);
        OpenIddictApplicationDescriptor descriptor;
        try
        {
            descriptor = ClientDescriptors.Make(new() { ClientName = request.Name, RedirectUris = interactive ? request.RedirectURIs : ["https://none.invalid/"] }, NewId("oc_"));
        }
        catch (ClientMetadataException e)
        {
            throw new InvalidInputException("redirectURIs", e.Message);
        }

        descriptor.Permissions.RemoveWhere(permission => permission.StartsWith(Permissions.Prefixes.GrantType, StringComparison.Ordinal));
        descriptor.Permissions.UnionWith(grants.Select(grant => Permissions.Prefixes.GrantType + grant));
        if (!interactive)
        {
            descriptor.RedirectUris.Clear();
            descriptor.Permissions.ExceptWith([Permissions.Endpoints.Authorization, Permissions.ResponseTypes.Code]);
        }

        return await SaveAsync(descriptor, request.Public ? null : NewSecret(), cancellationToken);
    }

    /// <summary>Credentials by which a service account gets tokens (OAuth 2.1, section 4.2).</summary>
    public async Task<OAuthClientBody> CreateForAsync(Principal caller, UserDetails account, CancellationToken cancellationToken)
    {
        CheckAdministers(caller);
        if (account.Role > caller.Role || (account.Auditor && !caller.Auditor && caller.Role < Role.Owner))
        {
            throw new NotAllowedException("The account may do more than you: somebody of its role has to make its secret.");
        }

        var descriptor = new OpenIddictApplicationDescriptor
        {
            ClientId = NewId("sc_"),
            ConsentType = ConsentTypes.Implicit,
            DisplayName = account.Name,
            Permissions = { Permissions.Endpoints.Token, Permissions.Endpoints.Revocation, Permissions.GrantTypes.ClientCredentials },
            Properties = { [TokenEndpoint.ServiceAccount] = ClientDescriptors.Property(account.Id) },
        };
        return await SaveAsync(descriptor, NewSecret(), cancellationToken);
    }

    public async Task<IReadOnlyList<OAuthClientBody>> ListAsync(Principal caller, int limit, int offset, CancellationToken cancellationToken)
    {
        CheckAdministers(caller);
        var clients = new List<OAuthClientBody>();
        await foreach (var application in applications.ListAsync(limit, offset, cancellationToken))
        {
            clients.Add(await BodyAsync(application, null, cancellationToken));
        }

        return clients;
    }

    /// <summary>Removes a client with every consent, grant and token; false when there is none.</summary>
    public async Task<bool> DeleteAsync(Principal caller, string id, CancellationToken cancellationToken)
    {
        CheckAdministers(caller);
        if (await applications.FindByIdAsync(id, cancellationToken) is not { } application)
        {
            return false;
        }

        // announced grant by grant, so that access tokens end now and not with their time
        var grants = new List<string>();
        await foreach (var authorization in authorizations.FindByApplicationIdAsync(id, cancellationToken))
        {
            grants.Add((await authorizations.GetIdAsync(authorization, cancellationToken))!);
        }

        foreach (var grant in grants)
        {
            await tokens.RevokeByAuthorizationIdAsync(grant, cancellationToken);
        }

        await applications.DeleteAsync(application, cancellationToken);
        return true;
    }

    private async Task<OAuthClientBody> SaveAsync(OpenIddictApplicationDescriptor descriptor, string? secret, CancellationToken cancellationToken)
    {
        (descriptor.ClientSecret, descriptor.ClientType) = (secret, secret is null ? ClientTypes.Public : ClientTypes.Confidential);
        return await BodyAsync(await applications.CreateAsync(descriptor, cancellationToken), secret, cancellationToken);
    }

    private async Task<OAuthClientBody> BodyAsync(object application, string? secret, CancellationToken cancellationToken)
    {
        var properties = await applications.GetPropertiesAsync(application, cancellationToken);
        var clientId = (await applications.GetClientIdAsync(application, cancellationToken))!;
        return new(
            (await applications.GetIdAsync(application, cancellationToken))!,
            clientId,
            await applications.GetDisplayNameAsync(application, cancellationToken),
            properties.ContainsKey(TokenEndpoint.ServiceAccount) ? "service" : properties.ContainsKey(ClientDescriptors.RegisteredAt) ? "dynamic" : MetadataDocuments.IsDocument(clientId) ? "document" : "registered",
            await applications.HasClientTypeAsync(application, ClientTypes.Public, cancellationToken),
            [.. await applications.GetRedirectUrisAsync(application, cancellationToken)],
            [
                .. (await applications.GetPermissionsAsync(application, cancellationToken)).Where(permission => permission.StartsWith(Permissions.Prefixes.GrantType, StringComparison.Ordinal))
                    .Select(permission => permission[Permissions.Prefixes.GrantType.Length..]),
            ],
            secret);
    }

    private static void CheckAdministers(Principal caller)
    {
        if (caller.Role < Role.Admin || caller.ServerIds is not null)
        {
            throw new NotAllowedException("OAuth clients are managed by administrators.");
        }
    }

    private static string NewId(string prefix) => prefix + RandomNumberGenerator.GetHexString(24, lowercase: true);

    private static string NewSecret() => RandomNumberGenerator.GetHexString(64, lowercase: true);
}
