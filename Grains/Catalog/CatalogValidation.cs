using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Catalog.Sources;

namespace Obot.Grains.Catalog;

/// <summary>The form of a catalog, and who may have one.</summary>
internal static class CatalogValidation
{
    private const int MaxName = 100;
    private const int MaxSources = 20;
    private const int MaxCredential = 64 * 1024;

    /// <exception cref="NotAllowedException">The caller is no administrator, or the credential reaches single servers only.</exception>
    public static void CheckManages(Principal caller)
    {
        if (caller.Role < Role.Admin || caller.ServerIds is not null)
        {
            throw new NotAllowedException("Catalogs and their entries are managed by administrators, with a credential that is not bound to single servers.");
        }
    }

    /// <returns>The name to use.</returns>
    /// <exception cref="InvalidInputException">Names the field and what is allowed.</exception>
    public static string Check(NewCatalog request)
    {
        var urls = request.SourceURLs ?? [];
        if (urls.Count > MaxSources)
        {
            throw new InvalidInputException("sourceURLs", $"At most {MaxSources} sources.");
        }

        for (var i = 0; i < urls.Count; i++)
        {
            if (SourceAddress.Parse(urls[i]) is not { } source)
            {
                throw new InvalidInputException(
                    $"sourceURLs[{i}]",
                    "Must be a Git address ('https://host/repo.git', 'ssh://git@host/repo.git', 'git@host:repo.git', 'file:///repo.git'; a branch and a folder as '#branch:folder') or an absolute directory. Tokens belong in 'sourceURLCredentials'.");
            }

            if (urls.Take(i).Any(other => SourceAddress.Parse(other)!.Location == source.Location))
            {
                throw new InvalidInputException($"sourceURLs[{i}]", "The same repository or directory is there twice; make a second catalog for another branch or folder of it.");
            }
        }

        foreach (var (url, credential) in request.SourceURLCredentials ?? new Dictionary<string, string>(StringComparer.Ordinal))
        {
            CheckCredential(urls, url, credential);
        }

        var name = string.IsNullOrWhiteSpace(request.DisplayName) ? NameOf(urls) : request.DisplayName.Trim();
        return name.Length is > 0 and <= MaxName && !name.Any(char.IsControl)
            ? name
            : throw new InvalidInputException("displayName", $"Must be a text of 1 to {MaxName} characters without control characters.");
    }

    private static void CheckCredential(IReadOnlyList<string> urls, string url, string credential)
    {
        if (!urls.Contains(url, StringComparer.Ordinal) || SourceAddress.Parse(url) is not { Scheme: "https" or "http" or "ssh" } source)
        {
            throw new InvalidInputException($"sourceURLCredentials.{url}", "Must be one of 'sourceURLs' that is reached over https or ssh.");
        }

        var isKey = source.Scheme == "ssh";
        if (credential is null || credential.Length > MaxCredential || credential.Any(c => c == '\0' || (!isKey && char.IsControl(c)))
            || (isKey && credential.Length > 0 && !credential.Contains("PRIVATE KEY-----", StringComparison.Ordinal)))
        {
            throw new InvalidInputException($"sourceURLCredentials.{url}", isKey ? "Must be a private key in PEM, without a passphrase." : "Must be a token, or 'user:token', on one line.");
        }
    }

    private static string NameOf(IReadOnlyList<string> urls)
    {
        if (urls.Count == 0)
        {
            return "";
        }

        var parts = SourceAddress.Parse(urls[0])!.Location.Split(['/', ':'], StringSplitOptions.RemoveEmptyEntries);
        var name = parts.Select(part => part.EndsWith(".git", StringComparison.Ordinal) ? part[..^4] : part).LastOrDefault(part => part.Length > 0) ?? "Catalog";
        return name.Length > MaxName ? name[..MaxName] : name;
    }
}
