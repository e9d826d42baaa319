namespace Obot.Grains.Abstractions.Outbound;

/// <summary>
/// Port: reads small documents at addresses that strangers named. Only public hosts over https, connected to the very address that
/// was checked (no DNS rebinding); no redirects, no cookies, no proxy.
/// </summary>
public interface IOutboundDocuments
{
    /// <param name="uri">An absolute https URL without user, fragment or an address in place of a name.</param>
    /// <param name="maxBytes">A longer document is refused while it is being read.</param>
    /// <param name="accept">Media type that is asked for.</param>
    /// <exception cref="OutboundRefusedException">The address is not one that may be asked, or its answer is no document: says why.</exception>
    Task<OutboundDocument> Get(Uri uri, int maxBytes, CancellationToken cancellationToken, string accept = "application/json");
}

/// <param name="Body">The bytes of a 200 answer.</param>
/// <param name="ContentType">Media type without parameters.</param>
/// <param name="FreshFor">How long HTTP lets it be kept (RFC 9111); null when it does not say, zero when it must not be kept.</param>
public sealed record OutboundDocument(byte[] Body, string? ContentType, TimeSpan? FreshFor);

/// <summary>An address of a stranger was not asked, or did not answer as it must.</summary>
public sealed class OutboundRefusedException(string message, Exception? inner = null) : Exception(message, inner);
