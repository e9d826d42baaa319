using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Projects;

namespace Obot.Grains.Projects;

/// <summary>What a project may look like.</summary>
internal static class ProjectRules
{
    private const int MostInstructions = 20_000;
    private const int MostServers = 100;
    private const int MostMembers = 500;

    public static void Check(ProjectSettings settings)
    {
        Text("name", settings.Name ?? "", 1, 100);
        Text("description", settings.Description ?? "", 0, 1000);
        Text("model", settings.Model ?? "", 0, 200);
        if (settings.Instructions?.Length > MostInstructions)
        {
            throw new InvalidInputException("instructions", $"May have {MostInstructions} characters at most.");
        }

        if (settings.Servers?.Count > MostServers)
        {
            throw new InvalidInputException("servers", $"May name {MostServers} servers at most.");
        }
    }

    public static async Task CheckAsync(ObotDb db, ProjectRow project, IReadOnlyList<ProjectMember> members, CancellationToken cancellationToken)
    {
        if (project.IsDefault)
        {
            throw new InvalidInputException("members", "Your own project is not shared: make another one for that.");
        }

        if (members.Count > MostMembers || members.Select(member => member.UserId).Distinct(StringComparer.Ordinal).Count() != members.Count)
        {
            throw new InvalidInputException("members", $"At most {MostMembers}, each once.");
        }

        if (members.Any(member => member.Access == ProjectAccess.Owner || member.UserId == project.OwnerId))
        {
            throw new InvalidInputException("members", "A project has one owner, who is no member. Allowed: 'read', 'use', 'edit'.");
        }

        string[] ids = [.. members.Select(member => member.UserId).Where(id => id != ProjectDoor.Everyone)];
        var known = await db.Users.Where(user => ids.Contains(user.Id)).Select(user => user.Id).ToListAsync(cancellationToken);
        if (ids.Except(known, StringComparer.Ordinal).FirstOrDefault() is { } unknown)
        {
            throw new InvalidInputException("members", $"There is no user '{unknown}'.");
        }
    }

    public static void CheckApproval(string tool, string? approval)
    {
        Text("tool", tool, 3, 300);
        if (approval is not (null or "always" or "never"))
        {
            throw new InvalidInputException("approval", "Allowed: 'always', 'never', or absent to ask.");
        }
    }

    private static void Text(string field, string text, int least, int most)
    {
        if (text.Trim().Length < least || text.Length > most || text.Any(letter => char.IsControl(letter) && letter is not '\n' and not '\r'))
        {
            throw new InvalidInputException(field, $"Must be a text of {least} to {most} characters without control characters.");
        }
    }
}
