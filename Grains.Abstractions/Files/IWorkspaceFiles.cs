using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Files;

/// <summary>
/// Port: the files of projects and of conversations. Who sees a project or a conversation reads its files; who edits the project, or writes the
/// conversation, writes them. What is not there, or not for the caller, is null or false.
/// </summary>
public interface IWorkspaceFiles
{
    /// <summary>Bytes that one file may have.</summary>
    long MaxFileBytes { get; }

    /// <summary>Oldest first.</summary>
    /// <param name="limit">1 … 500.</param>
    Task<Page<WorkspaceFile>?> List(Principal caller, FileScope scope, int limit, string? cursor, CancellationToken cancellationToken);

    /// <summary>Writes a file, in place of one of the same path. The content passes in constant memory; the file is there whole or not at all.</summary>
    /// <param name="path">Names separated by <c>/</c>; at most 8 of them and 500 characters, none that a system reads specially.</param>
    /// <exception cref="InvalidInputException">The path is none, the content is too large, or not what its name says.</exception>
    /// <exception cref="NotAllowedException">The caller may read here only.</exception>
    /// <exception cref="StorageUnavailableException">The storage does not take it.</exception>
    Task<WorkspaceFile?> Write(Principal caller, FileScope scope, string path, Stream content, CancellationToken cancellationToken);

    /// <summary>The content as a stream that the caller disposes.</summary>
    /// <exception cref="StorageUnavailableException">The storage does not give it.</exception>
    Task<OpenFile?> Open(Principal caller, FileScope scope, string path, CancellationToken cancellationToken);

    /// <exception cref="NotAllowedException">The caller may read here only.</exception>
    Task<bool> Delete(Principal caller, FileScope scope, string path, CancellationToken cancellationToken);
}

/// <summary>Whose files: a project's, which all its conversations read, or one conversation's.</summary>
/// <param name="ThreadId">Null for the project itself.</param>
public sealed record FileScope(string? ProjectId, string? ThreadId)
{
    public static FileScope Project(string id) => new(id, null);

    public static FileScope Thread(string id) => new(null, id);
}

public sealed record WorkspaceFile
{
    public required string Id { get; init; }
    public required string Path { get; init; }

    /// <summary>In bytes.</summary>
    public required long Size { get; init; }

    /// <summary>By the name's ending, and checked against the first bytes.</summary>
    public required string ContentType { get; init; }

    /// <summary>Hexadecimal.</summary>
    public required string Sha256 { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
}

public sealed record OpenFile(WorkspaceFile File, Stream Content) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => Content.DisposeAsync();
}

/// <summary>The storage of files cannot be used; the message says which and why.</summary>
public sealed class StorageUnavailableException(string message, Exception inner) : Exception(message, inner);
