using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Outbound;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace Obot.Gateway.OAuth.Clients;

/// <summary>
/// Clients whose id is the URL of a document about them (draft-ietf-oauth-client-id-metadata-document). The document is read when
/// somebody signs in with it and kept as long as HTTP allows, at most a day; the row that remembers it is shared by all silos.
/// </summary>
internal sealed class MetadataDocuments(IOpenIddictApplicationManager applications, IOutboundDocuments documents, IOptions<OAuthOptions> options, TimeProvider time)
{
    private const string FreshUntil = "fresh_until";
    private const int MaxDocument = 32 * 1024;
    private static readonly TimeSpan Usual = TimeSpan.FromHours(1);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);
    private static readonly JsonSerializerOptions Json = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    public static bool IsDocument(string? clientId) => clientId?.StartsWith("https://", StringComparison.Ordinal) is true;

    /// <summary>Makes the client known, or known as it is now.</summary>
    /// <exception cref="ClientMetadataException">The id is no such URL, or the document cannot be accepted.</exception>
    /// <exception cref="OutboundRefusedException">The document cannot be read.</exception>
    public async Task EnsureAsync(string clientId, CancellationToken cancellationToken)
    {
        var known = await applications.FindByClientIdAsync(clientId, cancellationToken);
        if (known is not null && await IsFreshAsync(known, cancellationToken))
        {
            return;
        }

        var uri = Check(clientId);
        var document = await documents.Get(uri, MaxDocument, cancellationToken);
        var descriptor = Describe(clientId, document);
        try
        {
            if (known is null)
            {
                await applications.CreateAsync(descriptor, cancellationToken);
            }
            else
            {
                await applications.UpdateAsync(known, descriptor, cancellationToken);
            }
        }
        catch (Exception e) when (e is OpenIddictExceptions.ConcurrencyException or OpenIddictExceptions.ValidationException or Microsoft.EntityFrameworkCore.DbUpdateException)
        {
            // another silo read the same document at the same time
        }
    }

    private async Task<bool> IsFreshAsync(object application, CancellationToken cancellationToken) =>
        (await applications.GetPropertiesAsync(application, cancellationToken)).TryGetValue(FreshUntil, out var until)
        && until.TryGetDateTimeOffset(out var moment) && moment > time.GetUtcNow();

    private Uri Check(string clientId)
    {
        if (clientId.Length > 1024 || clientId.Any(char.IsControl) || !Uri.TryCreate(clientId, UriKind.Absolute, out var uri)
            || uri is not { Scheme: "https", UserInfo: "", Fragment: "" } || uri.AbsolutePath is "/" || uri.AbsoluteUri != clientId)
        {
            throw new ClientMetadataException(Errors.InvalidClient, "A client id that is a URL must be https, in normal form, with a path, without user, fragment and dot segments.");
        }

        return options.Value.ClientMetadataHosts is not { Count: > 0 } hosts || hosts.Any(host => IsHost(host, uri.Host))
            ? uri
            : throw new ClientMetadataException(Errors.InvalidClient, $"Clients of '{uri.Host}' are not accepted here (Obot:OAuth:ClientMetadataHosts).");
    }

    private OpenIddictApplicationDescriptor Describe(string clientId, OutboundDocument document)
    {
        ClientMetadata metadata;
        try
        {
            metadata = JsonSerializer.Deserialize<ClientMetadata>(document.Body, Json) ?? throw new JsonException("null is no object.");
        }
        catch (JsonException e)
        {
            throw new ClientMetadataException(Errors.InvalidClient, $"The client's document is not JSON client metadata: {e.Message}");
        }

        if (metadata.ClientId != clientId)
        {
            throw new ClientMetadataException(Errors.InvalidClient, "The document's client_id is not its own URL.");
        }

        if (metadata.ClientSecret is not null || metadata.TokenEndpointAuthMethod is not (null or ClientAuthenticationMethods.None))
        {
            throw new ClientMetadataException(Errors.InvalidClient, "A public document can hold no secret: token_endpoint_auth_method must be 'none'.");
        }

        var descriptor = ClientDescriptors.Make(metadata, clientId);
        descriptor.ClientType = ClientTypes.Public;
        var fresh = document.FreshFor ?? Usual;
        var until = time.GetUtcNow() + (fresh < Longest ? fresh : Longest);
        descriptor.Properties[FreshUntil] = ClientDescriptors.Property(until.ToString("O", CultureInfo.InvariantCulture));
        return descriptor;
    }

    private static bool IsHost(string pattern, string host) => pattern.StartsWith("*.", StringComparison.Ordinal)
        ? host.EndsWith(pattern[1..], StringComparison.OrdinalIgnoreCase)
        : host.Equals(pattern, StringComparison.OrdinalIgnoreCase);
}
