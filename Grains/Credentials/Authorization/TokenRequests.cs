using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Obot.Grains.Abstractions.Outbound;
using Obot.Grains.Outbound;

namespace Obot.Grains.Credentials.Authorization;

/// <summary>How a client proves itself at a token endpoint (RFC 7591 section 2).</summary>
internal static class AuthMethods
{
    public const string None = "none";
    public const string Basic = "client_secret_basic";
    public const string Post = "client_secret_post";

    /// <summary>By a signature (RFC 7523 section 2.2), with the key that an administrator entered.</summary>
    public const string PrivateKeyJwt = "private_key_jwt";

    /// <summary>The first of ours that the authorization server takes; RFC 8414's default where it does not say.</summary>
    public static string For(IReadOnlyList<string>? supported, bool hasSecret) => !hasSecret ? None
        : supported is null || supported.Contains(Basic, StringComparer.Ordinal) ? Basic
        : supported.Contains(Post, StringComparer.Ordinal) ? Post
        : Basic;
}

/// <summary>Who we are at a third party.</summary>
/// <param name="Secret">Or the private key, where that is the method.</param>
/// <param name="Issuer">Whom we say it to; null where nothing is signed.</param>
internal sealed record ClientIdentity(string ClientId, string? Secret, string AuthMethod, string? Issuer = null)
{
    public override string ToString() => ClientId;
}

/// <summary>The token endpoint said no (RFC 6749 section 5.2).</summary>
internal sealed class TokenDenied(string error, string? description) : Exception(description is null ? error : $"{error}: {description}")
{
    public string Error { get; } = error;

    /// <summary>The grant itself is gone: asking again with it is useless.</summary>
    public bool IsFinal => Error is "invalid_grant" or "invalid_client" or "unauthorized_client" or "unsupported_grant_type" or "invalid_scope" or "invalid_target";
}

/// <summary>Requests to token, registration and revocation endpoints of third parties.</summary>
internal sealed class TokenRequests(OutboundClient http, TimeProvider time)
{
    private const int MaxAnswer = 256 * 1024;

    /// <exception cref="TokenDenied">It refused.</exception>
    /// <exception cref="OutboundRefusedException">It cannot be asked, or did not answer in the protocol: it may have done what was asked all the same.</exception>
    public async Task<TokenAnswer> AskAsync(string endpoint, ClientIdentity client, Dictionary<string, string?> form, CancellationToken cancellationToken)
    {
        var answer = await PostAsync(endpoint, client, form, cancellationToken);
        var token = OAuthJson.Read<TokenAnswer>(answer.Body);
        if (answer.Status is HttpStatusCode.OK && token is { AccessToken.Length: > 0 })
        {
            return string.Equals(token.TokenType ?? "Bearer", "Bearer", StringComparison.OrdinalIgnoreCase)
                ? token
                : throw new TokenDenied("unsupported_token_type", $"It issues '{token.TokenType}' tokens; MCP takes Bearer.");
        }

        return token?.Error is { } error && (int)answer.Status is >= 400 and < 500
            ? throw new TokenDenied(error, token.ErrorDescription)
            : throw new OutboundRefusedException($"'{endpoint}' answered {(int)answer.Status} without a token.");
    }

    /// <summary>RFC 7009. Whether it worked tells only the third party; false when it said that it did not.</summary>
    public async Task<bool> RevokeAsync(string endpoint, ClientIdentity client, string token, string hint, CancellationToken cancellationToken) =>
        (await PostAsync(endpoint, client, new(StringComparer.Ordinal) { ["token"] = token, ["token_type_hint"] = hint }, cancellationToken)).Status is HttpStatusCode.OK;

    /// <summary>RFC 7591.</summary>
    /// <exception cref="AuthorizationFault">It refused, or cannot be asked.</exception>
    public async Task<RegisteredClient> RegisterAsync(string endpoint, object metadata, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var uri))
        {
            throw new AuthorizationFault($"'{endpoint}' is no address to register at.");
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, uri)
        {
            Content = new StringContent(System.Text.Json.JsonSerializer.Serialize(metadata, OAuthJson.Options), Encoding.UTF8, "application/json"),
        };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        try
        {
            var answer = await http.SendAsync(request, MaxAnswer, cancellationToken);
            return (int)answer.Status is 200 or 201 && OAuthJson.Read<RegisteredClient>(answer.Body) is { ClientId.Length: > 0 } client
                ? client
                : throw new AuthorizationFault($"'{endpoint}' does not register us: HTTP {(int)answer.Status} {OAuthJson.Read<TokenAnswer>(answer.Body)?.ErrorDescription}");
        }
        catch (OutboundRefusedException e)
        {
            throw new AuthorizationFault(e.Message, e);
        }
    }

    private async Task<OutboundAnswer> PostAsync(string endpoint, ClientIdentity client, Dictionary<string, string?> form, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var uri))
        {
            throw new OutboundRefusedException($"'{endpoint}' is no address.");
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, uri);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        if (client is { AuthMethod: AuthMethods.Basic, Secret: { } secret })
        {
            // RFC 6749 section 2.3.1: both are form-encoded first
            var pair = $"{WebUtility.UrlEncode(client.ClientId)}:{WebUtility.UrlEncode(secret)}";
            request.Headers.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(pair)));
        }
        else if (client is { AuthMethod: AuthMethods.PrivateKeyJwt, Secret: { } key })
        {
            form["client_id"] = client.ClientId;
            form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            form["client_assertion"] = ClientAssertion.Sign(key, client.ClientId, client.Issuer ?? endpoint, time);
        }
        else
        {
            form["client_id"] = client.ClientId;
            form["client_secret"] = client.AuthMethod == AuthMethods.Post ? client.Secret : null;
        }

        request.Content = new FormUrlEncodedContent(form.Where(pair => pair.Value is not null).Select(pair => KeyValuePair.Create(pair.Key, pair.Value!)));
        return await http.SendAsync(request, MaxAnswer, cancellationToken);
    }
}
