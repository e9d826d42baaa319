using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace Obot.Gateway.OAuth.Clients;

/// <summary><c>POST /oauth/register</c>: dynamic client registration (RFC 7591), open to everybody and therefore counted.</summary>
internal sealed class Registration(IOpenIddictApplicationManager applications, RateWindows windows, IOptions<OAuthOptions> options, TimeProvider time)
{
    private const string IdPrefix = "dcr_";
    private const int MaxBody = 64 * 1024;
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly JsonSerializerOptions Json = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    public async Task<IResult> HandleAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (await CountAsync(context) is { } wait)
        {
            context.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            return Refuse(StatusCodes.Status429TooManyRequests, "temporarily_unavailable", "Too many clients were registered from this address within the hour. Come again later, or use a client id metadata document.");
        }

        try
        {
            var metadata = await ReadAsync(context);
            return await RegisterAsync(metadata, context.RequestAborted);
        }
        catch (ClientMetadataException e)
        {
            return Refuse(StatusCodes.Status400BadRequest, e.Error, e.Message);
        }
        catch (JsonException e)
        {
            return Refuse(StatusCodes.Status400BadRequest, "invalid_client_metadata", $"The body is not a JSON object of client metadata: {e.Message}");
        }
    }

    private async Task<IResult> RegisterAsync(ClientMetadata metadata, CancellationToken cancellationToken)
    {
        var id = IdPrefix + RandomNumberGenerator.GetHexString(24, lowercase: true);
        var descriptor = ClientDescriptors.Make(metadata, id);
        var method = metadata.TokenEndpointAuthMethod ?? ClientAuthenticationMethods.ClientSecretBasic;
        var secret = method switch
        {
            ClientAuthenticationMethods.None => null,
            ClientAuthenticationMethods.ClientSecretBasic or ClientAuthenticationMethods.ClientSecretPost => RandomNumberGenerator.GetHexString(64, lowercase: true),
            _ => throw new ClientMetadataException("invalid_client_metadata", "token_endpoint_auth_method must be 'none', 'client_secret_basic' or 'client_secret_post'."),
        };
        var now = time.GetUtcNow();
        descriptor.ClientType = secret is null ? ClientTypes.Public : ClientTypes.Confidential;
        descriptor.ClientSecret = secret;
        descriptor.Properties[ClientDescriptors.RegisteredAt] = ClientDescriptors.Property(now.ToString("O", CultureInfo.InvariantCulture));
        await applications.CreateAsync(descriptor, cancellationToken);

        var answer = new JsonObject
        {
            ["client_id"] = id,
            ["client_id_issued_at"] = now.ToUnixTimeSeconds(),
            ["client_name"] = descriptor.DisplayName,
            ["redirect_uris"] = new JsonArray([.. metadata.RedirectUris!.Select(uri => JsonValue.Create(uri))]),
            ["token_endpoint_auth_method"] = method,
            ["grant_types"] = new JsonArray([.. ClientDescriptors.GrantsOf(metadata).Select(grant => JsonValue.Create(grant))]),
            ["response_types"] = new JsonArray(ResponseTypes.Code),
            ["application_type"] = descriptor.ApplicationType,
        };
        if (metadata.Scope is { } scope)
        {
            answer["scope"] = scope;
        }

        if (secret is not null)
        {
            answer["client_secret"] = secret;
            answer["client_secret_expires_at"] = 0;
        }

        return Results.Json(answer, statusCode: StatusCodes.Status201Created);
    }

    private async Task<TimeSpan?> CountAsync(HttpContext context)
    {
        if (options.Value.RegistrationsPerHour <= 0)
        {
            return Hour;
        }

        var address = context.Connection.RemoteIpAddress ?? IPAddress.None;
        return await windows.TakeAsync($"register:{address}", options.Value.RegistrationsPerHour, Hour, context.RequestAborted)
            ?? await windows.TakeAsync("register:*", options.Value.RegistrationsPerHourInAll, Hour, context.RequestAborted);
    }

    private static async Task<ClientMetadata> ReadAsync(HttpContext context)
    {
        var body = new byte[MaxBody + 1];
        var length = await context.Request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, context.RequestAborted);
        return length <= MaxBody
            ? JsonSerializer.Deserialize<ClientMetadata>(body.AsSpan(0, length), Json) ?? throw new JsonException("null is no object.")
            : throw new ClientMetadataException("invalid_client_metadata", $"The body is longer than {MaxBody} bytes.");
    }

    private static IResult Refuse(int status, string error, string description) =>
        Results.Json(new JsonObject { ["error"] = error, ["error_description"] = description }, statusCode: status);
}
