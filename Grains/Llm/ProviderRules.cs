using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Grains.Llm;

/// <summary>The form of a provider.</summary>
internal static class ProviderRules
{
    private const int MaxId = 40;
    private const int MaxName = 100;
    private const int MaxSecret = 8192;

    private static readonly Dictionary<string, string[]> Keys = new(StringComparer.Ordinal)
    {
        [ProviderKinds.OpenAi] = ["apiKey"],
        [ProviderKinds.Anthropic] = ["apiKey"],
        [ProviderKinds.AzureOpenAi] = ["apiKey", "clientSecret"],
        [ProviderKinds.Bedrock] = ["secretAccessKey", "sessionToken"],
        [ProviderKinds.Gemini] = ["apiKey"],
        [ProviderKinds.OpenAiCompatible] = ["apiKey"],
    };

    /// <summary>A provider out of a draft and what is kept of it.</summary>
    /// <exception cref="InvalidInputException">Names the field and what is allowed.</exception>
    public static LlmProvider Complete(ModelProviderDraft draft, LlmProvider? kept)
    {
        var kind = kept?.Kind ?? draft.Kind;
        if (!ProviderKinds.All.Contains(kind, StringComparer.Ordinal) || (kept is not null && draft.Kind.Length > 0 && draft.Kind != kept.Kind))
        {
            throw new InvalidInputException("kind", kept is null ? $"Must be one of {string.Join(", ", ProviderKinds.All)}." : $"Stays '{kept.Kind}': make another provider instead.");
        }

        var id = kept?.Id ?? draft.Id ?? kind;
        if (id.Length is 0 or > MaxId || !id.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-'))
        {
            throw new InvalidInputException("id", $"Must be 1 to {MaxId} characters of a–z, 0–9 and '-'.");
        }

        if (draft.Name is { } name && (name.Length is 0 or > MaxName || name.Any(char.IsControl)))
        {
            throw new InvalidInputException("name", $"Must be a text of 1 to {MaxName} characters without control characters.");
        }

        CheckSettings(kind, draft.Settings);
        var baseUrl = draft.BaseURL?.TrimEnd('/') ?? ProviderDoors.DefaultBaseUrl(kind, draft.Settings)
            ?? throw new InvalidInputException("baseURL", kind == ProviderKinds.AzureOpenAi ? "Required: https://{resource}.openai.azure.com." : "Required: the address before /chat/completions, e.g. http://127.0.0.1:11434/v1.");
        CheckAddress("baseURL", baseUrl);
        var credentials = Credentials(kind, draft, kept, baseUrl);
        var provider = new LlmProvider { Id = id, Kind = kind, BaseUrl = baseUrl, Settings = draft.Settings, Credentials = credentials, Revision = (kept?.Revision ?? 0) + 1 };
        if (Missing(provider) is { } missing)
        {
            throw new InvalidInputException(missing, $"Required for {kind}.");
        }

        return provider;
    }

    /// <summary>The first thing without which the provider cannot be called.</summary>
    public static string? Missing(LlmProvider provider) => provider.Kind switch
    {
        ProviderKinds.OpenAiCompatible => null,
        ProviderKinds.Bedrock when provider.Settings.Region is null => "settings.region",
        ProviderKinds.Bedrock when provider.Settings.AccessKeyId is null => "settings.accessKeyId",
        ProviderKinds.Bedrock => provider.Credentials.ContainsKey("secretAccessKey") ? null : "credentials.secretAccessKey",
        ProviderKinds.AzureOpenAi when provider.Settings.ClientId is not null =>
            provider.Settings.TenantId is null ? "settings.tenantId" : provider.Credentials.ContainsKey("clientSecret") ? null : "credentials.clientSecret",
        _ => provider.Credentials.ContainsKey("apiKey") ? null : "credentials.apiKey",
    };

    private static Dictionary<string, string> Credentials(string kind, ModelProviderDraft draft, LlmProvider? kept, string baseUrl)
    {
        var given = new Dictionary<string, string>(draft.Credentials ?? new Dictionary<string, string>(StringComparer.Ordinal), StringComparer.Ordinal);
        if (draft.ApiKey is { } key)
        {
            given["apiKey"] = key;
        }

        foreach (var (name, value) in given)
        {
            if (!Keys[kind].Contains(name, StringComparer.Ordinal))
            {
                throw new InvalidInputException($"credentials.{name}", $"{kind} has {string.Join(", ", Keys[kind])}.");
            }

            if (value.Length > MaxSecret || value.Any(c => char.IsControl(c) || c > '~'))
            {
                throw new InvalidInputException($"credentials.{name}", $"Must be printable ASCII, at most {MaxSecret} characters; an empty text removes it.");
            }
        }

        if (kept is { Credentials.Count: > 0 } && given.Count == 0 && Moved(kept, draft.Settings, baseUrl))
        {
            // whoever may point a provider elsewhere must not be able to have the old secret sent there
            throw new InvalidInputException("credentials", "Required when the address changes: those that are kept belong to the old one.");
        }

        var all = kept is null || Moved(kept, draft.Settings, baseUrl) ? new(StringComparer.Ordinal) : new Dictionary<string, string>(kept.Credentials, StringComparer.Ordinal);
        foreach (var (name, value) in given)
        {
            all[name] = value;
        }

        return all.Where(pair => pair.Value.Length > 0).ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);
    }

