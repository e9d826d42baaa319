using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Files;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Conversations.Running;

/// <summary>
/// The platform's own tools: the model reads and writes the conversation's files, and reads the project's (<c>project/…</c>). They act as the
/// conversation's person and reach nothing else, so nobody is asked for each call.
/// </summary>
internal sealed class WorkspaceTools(IWorkspaceFiles files)
{
    public const string ListName = "list_files";
    public const string ReadName = "read_file";
    public const string WriteName = "write_file";
    private const string OfProject = "project/";
    private const int MostListed = 200;
    private const int MostCharacters = 30_000;
    private const int MostWritten = 1_000_000;

    public static IReadOnlyList<AITool> Declarations { get; } =
    [
        AIFunctionFactory.CreateDeclaration(ListName, "Lists the files of this conversation, and of its project under 'project/'.", Schema("""{"type":"object","properties":{}}""")),
        AIFunctionFactory.CreateDeclaration(
            ReadName,
            $"Reads a text file of this conversation or its project, {MostCharacters} characters at most; 'offset' goes on behind them.",
            Schema("""{"type":"object","properties":{"path":{"type":"string"},"offset":{"type":"integer","minimum":0}},"required":["path"]}""")),
        AIFunctionFactory.CreateDeclaration(
            WriteName,
            "Writes a text file into this conversation, in place of one of the same path. The person can download it.",
            Schema("""{"type":"object","properties":{"path":{"type":"string"},"content":{"type":"string"}},"required":["path","content"]}""")),
    ];

    public static bool IsOurs(string name) => name is ListName or ReadName or WriteName;

    /// <exception cref="RunFailure">What the model is told went wrong.</exception>
    public async Task<string> CallAsync(Principal caller, string projectId, string threadId, string name, string arguments, CancellationToken cancellationToken)
    {
        try
        {
            using var given = JsonDocument.Parse(arguments);
            var root = given.RootElement;
            return name switch
            {
                ListName => await ListAsync(caller, projectId, threadId, cancellationToken),
                ReadName => await ReadAsync(caller, projectId, threadId, Text(root, "path"), root.TryGetProperty("offset", out var offset) && offset.TryGetInt64(out var from) ? from : 0, cancellationToken),
                _ => await WriteAsync(caller, threadId, Text(root, "path"), Text(root, "content"), cancellationToken),
            };
        }
        catch (Exception e) when (e is InvalidInputException or NotAllowedException or ConflictException or StorageUnavailableException or JsonException)
        {
            throw new RunFailure(e is InvalidInputException invalid ? $"{invalid.Field}: {e.Message}" : e.Message);
        }
    }

    private async Task<string> ListAsync(Principal caller, string projectId, string threadId, CancellationToken cancellationToken)
    {
        var own = await files.List(caller, FileScope.Thread(threadId), MostListed, null, cancellationToken);
        var shared = await files.List(caller, FileScope.Project(projectId), MostListed, null, cancellationToken);
        List<string> lines = [.. (own?.Items ?? []).Select(file => Line(file.Path, file)), .. (shared?.Items ?? []).Select(file => Line(OfProject + file.Path, file))];
        return lines.Count == 0 ? "There are no files." : string.Join('\n', lines);
    }

    private async Task<string> ReadAsync(Principal caller, string projectId, string threadId, string path, long offset, CancellationToken cancellationToken)
    {
        await using var open = (await files.Open(caller, FileScope.Thread(threadId), path, cancellationToken)
            ?? (path.StartsWith(OfProject, StringComparison.Ordinal) ? await files.Open(caller, FileScope.Project(projectId), path[OfProject.Length..], cancellationToken) : null))
            ?? throw new RunFailure($"There is no file '{path}': {ListName} says which there are.");
        using var reader = new StreamReader(open.Content, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true));
        var buffer = new char[MostCharacters];
        try
        {
            for (var skipped = 0L; skipped < offset;)
            {
                var more = await reader.ReadBlockAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, offset - skipped)), cancellationToken);
                if (more == 0)
                {
                    return $"[the file has only {skipped} characters]";
                }

                skipped += more;
            }

            var read = await reader.ReadBlockAsync(buffer, cancellationToken);
            var text = new string(buffer, 0, read);
            return text.Contains('\0', StringComparison.Ordinal) ? NoText(open.File) : reader.Peek() < 0 ? text : $"{text}\n[more: offset {offset + read}]";
        }
        catch (DecoderFallbackException)
        {
            return NoText(open.File);
        }
    }

    private async Task<string> WriteAsync(Principal caller, string threadId, string path, string content, CancellationToken cancellationToken)
    {
        if (content.Length > MostWritten)
        {
            throw new RunFailure($"A text of {MostWritten} characters at most can be written at once.");
        }

        using var bytes = new MemoryStream(Encoding.UTF8.GetBytes(content), writable: false);
        var file = await files.Write(caller, FileScope.Thread(threadId), path, bytes, cancellationToken) ?? throw new RunFailure("This conversation is not there any more.");
        return $"Written: {Line(file.Path, file)}";
    }

    private static string NoText(WorkspaceFile file) => $"'{file.Path}' is no text ({file.ContentType}, {file.Size} bytes).";

    private static string Line(string path, WorkspaceFile file) => $"{path} ({file.ContentType}, {file.Size} bytes)";

    private static string Text(JsonElement root, string name) =>
        root.ValueKind == JsonValueKind.Object && root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : throw new InvalidInputException(name, "Must be a text.");

    private static JsonElement Schema(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}
