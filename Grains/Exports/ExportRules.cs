using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Exports;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Exports.Targets;

namespace Obot.Grains.Exports;

internal static class ExportStates
{
    public const string Pending = "Pending";
    public const string Running = "Running";
    public const string Completed = "Completed";
    public const string Failed = "Failed";
    public const string Cancelled = "Cancelled";
}

/// <summary>Who may export what, and the form of what they ask for.</summary>
internal static class ExportRules
{
    public const string DefaultPrefix = "mcp-audit-logs";
    private const int MaxText = 200;
    private static readonly string[] Checksums = [StorageModes.WhenSupported, StorageModes.WhenRequired];
    private static readonly string[] Encryptions = ["AES256", "aws:kms"];

    public static void CheckExports(Principal caller)
    {
        if ((caller.Role < Role.Admin && !caller.Auditor) || caller.ServerIds is not null)
        {
            throw new NotAllowedException("The audit log is exported by administrators and auditors, with a credential that is not bound to single servers.");
        }
    }

    public static void CheckManagesStorage(Principal caller)
    {
        if (caller.Role < Role.Admin || caller.ServerIds is not null)
        {
            throw new NotAllowedException("Where exports go is managed by administrators, with a credential that is not bound to single servers.");
        }
    }

    /// <exception cref="NotAllowedException">Somebody who is no auditor asks for bodies.</exception>
    public static bool Bodies(Principal caller, bool? asked)
    {
        if (asked is true && !caller.Auditor)
        {
            throw new NotAllowedException("Bodies and headers of calls are for auditors only, whatever the role. Leave 'includeBodies' out for the metadata.");
        }

        return asked ?? caller.Auditor;
    }

    public static string Name(string? name, string otherwise) => string.IsNullOrWhiteSpace(name) ? otherwise
        : name.Length <= 100 && !name.Any(char.IsControl) ? name.Trim()
        : throw new InvalidInputException("name", "Must be a text of 1 to 100 characters without control characters.");

    public static string Prefix(string? prefix)
    {
        var clean = (prefix ?? DefaultPrefix).Trim('/');
        return clean.Length is > 0 and <= MaxText && clean.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/' or '=') && !clean.Split('/').Any(part => part is "" or "." or "..")
            ? clean
            : throw new InvalidInputException("keyPrefix", $"Must be 1 to {MaxText} letters, digits and '-_.=', with '/' between parts.");
    }

    public static ExportFilters Filters(ExportFilters? filters)
    {
        filters ??= new();
        foreach (var (field, value) in new[]
        {
            ("mcpServerID", filters.McpServerID), ("userID", filters.UserID), ("client", filters.Client), ("method", filters.Method), ("identifier", filters.Identifier), ("sessionID", filters.SessionID),
        })
        {
            if (value?.Length > 1000 || value?.Contains('\0', StringComparison.Ordinal) is true)
            {
                throw new InvalidInputException($"filters.{field}", "Must be a text of at most 1000 characters without NUL.");
            }
        }

        return filters.Status is null or (>= 100 and <= 599) ? filters : throw new InvalidInputException("filters.status", "Must be an HTTP status from 100 to 599.");
    }

    /// <returns>The settings with their defaults.</returns>
    public static NewStorage Check(NewStorage request)
    {
        var name = Name(request.Name, request.Kind ?? "storage");
        if (request.Kind == StorageModes.Directory)
        {
            return request.Directory is null || (request.Directory.StartsWith('/') && !request.Directory.Contains("/../", StringComparison.Ordinal) && !request.Directory.Contains('\0', StringComparison.Ordinal))
                ? new() { Name = name, Kind = StorageModes.Directory, Directory = request.Directory }
                : throw new InvalidInputException("directory", "Must be an absolute directory of the silos, or be left out for the one in the data folder.");
        }

        if (request.Kind is not (StorageModes.S3 or StorageModes.Azure))
        {
            throw new InvalidInputException("kind", $"Must be '{StorageModes.S3}', '{StorageModes.Azure}' or '{StorageModes.Directory}'.");
        }

        if (request is { Kind: StorageModes.Azure, Endpoint: null })
        {
            throw new InvalidInputException("endpoint", "Required: the blob endpoint of the account, e.g. 'https://account.blob.core.windows.net'.");
        }

        if (request.Endpoint is { } endpoint && !(Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0 && uri.Query.Length == 0))
        {
            throw new InvalidInputException("endpoint", "Must be an http or https URL without user and query, or be left out for AWS.");
        }

        Word(request.Bucket, "bucket", required: true);
        Word(request.Region, "region", required: false);
        Word(request.AccessKeyID, "accessKeyID", required: false);
        if (request.Kind == StorageModes.Azure)
        {
            if (request.SecretAccessKey is { Length: > 0 } secret && !System.Buffers.Text.Base64.IsValid(secret))
            {
                throw new InvalidInputException("secretAccessKey", "Must be a key of the account, which is Base64.");
            }

            return new() { Name = name, Kind = StorageModes.Azure, Endpoint = request.Endpoint, Bucket = request.Bucket, AccessKeyID = request.AccessKeyID };
        }

        OneOf(request.ChecksumMode, "checksumMode", Checksums);
        OneOf(request.ServerSideEncryption, "serverSideEncryption", Encryptions);
        return request with { Name = name, Directory = null };
    }

    private static void Word(string? text, string field, bool required)
    {
        if ((required && string.IsNullOrEmpty(text)) || text?.Length > MaxText || text?.Any(c => char.IsControl(c) || c is ' ' or '/') is true)
        {
            throw new InvalidInputException(field, $"{(required ? "Required: " : "Must be ")}a word of at most {MaxText} characters without blanks and slashes.");
        }
    }

    private static void OneOf(string? text, string field, string[] allowed)
    {
        if (text is not null && !allowed.Contains(text, StringComparer.Ordinal))
        {
            throw new InvalidInputException(field, $"Must be one of {string.Join(", ", allowed.Select(one => $"'{one}'"))}, or be left out.");
        }
    }
}
