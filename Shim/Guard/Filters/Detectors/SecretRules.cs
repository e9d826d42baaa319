using System.Text.RegularExpressions;

namespace Obot.Shim.Guard.Filters.Detectors;

/// <summary>
/// Keys and tokens that announce themselves. The formats are those of gitleaks (github.com/gitleaks/gitleaks, MIT licence), written anew as
/// linear patterns, and of the vendors' documentation; the checks for randomness are ours.
/// </summary>
internal static partial class SecretRules
{
    private const RegexOptions Exact = RegexOptions.CultureInvariant;
    private const RegexOptions AnyCase = RegexOptions.CultureInvariant | RegexOptions.IgnoreCase;

    public static IReadOnlyList<DetectorRule> All { get; } =
    [
        new("private-key", "private key", ["PRIVATE KEY"], PrivateKey(), IsKeyMaterial),
        new("aws-access-key-id", "AWS access key id", ["AKIA", "ASIA", "ABIA", "ACCA"], AwsAccessKeyId(), Is(3)),
        new("github-token", "GitHub token", ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"], GitHub(), Is(3)),
        new("gitlab-token", "GitLab token", ["glpat-", "gldt-", "glrt-", "glptt-"], GitLab(), Is(3)),
        new("slack-token", "Slack token", ["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe", "xapp-"], Slack(), Is(2.5)),
        new("slack-webhook", "Slack webhook", ["hooks.slack.com"], SlackWebhook(), Is(3)),
        new("anthropic-api-key", "Anthropic API key", ["sk-ant-"], Anthropic(), Is(3)),
        new("openai-api-key", "OpenAI API key", ["sk-"], OpenAi(), Is(3.5)),
        new("google-api-key", "Google API key", ["AIza"], Google(), Is(3)),
        new("google-oauth-token", "Google OAuth token", ["ya29.", "GOCSPX-"], GoogleOAuth(), Is(3)),
        new("stripe-key", "Stripe key", ["sk_live_", "rk_live_", "sk_test_", "rk_test_", "whsec_"], Stripe(), Is(3)),
        new("npm-token", "npm token", ["npm_"], Npm(), Is(3)),
        new("pypi-token", "PyPI token", ["pypi-AgE"], PyPi(), Is(3)),
        new("sendgrid-key", "SendGrid key", ["SG."], SendGrid(), Is(3)),
        new("huggingface-token", "Hugging Face token", ["hf_"], HuggingFace(), Is(3)),
        new("digitalocean-token", "DigitalOcean token", ["dop_v1_", "doo_v1_", "dor_v1_"], DigitalOcean(), Is(3)),
        new("azure-storage-key", "Azure storage key", ["AccountKey=", "SharedAccessKey="], AzureStorage(), Is(3)),
        new("azure-client-secret", "Azure client secret", ["Q~"], AzureClient(), Is(3)),
        new("vault-token", "Vault token", ["hvs.", "hvb."], Vault(), Is(3)),
        new("databricks-token", "Databricks token", ["dapi"], Databricks(), Is(3)),
        new("grafana-token", "Grafana token", ["glsa_", "glc_"], Grafana(), Is(3)),
        new("telegram-token", "Telegram bot token", [":AA"], Telegram(), Is(3)),
        new("shopify-token", "Shopify token", ["shpat_", "shpca_", "shppa_", "shpss_"], Shopify(), Is(3)),
        new("atlassian-token", "Atlassian token", ["ATATT3", "ATCTT3"], Atlassian(), Is(3)),
        new("other-vendor-token", "vendor's token", ["lin_api_", "PMAK-", "dp.pt.", "ntn_", "AGE-SECRET-KEY-1", "figd_", "sntrys_", "rubygems_", "dckr_pat_", "EAAC"], Vendors(), Is(3)),
        new("obot-api-key", "API key of this platform", ["obot_"], Obot(), Is(3)),
        new("jwt", "JSON Web Token", ["eyJ"], Jwt(), Is(3.5)),
        new("url-password", "password in a URL", ["://"], UrlPassword(), IsPassword),
        new("assigned-secret", "assigned secret", ["key", "secret", "token", "passw", "pwd"], Assigned(), text => Randomness.Looks(text, 3.7) && text.Any(char.IsDigit) && text.Any(char.IsLetter)),
    ];

    private static Func<string, bool> Is(double bits) => text => Randomness.Looks(text, bits);

    /// <summary>A line of Base64 follows the headline: nobody means a key who only names one.</summary>
    private static bool IsKeyMaterial(string text) => Base64Line().IsMatch(text);

    private static bool IsPassword(string password) => password[0] is not ('$' or '{' or '<' or '*' or '%') && Randomness.Entropy(password) >= 2 && !Word().IsMatch(password);

    [GeneratedRegex(@"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:\s*[A-Za-z-]{1,30}: [^\r\n]{1,100}[\r\n]){0,5}[A-Za-z0-9+/=\s\\]{40,}(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?", Exact, DetectorRule.Patience)]
    private static partial Regex PrivateKey();

    [GeneratedRegex("[A-Za-z0-9+/=]{40}", Exact, DetectorRule.Patience)]
    private static partial Regex Base64Line();

    [GeneratedRegex(@"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b", Exact, DetectorRule.Patience)]
    private static partial Regex AwsAccessKeyId();

    [GeneratedRegex(@"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{82})\b", Exact, DetectorRule.Patience)]
    private static partial Regex GitHub();

    [GeneratedRegex(@"\bgl(?:pat|dt|rt|ptt)-[A-Za-z0-9_.-]{20,60}", Exact, DetectorRule.Patience)]
    private static partial Regex GitLab();

    [GeneratedRegex(@"\b(?:xox[abeprs](?:\.xox[bp])?-[A-Za-z0-9-]{20,250}|xapp-\d-[A-Z0-9]{8,20}-\d{8,20}-[a-z0-9]{30,100})", Exact, DetectorRule.Patience)]
    private static partial Regex Slack();

    [GeneratedRegex(@"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{43,80}", Exact, DetectorRule.Patience)]
    private static partial Regex SlackWebhook();

    [GeneratedRegex(@"\bsk-ant-[a-z]{3,5}\d\d-[A-Za-z0-9_-]{80,120}", Exact, DetectorRule.Patience)]
    private static partial Regex Anthropic();

    [GeneratedRegex(@"\bsk-(?:(?:proj|svcacct|admin|or-v1)-[A-Za-z0-9_-]{40,200}|[A-Za-z0-9]{48}\b)", Exact, DetectorRule.Patience)]
    private static partial Regex OpenAi();

    [GeneratedRegex(@"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])", Exact, DetectorRule.Patience)]
    private static partial Regex Google();

    [GeneratedRegex(@"\b(?:ya29\.[A-Za-z0-9_-]{40,300}|GOCSPX-[A-Za-z0-9_-]{28})", Exact, DetectorRule.Patience)]
    private static partial Regex GoogleOAuth();

    [GeneratedRegex(@"\b(?:(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{20,110}|whsec_[A-Za-z0-9+/=]{32,64})", Exact, DetectorRule.Patience)]
    private static partial Regex Stripe();

    [GeneratedRegex(@"\bnpm_[A-Za-z0-9]{36}\b", Exact, DetectorRule.Patience)]
    private static partial Regex Npm();

    [GeneratedRegex(@"\bpypi-AgE[A-Za-z0-9_-]{50,1000}", Exact, DetectorRule.Patience)]
    private static partial Regex PyPi();

    [GeneratedRegex(@"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", Exact, DetectorRule.Patience)]
    private static partial Regex SendGrid();

    [GeneratedRegex(@"\bhf_[A-Za-z]{34}\b", Exact, DetectorRule.Patience)]
    private static partial Regex HuggingFace();

    [GeneratedRegex(@"\bdo[opr]_v1_[a-f0-9]{64}\b", Exact, DetectorRule.Patience)]
    private static partial Regex DigitalOcean();

    [GeneratedRegex(@"(?:AccountKey|SharedAccessKey)=(?:[A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{43}=)", Exact, DetectorRule.Patience)]
    private static partial Regex AzureStorage();

    [GeneratedRegex(@"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}(?![A-Za-z0-9_~.-])", Exact, DetectorRule.Patience)]
    private static partial Regex AzureClient();

    [GeneratedRegex(@"\bhv[sb]\.[A-Za-z0-9_-]{80,300}", Exact, DetectorRule.Patience)]
    private static partial Regex Vault();

    [GeneratedRegex(@"\bdapi[a-f0-9]{32}(?:-\d)?\b", Exact, DetectorRule.Patience)]
    private static partial Regex Databricks();

    [GeneratedRegex(@"\b(?:glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,400}={0,2})", Exact, DetectorRule.Patience)]
    private static partial Regex Grafana();

    [GeneratedRegex(@"\b\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])", Exact, DetectorRule.Patience)]
    private static partial Regex Telegram();

    [GeneratedRegex(@"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b", Exact, DetectorRule.Patience)]
    private static partial Regex Shopify();

    [GeneratedRegex(@"\bAT[AC]TT3[A-Za-z0-9_=-]{100,250}", Exact, DetectorRule.Patience)]
    private static partial Regex Atlassian();

    [GeneratedRegex(@"\b(?:lin_api_[A-Za-z0-9]{40}|PMAK-[a-f0-9]{24}-[a-f0-9]{34}|dp\.pt\.[A-Za-z0-9]{43}|ntn_\d{11}[A-Za-z0-9]{35}|AGE-SECRET-KEY-1[0-9A-Z]{58}|figd_[A-Za-z0-9_-]{40}|sntrys_[A-Za-z0-9+/=_]{60,300}|rubygems_[a-f0-9]{48}|dckr_pat_[A-Za-z0-9_-]{27}|EAAC[A-Za-z0-9]{80,300})", Exact, DetectorRule.Patience)]
    private static partial Regex Vendors();

    [GeneratedRegex(@"\bobot_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{43}", Exact, DetectorRule.Patience)]
    private static partial Regex Obot();

    [GeneratedRegex(@"\beyJ[A-Za-z0-9_-]{15,2000}\.eyJ[A-Za-z0-9_-]{15,8000}\.[A-Za-z0-9_-]{20,1500}", Exact, DetectorRule.Patience)]
    private static partial Regex Jwt();

    [GeneratedRegex(@"(?<=\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@""'<>]{1,64}:)[^\s/:@""'<>]{6,128}(?=@[A-Za-z0-9\[])", AnyCase, DetectorRule.Patience)]
    private static partial Regex UrlPassword();

    [GeneratedRegex(@"^(?:pass(?:word|wd)?|secret|pwd|token|user(?:name)?|example|changeme|x+)\d{0,3}$", AnyCase, DetectorRule.Patience)]
    private static partial Regex Word();

    [GeneratedRegex(@"(?<=(?:api[_-]?key|access[_-]?key|secret(?:[_-]?key)?|client[_-]?secret|auth[_-]?token|access[_-]?token|passw(?:or)?d|pwd)[""']?[ \t]{0,3}(?::|=|:=|=>)[ \t]{0,3}[""']?)(?<![A-Za-z0-9+/_.~-])[A-Za-z0-9+/_.~-]{20,150}={0,2}(?![A-Za-z0-9+/=_.~-])", AnyCase, DetectorRule.Patience)]
    private static partial Regex Assigned();
}
