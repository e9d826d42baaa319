using System.Text.RegularExpressions;

namespace Obot.Shim.Guard.Filters.Detectors;

/// <summary>
/// Marks of texts that are meant for a model and not for whoever asked: orders to drop its instructions, to keep something from the user,
/// to act as somebody else, turns of a chat template, and characters that no person sees. The families are those of garak's probes
/// (github.com/NVIDIA/garak, Apache-2.0) and of the Trojan Source paper; the patterns are ours. It finds clumsy attacks and no clever ones.
/// </summary>
internal static partial class InjectionRules
{
    private const RegexOptions Exact = RegexOptions.CultureInvariant;
    private const RegexOptions AnyCase = RegexOptions.CultureInvariant | RegexOptions.IgnoreCase;

    public static IReadOnlyList<DetectorRule> All { get; } =
    [
        new("ignore-instructions", "order to ignore instructions", ["ignore", "disregard", "forget", "override", "bypass"], Ignore()),
        new("hide-from-user", "order to hide something from the user", ["user"], Hide()),
        new("reveal-prompt", "order to reveal the system prompt", ["prompt", "instructions"], Reveal()),
        new("role-change", "order to act without limits", ["you are now", "jailbr", "developer mode", "do anything now", "unrestricted"], Role()),
        new("tool-poisoning", "order to a model within a description", ["tool", "function", "<important>"], Poison()),
        new("chat-template", "turn of a chat template", ["<|", "[INST]", "[/INST]", "<<SYS>>", "<start_of_turn>"], Template()),
        new("invisible-text", "invisible text", ["\uDB40", "\u202D", "\u202E"], Invisible()),
    ];

    [GeneratedRegex(@"\b(?:ignore|disregard|forget|override|bypass)\s+(?:all\s+|any\s+|everything\s+)?(?:of\s+)?(?:the\s+|your\s+|my\s+|these\s+|those\s+)?(?:previous|prior|above|earlier|preceding|existing|original|system|safety)\s+(?:system\s+|safety\s+)?(?:instructions?|prompts?|rules|guidelines|directions|directives|messages|context|programming)\b", AnyCase, DetectorRule.Patience)]
    private static partial Regex Ignore();

    [GeneratedRegex(@"\b(?:do\s+not|don'?t|never|without)\s+(?:tell(?:ing)?|inform(?:ing)?|mention(?:ing)?|reveal(?:ing)?|show(?:ing)?|notify(?:ing)?|alert(?:ing)?|let(?:ting)?)\s+(?:(?:this|it|that|anything|any\s+of\s+this)\s+)?(?:to\s+)?the\s+user\b", AnyCase, DetectorRule.Patience)]
    private static partial Regex Hide();

    [GeneratedRegex(@"\b(?:reveal|print|repeat|output|leak|disclose|recite)\s+(?:me\s+)?(?:back\s+)?(?:the\s+(?:text\s+of\s+)?(?:your\s+)?|your\s+)(?:entire\s+|full\s+|complete\s+|exact\s+)?(?:system|hidden|initial|secret|developer)\s+(?:prompt|instructions?|message)\b", AnyCase, DetectorRule.Patience)]
    private static partial Regex Reveal();

    [GeneratedRegex(@"\b(?:you\s+are\s+now\s+(?:in\s+)?(?:a\s+|an\s+)?(?:DAN\b|jailbroken|unrestricted|unfiltered|developer\s+mode|god\s+mode|evil)|(?:enable|enter|activate)\s+(?:DAN|developer|god|jailbreak)\s+mode\s+(?:now|and)|do\s+anything\s+now\b)", AnyCase, DetectorRule.Patience)]
    private static partial Regex Role();

    [GeneratedRegex(@"<important>\s{0,10}(?:before|when|you\s+must|always|first)\b|\bbefore\s+(?:using|calling|invoking)\s+(?:this|any|the|another)\s+(?:other\s+)?(?:tool|function)s?,?\s+(?:you\s+must\s+|always\s+|first\s+|please\s+)+(?:read|send|pass|include|open|fetch|cat|upload)\b", AnyCase, DetectorRule.Patience)]
    private static partial Regex Poison();

    [GeneratedRegex(@"<\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id|end_header_id|eot_id|begin_of_text)\|>|\[/?INST\]|<</?SYS>>|<start_of_turn>(?:user|model)", Exact, DetectorRule.Patience)]
    private static partial Regex Template();

    /// <summary>Tag characters beside the flags that are spelt with them, and overrides of the writing direction.</summary>
    [GeneratedRegex("(?<!\uD83C\uDFF4)(?<!\uDB40[\uDC20-\uDC7F])(?:\uDB40[\uDC20-\uDC7F]){2,}|[\u202D\u202E]", Exact, DetectorRule.Patience)]
    private static partial Regex Invisible();
}
