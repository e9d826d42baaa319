using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Grains.Llm;

/// <summary>Policies in table <c>model_access_policies</c>; every change is announced in its transaction.</summary>
internal sealed class StoredModelAccessPolicies(IDbContextFactory<ObotDb> databases, TimeProvider time) : IModelAccessPolicies
{
    private const int MaxNames = 500;
    private const int MaxPolicies = 10_000;
    private const string Selector = "*";

    public async Task<ModelAccessPolicyView> Create(Principal caller, NewModelAccessPolicy draft, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var now = time.Now();
        var row = new ModelAccessPolicyRow
        {
            Id = RandomId.New("mp1"), DisplayName = "", Everyone = false, UserIds = [], GroupIds = [], Models = [], CreatedBy = caller.UserId, Revision = 1, CreatedAt = now, UpdatedAt = now,
        };
        await FillAsync(db, row, draft, cancellationToken);
        if (await db.ModelAccessPolicies.CountAsync(cancellationToken) >= MaxPolicies)
        {
            throw new ConflictException($"There are {MaxPolicies} model access policies already. Delete some, or name more subjects in one.");
        }

        db.ModelAccessPolicies.Add(row);
        await db.SaveAsync(caller, row, row.Id, "Model access policy", cancellationToken);
        return View(row);
    }

    public async Task<Page<ModelAccessPolicyView>> List(Principal caller, int limit, string? cursor, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        PageCursor.CheckLimit(limit);
        var after = PageCursor.Parse(cursor);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var query = db.ModelAccessPolicies.AsNoTracking();
        if (after is { } position)
        {
            var (at, id) = (position.CreatedAt, position.Id);
            query = query.Where(row => row.CreatedAt > at || (row.CreatedAt == at && string.Compare(row.Id, id) > 0));
        }

        var rows = await query.OrderBy(row => row.CreatedAt).ThenBy(row => row.Id).Take(limit + 1).ToListAsync(cancellationToken);
        var next = rows.Count > limit ? new PageCursor(rows[limit - 1].CreatedAt, rows[limit - 1].Id).ToString() : null;
        return new([.. rows.Take(limit).Select(View)], next);
    }

    public async Task<ModelAccessPolicyView?> Find(Principal caller, string id, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.ModelAccessPolicies.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is { } row ? View(row) : null;
    }

    public async Task<ModelAccessPolicyView?> Update(Principal caller, string id, NewModelAccessPolicy draft, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.ModelAccessPolicies.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return null;
        }

        await FillAsync(db, row, draft, cancellationToken);
        (row.Revision, row.UpdatedAt) = (row.Revision + 1, time.Now());
        await db.SaveAsync(caller, row, id, $"Model access policy '{id}'", cancellationToken);
        return View(row);
    }

    public Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken) => databases.DeleteAsync<ModelAccessPolicyRow>(caller, id, row => row.Id == id, cancellationToken);

    private static async Task FillAsync(ObotDb db, ModelAccessPolicyRow row, NewModelAccessPolicy request, CancellationToken cancellationToken)
    {
        CheckDisplayName(request.DisplayName);
        var models = request.Models is { Count: >= 1 and <= MaxNames } ? request.Models : throw new InvalidInputException("models", $"Must have 1 to {MaxNames} items, e.g. {{\"id\": \"llm\"}}, {{\"id\": \"gpt-*\"}}, or {{\"id\": \"*\"}} for all.");
        for (var i = 0; i < models.Count; i++)
        {
            CheckModel($"models[{i}].id", models[i]?.Id);
        }

        if (request.Subjects is not { Count: >= 1 and <= MaxNames } subjects)
        {
            throw new InvalidInputException("subjects", $"Must have 1 to {MaxNames} items, e.g. {{\"type\": \"group\", \"id\": \"…\"}}, or {{\"type\": \"selector\", \"id\": \"*\"}} for everyone.");
        }

        for (var i = 0; i < subjects.Count; i++)
        {
            await CheckSubjectAsync(db, $"subjects[{i}]", subjects[i], row, cancellationToken);
        }

        row.DisplayName = request.DisplayName.Trim();
        row.Everyone = subjects.Any(subject => subject.Type == RuleSubjectTypes.Selector);
        row.UserIds = Ids(RuleSubjectTypes.User);
        row.GroupIds = Ids(RuleSubjectTypes.Group);
        row.Models = [.. models.Select(model => model.Id).Distinct(StringComparer.Ordinal)];

        string[] Ids(string type) => [.. subjects.Where(subject => subject.Type == type).Select(subject => subject.Id).Distinct(StringComparer.Ordinal)];
    }

    internal static void CheckDisplayName(string name)
    {
        if (string.IsNullOrWhiteSpace(name) || name.Length > 100 || name.Any(char.IsControl))
        {
            throw new InvalidInputException("displayName", "Must be a text of 1 to 100 characters without control characters.");
        }
    }

    internal static void CheckModel(string field, string? id)
    {
        if (string.IsNullOrEmpty(id) || id.Length > 200 || id.Any(char.IsControl) || id.IndexOf('*', StringComparison.Ordinal) is >= 0 and var at && at != id.Length - 1)
        {
            throw new InvalidInputException(field, "Must be the id, name or alias of a model, a beginning of one with '*' at its end, or '*' for all.");
        }
    }

    private static async Task CheckSubjectAsync(ObotDb db, string field, RuleSubject? subject, ModelAccessPolicyRow kept, CancellationToken cancellationToken)
    {
        var (type, id) = (subject?.Type, subject?.Id);
        var exists = type switch
        {
            RuleSubjectTypes.Selector => id == Selector ? true : throw new InvalidInputException($"{field}.id", "A selector has the id '*'."),
            RuleSubjectTypes.User => kept.UserIds.Contains(id, StringComparer.Ordinal) || await db.Users.AnyAsync(row => row.Id == id, cancellationToken),
            RuleSubjectTypes.Group => kept.GroupIds.Contains(id, StringComparer.Ordinal) || await db.Groups.AnyAsync(row => row.Id == id, cancellationToken),
            _ => throw new InvalidInputException($"{field}.type", "Must be one of 'user', 'group', 'selector'."),
        };
        if (!exists)
        {
            throw new InvalidInputException($"{field}.id", $"There is no {type} '{id}'.");
        }
    }

    private static ModelAccessPolicyView View(ModelAccessPolicyRow row) => new()
    {
        Id = row.Id,
        DisplayName = row.DisplayName,
        Subjects =
        [
            .. row.Everyone ? [new RuleSubject(RuleSubjectTypes.Selector, Selector)] : Array.Empty<RuleSubject>(),
            .. row.UserIds.Select(id => new RuleSubject(RuleSubjectTypes.User, id)),
            .. row.GroupIds.Select(id => new RuleSubject(RuleSubjectTypes.Group, id)),
        ],
        Models = [.. row.Models.Select(model => new PolicyModel(model))],
        CreatedBy = row.CreatedBy,
        Revision = row.Revision,
        CreatedAt = row.CreatedAt,
        UpdatedAt = row.UpdatedAt,
    };
}
