using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Projects;

namespace Obot.Grains.Projects;

/// <summary>Who may do what with a project: its owner everything, members what they were given, nobody else anything, whatever the role.</summary>
internal static class ProjectDoor
{
    public const string Everyone = "*";

    public static async Task<ProjectAccess?> AccessAsync(ObotDb db, Principal caller, ProjectRow project, CancellationToken cancellationToken)
    {
        if (project.OwnerId == caller.UserId)
        {
            return ProjectAccess.Owner;
        }

        var given = await db.ProjectMembers.AsNoTracking().Where(member => member.ProjectId == project.Id && (member.UserId == caller.UserId || member.UserId == Everyone))
            .Select(member => member.Access).ToListAsync(cancellationToken);
        return given.Count == 0 ? null : given.Max(Enum.Parse<ProjectAccess>);
    }

    /// <summary>Those that the caller sees at all.</summary>
    public static IQueryable<ProjectRow> Visible(ObotDb db, Principal caller) => db.Projects.Where(project =>
        project.OwnerId == caller.UserId || db.ProjectMembers.Any(member => member.ProjectId == project.Id && (member.UserId == caller.UserId || member.UserId == Everyone)));
}
