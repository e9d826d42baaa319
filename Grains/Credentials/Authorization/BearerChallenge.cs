namespace Obot.Grains.Credentials.Authorization;

/// <summary>The <c>Bearer</c> challenge of a <c>WWW-Authenticate</c> header (RFC 9110 section 11.6.1, RFC 6750 section 3).</summary>
internal sealed record BearerChallenge(string? ResourceMetadata, string? Scope, string? Error)
{
    public const string InsufficientScope = "insufficient_scope";
    private const string Scheme = "Bearer";
    private const int MaxLength = 8192;

    public IReadOnlyList<string> Scopes => Scope?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>Null when there is no such challenge in it.</summary>
    public static BearerChallenge? Parse(string? header)
    {
        if (header is null or { Length: > MaxLength } || IndexOfScheme(header) is not (>= 0 and var start))
        {
            return null;
        }

        var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var at = start + Scheme.Length;
        while (TryParameter(header, ref at, out var name, out var value))
        {
            parameters.TryAdd(name, value);
        }

        return new(parameters.GetValueOrDefault("resource_metadata"), parameters.GetValueOrDefault("scope"), parameters.GetValueOrDefault("error"));
    }

    private static int IndexOfScheme(string header)
    {
        for (var at = 0; (at = header.IndexOf(Scheme, at, StringComparison.OrdinalIgnoreCase)) >= 0; at += Scheme.Length)
        {
            var (before, after) = (header[..at].TrimEnd(), at + Scheme.Length);
            if ((before.Length == 0 || before[^1] == ',') && (after == header.Length || header[after] is ' ' or ','))
            {
                return at;
            }
        }

        return -1;
    }

    /// <summary>One <c>name=token</c> or <c>name="quoted"</c>; false at the end or where the next scheme begins.</summary>
    private static bool TryParameter(string text, ref int at, out string name, out string value)
    {
        (name, value) = ("", "");
        while (at < text.Length && text[at] is ' ' or ',' or '\t')
        {
            at++;
        }

        var start = at;
        while (at < text.Length && text[at] is not ('=' or ' ' or ',' or '"'))
        {
            at++;
        }

        if (at >= text.Length || text[at] != '=' || at == start)
        {
            return false;
        }

        name = text[start..at++];
        if (at < text.Length && text[at] == '"')
        {
            var quoted = new System.Text.StringBuilder();
            for (at++; at < text.Length && text[at] != '"'; at++)
            {
                if (text[at] == '\\' && at + 1 < text.Length)
                {
                    at++;
                }

                quoted.Append(text[at]);
            }

            at++;
            value = quoted.ToString();
            return true;
        }

        start = at;
        while (at < text.Length && text[at] is not (' ' or ','))
        {
            at++;
        }

        value = text[start..at];
        return true;
    }
}
