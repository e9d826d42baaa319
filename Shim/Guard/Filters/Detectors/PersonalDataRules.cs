using System.Globalization;
using System.Text.RegularExpressions;

namespace Obot.Shim.Guard.Filters.Detectors;

/// <summary>
/// Personal data with a form of its own, each checked beyond it: IBAN (ISO 13616) and card numbers (ISO/IEC 7812) by their check digits,
/// numbers of the US social security by what was ever given out. What counts is what Presidio's recognizers count (github.com/microsoft/presidio,
/// MIT licence); patterns and checks are ours. Names and addresses have no form and are not found.
/// </summary>
internal static partial class PersonalDataRules
{
    private const RegexOptions Exact = RegexOptions.CultureInvariant;

    public static IReadOnlyList<DetectorRule> All { get; } =
    [
        new("email", "e-mail address", ["@"], Email(), IsMailbox),
        new("iban", "IBAN", Digits, Iban(), IsIban),
        new("card-number", "card number", Digits, Card(), IsCard),
        new("us-ssn", "US social security number", ["-"], Ssn()),
        new("phone", "telephone number", ["+"], Phone(), IsPhone),
    ];

    private static string[] Digits => ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

    [GeneratedRegex(@"(?<![A-Za-z0-9._%+/:-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,5}[A-Za-z]{2,24}(?![A-Za-z0-9-]|:[^\s/]|\.[A-Za-z0-9])", Exact, DetectorRule.Patience)]
    private static partial Regex Email();

    [GeneratedRegex(@"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b", Exact, DetectorRule.Patience)]
    private static partial Regex Iban();

    [GeneratedRegex(@"(?<![\w.-])(?:\d{13,19}|\d{4}(?<a>[ -])\d{4}\k<a>\d{4}\k<a>\d{1,7}|3\d{3}(?<b>[ -])\d{6}\k<b>\d{5})(?![\w-]|\.\d)", Exact, DetectorRule.Patience)]
    private static partial Regex Card();

    [GeneratedRegex(@"(?<![\w.-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-]|\.\d)", Exact, DetectorRule.Patience)]
    private static partial Regex Ssn();

    [GeneratedRegex(@"(?<![\w+./-])\+[1-9]\d{0,2}(?:[ .-]?\(?\d{1,4}\)?){2,5}(?![\w])", Exact, DetectorRule.Patience)]
    private static partial Regex Phone();

    /// <summary>Not the examples of RFC 2606, no file names (<c>icon@2x.png</c>), no accounts of machines.</summary>
    private static bool IsMailbox(string text)
    {
        var (local, domain) = (text[..text.IndexOf('@')].ToLowerInvariant(), text[(text.IndexOf('@') + 1)..].ToLowerInvariant());
        return local is not ("git" or "noreply" or "no-reply" or "donotreply" or "user" or "username" or "name" or "you" or "postmaster" or "mailer-daemon")
            && !(domain is "example.com" or "example.org" or "example.net" || domain.EndsWith(".example.com", StringComparison.Ordinal))
            && domain[(domain.LastIndexOf('.') + 1)..] is not ("example" or "invalid" or "test" or "localhost" or "local" or "png" or "jpg" or "jpeg" or "gif" or "svg" or "webp" or "js" or "ts" or "css" or "json" or "md");
    }

    private static bool IsIban(string text)
    {
        var compact = text.Replace(" ", "", StringComparison.Ordinal);
        if (compact.Length is < 15 or > 34)
        {
            return false;
        }

        var rest = 0;
        foreach (var c in string.Concat(compact.AsSpan(4), compact.AsSpan(0, 4)))
        {
            rest = char.IsDigit(c) ? ((rest * 10) + (c - '0')) % 97 : ((rest * 100) + (c - 'A' + 10)) % 97;
        }

        return rest == 1;
    }

    /// <summary>A prefix that is given out, and Luhn's sum.</summary>
    private static bool IsCard(string text)
    {
        var digits = text.Where(char.IsDigit).Select(c => c - '0').ToArray();
        var prefix = int.Parse(string.Concat(digits.Take(4)), CultureInfo.InvariantCulture);
        var isIssued = digits.Length switch
        {
            13 or 19 => prefix / 1000 == 4,
            14 => prefix / 10 is (>= 300 and <= 305) or 309 || prefix / 100 is 36 or 38 or 39,
            15 => prefix / 100 is 34 or 37,
            16 => prefix / 1000 == 4 || prefix / 100 is >= 51 and <= 55 || prefix is >= 2221 and <= 2720 || prefix == 6011 || prefix / 100 == 65 || prefix is >= 3528 and <= 3589,
            _ => false,
        };
        return isIssued && digits.Distinct().Count() > 2
            && digits.Reverse().Select((digit, i) => i % 2 == 0 ? digit : digit * 2 > 9 ? (digit * 2) - 9 : digit * 2).Sum() % 10 == 0;
    }

    private static bool IsPhone(string text) => text.Count(char.IsDigit) is >= 9 and <= 15;
}
