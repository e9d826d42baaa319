using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Files;

namespace Obot.Gateway.Management;

/// <summary>Problem details (RFC 9457): every refusal names the field or the thing, and what is allowed.</summary>
internal static class ManagementProblems
{
    public const string ContentType = "application/problem+json";

    public static IResult InvalidField(string field, string message, IEnumerable<string>? warnings = null)
    {
        var problem = New(StatusCodes.Status400BadRequest, "Invalid input", $"{field}: {message}");
        problem.Extensions["field"] = field;
        problem.Extensions["errors"] = new Dictionary<string, string[]>(StringComparer.Ordinal) { [field] = [message] };
        if (warnings?.ToArray() is { Length: > 0 } unknown)
        {
            problem.Extensions["warnings"] = unknown;
        }

        return Write(problem);
    }

    public static IResult NotFound(string kind, string id) =>
        Problem(StatusCodes.Status404NotFound, "Not found", $"There is no {kind} '{id}', or you may not see it.");

    /// <param name="why">Said instead of the general advice.</param>
    public static IResult Unauthenticated(HttpContext context, string? why = null)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer";
        return Problem(
            StatusCodes.Status401Unauthorized,
            "Not authenticated",
            why ?? "Send 'Authorization: Bearer <API key with scope api>', or the bootstrap token. The request carried no credential, or one that is unknown, expired or revoked.");
    }

    public static IResult MissingScope(HttpContext context, string scope)
    {
        context.Response.Headers.WWWAuthenticate = $"Bearer error=\"insufficient_scope\", scope=\"{scope}\"";
        return Problem(StatusCodes.Status403Forbidden, "Not allowed", $"The credential is good but lacks scope '{scope}'. Make an API key with \"scopes\": [\"{scope}\"].");
    }

    public static IResult Problem(int status, string title, string detail) => Write(New(status, title, detail));

    /// <summary>Null for what is nobody's input: the host answers 500 and the log has it.</summary>
    public static IResult? Of(Exception exception) => exception switch
    {
        InvalidBodyException e => Write(e.Problem),
        InvalidInputException e => InvalidField(e.Field, e.Message),
        NotAllowedException e => Problem(StatusCodes.Status403Forbidden, "Not allowed", e.Message),
        ConflictException e => Problem(StatusCodes.Status409Conflict, "Conflict", e.Message),
        ServerUnavailableException e => Problem(StatusCodes.Status503ServiceUnavailable, "Server unavailable", e.Message),
        StorageUnavailableException e => Problem(StatusCodes.Status503ServiceUnavailable, "Storage unavailable", e.Message),
        EncryptionException e => Problem(StatusCodes.Status503ServiceUnavailable, "Encryption unavailable", e.Message),
        BadHttpRequestException e => Problem(e.StatusCode, "Bad request", e.Message),
        _ => null,
    };

    public static ProblemDetails New(int status, string title, string detail) => new()
    {
        Type = $"https://www.rfc-editor.org/rfc/rfc9110#section-15.{status / 100}",
        Status = status,
        Title = title,
        Detail = detail,
    };

    private static IResult Write(ProblemDetails problem) => Results.Json(problem, ManagementJson.Options, ContentType, problem.Status);
}

/// <summary>A body that cannot be read.</summary>
internal sealed class InvalidBodyException(ProblemDetails problem) : Exception(problem.Detail)
{
    public ProblemDetails Problem { get; } = problem;
}
