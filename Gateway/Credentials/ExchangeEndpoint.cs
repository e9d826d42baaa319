using System.Buffers.Text;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Credentials;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Exchange;

namespace Obot.Gateway.Credentials;

/// <summary>
/// Token exchange for guards (RFC 8693) at <c>/oauth/token</c> of the internal listener: the guard proves its instance, the assertion proves who
/// calls, and the grain answers for exactly that user and server. What passes through here is encrypted to the guard.
/// </summary>
internal sealed partial class ExchangeEndpoint(
    IAssertionIssuer assertions, IUserDirectory users, IGrainFactory grains, IOptions<AddressOptions> addresses, ILogger<ExchangeEndpoint> logger)
{
    private const long MaxBody = 128 * 1024;

    public async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (!HttpMethods.IsPost(context.Request.Method) || !context.Request.HasFormContentType)
        {
            await WriteAsync(context, StatusCodes.Status400BadRequest, Error(ExchangeErrors.InvalidRequest, "POST a form."));
            return;
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = MaxBody;
        }

        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var (status, answer) = await ExchangeAsync(name => form[name] is [{ Length: > 0 } value] ? value : null, context.RequestAborted);
        await WriteAsync(context, status, answer);
    }

    private async Task<(int Status, ExchangeAnswer Answer)> ExchangeAsync(Func<string, string?> field, CancellationToken cancellationToken)
    {
        if (field(ExchangeForm.ClientAssertionType) != ExchangeForm.JwtBearer || field(ExchangeForm.ClientAssertion) is not { } credential
            || await assertions.VerifyGuardCredential(credential, cancellationToken) is not { } guard)
        {
            return (StatusCodes.Status401Unauthorized, Error(ExchangeErrors.InvalidClient, "No good guard credential came as client_assertion."));
        }

        if (field(ExchangeForm.GrantType) != ExchangeForm.TokenExchange || field(ExchangeForm.SubjectTokenType) != ExchangeForm.Jwt || field(ExchangeForm.Key) is not { } key || !Base64Url.IsValid(key))
        {
            return (StatusCodes.Status400BadRequest, Error(ExchangeErrors.InvalidRequest, "This endpoint exchanges assertions (RFC 8693) for guards, which send a key for the answer."));
        }

        if (field(ExchangeForm.SubjectToken) is not { } assertion || await assertions.VerifyAssertion(assertion, guard.Instance, cancellationToken) is not { } userId
            || await users.Find(userId, cancellationToken) is null || (guard.Instance.UserId is { } owner && owner != userId))
        {
            return (StatusCodes.Status400BadRequest, Error(ExchangeErrors.InvalidGrant, "The subject token is no assertion of this cluster for that guard and a user who is still here."));
        }

        var denied = int.TryParse(field(ExchangeForm.DeniedStatus), NumberStyles.None, CultureInfo.InvariantCulture, out var status)
            ? new ServerDenial(status, field(ExchangeForm.DeniedChallenge) ?? "", field(ExchangeForm.DeniedToken))
            : null;
        try
        {
            var grain = grains.GetGrain<ICredentialGrain>(McpInstanceId.Of(guard.Instance.ServerId, userId).ToString());
            return Answer(guard.Instance.ServerId, await AskAsync(grain, new(Base64Url.DecodeFromChars(key), denied), cancellationToken));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogFailed(e, guard.Instance, userId);
            return (StatusCodes.Status503ServiceUnavailable, Error(ExchangeErrors.TemporarilyUnavailable, "your credentials could not be read just now: try again"));
        }
    }

    /// <summary>The grain's silo may just have died, or the row may have been taken by another activation: asking again finds it.</summary>
    private static async Task<ExchangeOutcome> AskAsync(ICredentialGrain grain, ExchangeDemand demand, CancellationToken cancellationToken)
    {
        const int attempts = 4;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await grain.Exchange(demand).WaitAsync(cancellationToken);
            }
            catch (Exception e) when (attempt < attempts && e is SiloUnavailableException or OrleansMessageRejectionException or Orleans.Storage.InconsistentStateException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(250 * attempt), cancellationToken);
            }
        }
    }

    private (int Status, ExchangeAnswer Answer) Answer(string serverId, ExchangeOutcome outcome) => outcome switch
    {
        { Sealed: { } jwe } => (StatusCodes.Status200OK, new()
        {
            AccessToken = jwe, IssuedTokenType = ExchangeForm.AccessToken, TokenType = "Bearer", ExpiresIn = outcome.GoodFor.TotalSeconds,
        }),
        { Error: ExchangeErrors.InteractionRequired } => (StatusCodes.Status400BadRequest, Error(outcome, $"{addresses.Value.EffectivePublicUrl}/oauth/mcp/connect/{serverId}")),
        { Error: ExchangeErrors.ConfigurationRequired } => (StatusCodes.Status400BadRequest, Error(outcome, $"{addresses.Value.EffectivePublicUrl}/admin/servers/{serverId}")),
        { Error: ExchangeErrors.TemporarilyUnavailable } => (StatusCodes.Status503ServiceUnavailable, Error(outcome, null)),
        _ => (StatusCodes.Status400BadRequest, Error(outcome, null)),
    };

    private static ExchangeAnswer Error(ExchangeOutcome outcome, string? uri) => new() { Error = outcome.Error, ErrorDescription = outcome.Description, ErrorUri = uri };

    private static ExchangeAnswer Error(string error, string description) => new() { Error = error, ErrorDescription = description };

    private static Task WriteAsync(HttpContext context, int status, ExchangeAnswer answer)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(answer, ShimJson.Default.ExchangeAnswer, cancellationToken: context.RequestAborted);
    }

    [LoggerMessage(LogLevel.Warning, "The exchange of the guard of {Instance} for {UserId} failed")]
    private partial void LogFailed(Exception exception, McpInstanceId instance, string userId);
}
