using Microsoft.AspNetCore.Components.Forms;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Files;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Chat.Files;

/// <summary>Files that a browser gives, on their way into a workspace.</summary>
internal sealed class Uploads(IWorkspaceFiles files, Principal caller)
{
    private const int MostAtOnce = 20;
    private const int MostListed = 500;

    /// <summary>How many are still on their way.</summary>
    public int Waiting { get; private set; }

    /// <summary>What could not be taken, and why; null when all was.</summary>
    public string? Trouble { get; set; }

    /// <summary>One after the other; a name that is taken gets a number.</summary>
    /// <param name="changed">After each.</param>
    public async Task<IReadOnlyList<WorkspaceFile>> TakeAsync(FileScope scope, InputFileChangeEventArgs chosen, Action changed, CancellationToken cancellationToken)
    {
        Trouble = chosen.FileCount > MostAtOnce ? $"{MostAtOnce} files at once are the most; the others were left out." : null;
        var given = chosen.GetMultipleFiles(Math.Max(1, chosen.FileCount)).Take(MostAtOnce).ToList();
        Waiting += given.Count;
        changed();
        var taken = (await files.List(caller, scope, MostListed, null, cancellationToken))?.Items.Select(file => file.Path).ToHashSet(StringComparer.Ordinal) ?? [];
        var done = new List<WorkspaceFile>();
        foreach (var one in given)
        {
            try
            {
                await using var content = one.OpenReadStream(files.MaxFileBytes, cancellationToken);
                if (await files.Write(caller, scope, FileText.Free(one.Name, taken), content, cancellationToken) is { } file)
                {
                    done.Add(file);
                    taken.Add(file.Path);
                }
            }
            catch (Exception e) when (e is InvalidInputException or NotAllowedException or ConflictException or StorageUnavailableException)
            {
                Trouble = $"{one.Name}: {e.Message}";
            }
            catch (IOException)
            {
                Trouble = $"{one.Name} is larger than {FileText.Size(files.MaxFileBytes)}.";
            }

            Waiting--;
            changed();
        }

        return done;
    }
}
