using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Grains.Llm;

/// <summary>Message policies in table <c>llm_message_policies</c>; every change is announced in its transaction.</summary>
internal sealed class StoredMessagePolicies(IDbContextFactory<ObotDb> databases, TimeProvider time)
    : DefinitionStore<LlmMessagePolicyRow, NewMessagePolicy, MessagePolicyView>(databases, time, "Message policy", "mg1", most: 200), IMessagePolicies
{
    private const int MaxPatterns = 100;
    private const int MaxText = 4000;

    internal static MessagePolicyView View(LlmMessagePolicyRow row)
    {
        var request = LlmJson.Read<NewMessagePolicy>(row.Definition);
        return new()
        {
            Id = row.Id,
            DisplayName = request.DisplayName,
            Subjects = request.Subjects,
            Models = request.Models,
            Kind = request.Kind,
            Patterns = request.Patterns,
            Instruction = request.Instruction,
            Judge = request.Kind == MessagePolicyKinds.Judged ? request.Judge ?? "llm-mini" : null,
            AppliesTo = request.AppliesTo ?? MessagePlaces.All,
            Enabled = request.Enabled,
            Revision = row.Revision,
            CreatedAt = row.CreatedAt,
            UpdatedAt = row.UpdatedAt,
        };
    }

    /// <summary>Whether a call is one of those that the policy is for.</summary>
    internal static bool IsFor(MessagePolicyView policy, Principal caller, string asked, LlmTarget target)
    {
        if (!policy.Enabled || (policy.Models is { } models && new ModelPatterns(models) is var patterns && !patterns.Covers(asked) && !patterns.Covers(target)))
        {
            return false;
        }

        return policy.Subjects is not { Count: > 0 } subjects || subjects.Any(subject => subject.Type switch
        {
            RuleSubjectTypes.User => subject.Id == caller.UserId,
            RuleSubjectTypes.Group => caller.Groups.Contains(subject.Id, StringComparer.Ordinal),
            _ => true,
        });
    }

    protected override MessagePolicyView ViewOf(LlmMessagePolicyRow row) => View(row);

    protected override Task CheckAsync(ObotDb db, NewMessagePolicy draft, CancellationToken cancellationToken)
    {
        Check(draft);
        return Task.CompletedTask;
    }

    private static void Check(NewMessagePolicy request)
    {
        StoredModelAccessPolicies.CheckDisplayName(request.DisplayName);
        if (!MessagePolicyKinds.All.Contains(request.Kind, StringComparer.Ordinal))
        {
            throw new InvalidInputException("kind", $"Must be one of {string.Join(", ", MessagePolicyKinds.All)}.");
        }

        if (request.AppliesTo is { } places && (places.Count == 0 || places.Any(place => !MessagePlaces.All.Contains(place, StringComparer.Ordinal))))
        {
            throw new InvalidInputException("appliesTo", $"Must name some of {string.Join(", ", MessagePlaces.All)}, or be left out.");
        }

        for (var i = 0; i < request.Models?.Count; i++)
        {
            StoredModelAccessPolicies.CheckModel($"models[{i}]", request.Models[i]);
        }

        for (var i = 0; i < request.Subjects?.Count; i++)
        {
            if (request.Subjects[i]?.Type is not (RuleSubjectTypes.User or RuleSubjectTypes.Group or RuleSubjectTypes.Selector))
            {
                throw new InvalidInputException($"subjects[{i}].type", "Must be one of 'user', 'group', 'selector'.");
            }
        }

        if (request.Kind == MessagePolicyKinds.Judged && request.Instruction is not { Length: > 0 and <= MaxText })
        {
            throw new InvalidInputException("instruction", $"Must say in 1 to {MaxText} characters what must not be.");
        }

        if (request.Kind == MessagePolicyKinds.Regex)
        {
            CheckPatterns(request.Patterns);
        }
    }

    private static void CheckPatterns(IReadOnlyList<string>? patterns)
    {
        if (patterns is not { Count: >= 1 and <= MaxPatterns })
        {
            throw new InvalidInputException("patterns", $"Must have 1 to {MaxPatterns} regular expressions.");
        }

        for (var i = 0; i < patterns.Count; i++)
        {
            if (patterns[i] is not { Length: > 0 and <= MaxText } pattern)
            {
                throw new InvalidInputException($"patterns[{i}]", $"Must have 1 to {MaxText} characters.");
            }

            try
            {
                _ = new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
            }
            catch (Exception e) when (e is ArgumentException or NotSupportedException)
            {
                throw new InvalidInputException($"patterns[{i}]", $"Must be a regular expression without look-around and back-references: {e.Message}");
            }
        }
    }
}
