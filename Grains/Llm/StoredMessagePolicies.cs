using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Llm;

/// <summary>Message policies in table <c>llm_message_policies</c>; every change is announced in its transaction.</summary>
internal sealed class StoredMessagePolicies(IDbContextFactory<ObotDb> databases, TimeProvider time) : IMessagePolicies
{
    private const int Most = 200;
    private const int MaxPatterns = 100;
    private const int MaxText = 4000;

    public async Task<MessagePolicyView> Create(Principal caller, NewMessagePolicy request, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        Check(request);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.LlmMessagePolicies.CountAsync(cancellationToken) >= Most)
        {
            throw new ConflictException($"There are {Most} message policies already.");
        }

        var now = time.Now();
        var row = new LlmMessagePolicyRow { Id = RandomId.New("mg1"), Definition = LlmJson.Write(request), Revision = 1, CreatedAt = now, UpdatedAt = now };
        db.LlmMessagePolicies.Add(row);
        await SaveAsync(db, row.Id, cancellationToken);
        return View(row);
    }

    public async Task<IReadOnlyList<MessagePolicyView>> List(Principal caller, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return [.. (await db.LlmMessagePolicies.AsNoTracking().OrderBy(row => row.CreatedAt).ToListAsync(cancellationToken)).Select(View)];
    }

    public async Task<MessagePolicyView?> Find(Principal caller, string id, CancellationToken cancellationToken) =>
        (await List(caller, cancellationToken)).FirstOrDefault(view => view.Id == id);

    public async Task<MessagePolicyView?> Update(Principal caller, string id, NewMessagePolicy request, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        Check(request);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.LlmMessagePolicies.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return null;
        }

        (row.Definition, row.Revision, row.UpdatedAt) = (LlmJson.Write(request), row.Revision + 1, time.Now());
        try
        {
            await SaveAsync(db, id, cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            throw new ConflictException($"Message policy '{id}' was changed by someone else in the meantime. Read it again and repeat the change.");
        }

        return View(row);
    }

    public async Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await db.LlmMessagePolicies.Where(row => row.Id == id).ExecuteDeleteAsync(cancellationToken) == 0)
        {
            return false;
        }

        await db.AnnounceAsync(SecurityChangeKinds.Llm, id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

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

    private static async Task SaveAsync(ObotDb db, string id, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.Llm, id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }
}
