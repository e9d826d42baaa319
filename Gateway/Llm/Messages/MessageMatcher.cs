using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Messages;

/// <summary>Policies that need no model: linear-time patterns, and checksums where a number has one.</summary>
internal sealed partial class MessageMatcher
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<string, Regex> compiled = new(StringComparer.Ordinal);

    /// <returns>What was found, in words that do not repeat it; null for nothing.</returns>
    public string? Find(MessagePolicyView policy, IReadOnlyList<string> texts)
    {
        foreach (var text in texts)
        {
            var found = policy.Kind switch
            {
                MessagePolicyKinds.Secrets => Secret(text),
                MessagePolicyKinds.Pii => Personal(text),
                _ => policy.Patterns!.Any(pattern => Compiled(pattern).IsMatch(text)) ? "it matches a pattern that is not allowed" : null,
            };
            if (found is not null)
            {
                return found;
            }
        }

        return null;
    }

    private static string? Secret(string text) => text switch
    {
        _ when PrivateKey().IsMatch(text) => "it contains a private key",
        _ when CloudKey().IsMatch(text) => "it contains a cloud access key",
        _ when ApiToken().IsMatch(text) => "it contains an API key or token",
        _ when WebToken().IsMatch(text) => "it contains a signed token",
        _ => null,
    };

    private static string? Personal(string text) => text switch
    {
        _ when Email().IsMatch(text) => "it contains an e-mail address",
        _ when Card().Matches(text).Any(match => IsCard(match.Value)) => "it contains the number of a payment card",
        _ when Iban().Matches(text).Any(match => IsIban(match.Value)) => "it contains an IBAN",
        _ when SocialSecurity().IsMatch(text) => "it contains a social security number",
        _ => null,
    };

    private Regex Compiled(string pattern) => compiled.Count > 2000
        ? new(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, Limit)
        : compiled.GetOrAdd(pattern, static pattern => new(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, Limit));

    /// <summary>ISO/IEC 7812, annex B.</summary>
    private static bool IsCard(string text)
    {
        var (sum, count, twice) = (0, 0, false);
        for (var i = text.Length - 1; i >= 0; i--)
        {
            if (char.IsAsciiDigit(text[i]))
            {
                var digit = (text[i] - '0') * (twice ? 2 : 1);
                sum += digit > 9 ? digit - 9 : digit;
                (twice, count) = (!twice, count + 1);
            }
        }

        return count is >= 13 and <= 19 && sum % 10 == 0;
    }

    /// <summary>ISO 13616: the number modulo 97 is 1.</summary>
    private static bool IsIban(string text)
    {
        var plain = text.Replace(" ", "", StringComparison.Ordinal);
        return plain.Length is >= 15 and <= 34
            && (plain[4..] + plain[..4]).Aggregate(0, static (rest, c) => char.IsAsciiDigit(c) ? ((rest * 10) + (c - '0')) % 97 : ((rest * 100) + (c - 'A' + 10)) % 97) == 1;
    }

    [GeneratedRegex("-----BEGIN [A-Z ]*PRIVATE KEY-----", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PrivateKey();

    [GeneratedRegex(@"\b(AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_\-]{35}\b", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex CloudKey();

    [GeneratedRegex(@"\b(sk-[A-Za-z0-9_\-]{20,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[A-Za-z0-9_\-]{20,}|xox[abprs]-[A-Za-z0-9\-]{10,}|obot_[A-Za-z0-9]+_[A-Za-z0-9_\-]{30,}|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{30,})", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ApiToken();

    [GeneratedRegex(@"\beyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex WebToken();

    [GeneratedRegex(@"\b[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,}\b", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Email();

    [GeneratedRegex(@"\b[0-9]([ \-]?[0-9]){12,18}\b", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Card();

    [GeneratedRegex(@"\b[A-Z]{2}[0-9]{2}( ?[A-Z0-9]{4}){2,7}( ?[A-Z0-9]{1,4})?\b", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Iban();

    [GeneratedRegex(@"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SocialSecurity();
}