    private static bool Moved(LlmProvider kept, ModelProviderSettings settings, string baseUrl) =>
        kept.BaseUrl != baseUrl || kept.Settings.AuthorityURL != settings.AuthorityURL || kept.Settings.ControlURL != settings.ControlURL || kept.Settings.TenantId != settings.TenantId;

    private static void CheckSettings(string kind, ModelProviderSettings settings)
    {
        CheckAddress("settings.authorityURL", settings.AuthorityURL);
        CheckAddress("settings.controlURL", settings.ControlURL);
        if (settings.Region is { } region && (region.Length is 0 or > 40 || !region.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')))
        {
            throw new InvalidInputException("settings.region", "Must be the id of an AWS region, e.g. 'eu-central-1'.");
        }

        if (kind != ProviderKinds.Bedrock && settings.AccessKeyId is not null)
        {
            throw new InvalidInputException("settings.accessKeyId", "Only Bedrock has one.");
        }

        CheckSeconds("settings.firstTokenSeconds", settings.FirstTokenSeconds);
        CheckSeconds("settings.betweenTokensSeconds", settings.BetweenTokensSeconds);
        CheckSeconds("settings.totalSeconds", settings.TotalSeconds);
        string[] ours = ["authorization", "x-api-key", "api-key", "cookie", "host", "content-length", "content-type", "transfer-encoding", "connection"];
        foreach (var (name, value) in settings.Headers ?? new Dictionary<string, string>(StringComparer.Ordinal))
        {
            if (name.Length is 0 or > 100 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') || ours.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                throw new InvalidInputException($"settings.headers.{name}", "Must be the name of a header that is neither a credential nor about the connection.");
            }

            if (value.Length > 1000 || value.Any(c => char.IsControl(c) || c > '~'))
            {
                throw new InvalidInputException($"settings.headers.{name}", "Must be printable ASCII, at most 1000 characters.");
            }
        }
    }

    private static void CheckSeconds(string field, double? value)
    {
        if (value is <= 0 or > 86_400 or double.NaN)
        {
            throw new InvalidInputException(field, "Must be more than 0 and at most 86400 seconds.");
        }
    }

    private static void CheckAddress(string field, string? address)
    {
        if (address is not null && !(Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0 && uri.Query.Length == 0 && uri.Fragment.Length == 0))
        {
            throw new InvalidInputException(field, "Must be an absolute http or https address without user, query and fragment.");
        }
    }
}
