using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Docker.DotNet;
using Docker.DotNet.Models;
using Microsoft.Extensions.Logging;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Docker;

/// <summary>Containers of ours: found by their labels, started with a document on standard input, removed with what they last said kept.</summary>
internal sealed partial class DockerContainers(DockerDaemon daemon, DockerNames names, JournalRescue journals, RecentLogs logs, ILogger<DockerContainers> logger)
{
    private const int KeptLines = 1000;
    private const uint Grace = 3;

    /// <summary>Processes of a container that ran out of memory although its first one lives on.</summary>
    private readonly ConcurrentDictionary<string, bool> outOfMemory = new(StringComparer.Ordinal);

    public async Task<IReadOnlyList<OurContainer>> ListAsync(McpInstanceId? instance, CancellationToken cancellationToken)
    {
        var found = await daemon.Client.Containers.ListContainersAsync(new() { All = true, Filters = names.Ours(instance) }, cancellationToken);
        return
        [
            .. found.Select(container => (container, Labels: names.Read(container.Labels)))
                .Where(pair => pair.Labels is not null && (instance is null || pair.Labels.Value.Instance == instance))
                .Select(pair => new OurContainer(
                    pair.container.ID,
                    pair.container.Names.FirstOrDefault()?.TrimStart('/') ?? pair.container.ID,
                    pair.Labels!.Value.Instance,
                    pair.Labels.Value.Generation,
                    pair.Labels.Value.Role,
                    pair.container.State == "running",
                    pair.container.Labels.TryGetValue(DockerNames.SiloLabel, out var silo) ? silo : "")),
        ];
    }

    public async Task<string> CreateAsync(CreateContainerParameters request, CancellationToken cancellationToken)
    {
        try
        {
            return (await daemon.Client.Containers.CreateContainerAsync(request, cancellationToken)).ID;
        }
        catch (DockerApiException e) when (e.StatusCode is HttpStatusCode.Conflict)
        {
            // of an attempt that nobody heard the end of
            await RemoveAsync(request.Name!, cancellationToken);
            return (await daemon.Client.Containers.CreateContainerAsync(request, cancellationToken)).ID;
        }
    }

    /// <exception cref="ServerStartException">The Engine could not run it, e.g. because its command does not exist.</exception>
    public async Task StartAsync(string id, string role, CancellationToken cancellationToken)
    {
        try
        {
            await daemon.Client.Containers.StartContainerAsync(id, new(), cancellationToken);
        }
        catch (DockerApiException e)
        {
            throw new ServerStartException($"the {role} could not be started: {Said(e)}");
        }
    }

    /// <summary>
    /// Starts a shim with its boot document as the first line of standard input, which stays open when we hang up: the container lives on
    /// without this silo, and the document is nowhere but in the shim's memory.
    /// </summary>
    public async Task StartAsync<TBoot>(string id, string role, TBoot boot, JsonTypeInfo<TBoot> type, CancellationToken cancellationToken)
    {
        using var input = await daemon.Client.Containers.AttachContainerAsync(id, new() { Stream = true, Stdin = true }, cancellationToken);
        await StartAsync(id, role, cancellationToken);
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(boot, type), (byte)'\n'];
        await input.WriteAsync(line, 0, line.Length, cancellationToken);
    }

    /// <summary>Null when there is no such container.</summary>
    public async Task<ContainerInspectResponse?> InspectAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            return await daemon.Client.Containers.InspectContainerAsync(id, cancellationToken);
        }
        catch (DockerContainerNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Why it is not running, for a person; null when it is.</summary>
    public async Task<string?> FaultAsync(string id, string role, CancellationToken cancellationToken)
    {
        if (await InspectAsync(id, cancellationToken) is not { } found)
        {
            return $"the container of its {role} is gone";
        }

        if (found.State is not { } state)
        {
            return $"the container of its {role} has no state";
        }

        if (state is { Running: true, Paused: false })
        {
            return null;
        }

        if (state.Paused)
        {
            return $"the container of its {role} is paused";
        }

        if (outOfMemory.ContainsKey(id))
        {
            state.OOMKilled = true;
        }

        return ContainerEnd.Reason(role, state, found.HostConfig?.Memory ?? 0, await ContainerOutput.TailAsync(daemon.Client, id, 20, cancellationToken));
    }

    public void RanOutOfMemory(string id) => outOfMemory[id] = true;

    /// <summary>Stops and removes; keeps the last lines of a server for those who ask why.</summary>
    public async Task EndAsync(OurContainer container, CancellationToken cancellationToken)
    {
        try
        {
            if (container.Running)
            {
                await daemon.Client.Containers.StopContainerAsync(container.Id, new() { WaitBeforeKillSeconds = Grace }, cancellationToken);
            }

            if (container.Role == DockerNames.Guard)
            {
                await journals.BringHomeAsync(container.Id, container.Instance, cancellationToken);
            }

            if (container.Role is DockerNames.Server or DockerNames.Installer)
            {
                foreach (var line in await ContainerOutput.TailAsync(daemon.Client, container.Id, KeptLines, cancellationToken))
                {
                    if (line.Text is { } text)
                    {
                        logs.Write(container.Instance, container.Generation, text, line.At);
                    }
                }
            }
        }
        catch (DockerContainerNotFoundException)
        {
            return;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // stopped, but records lie in it that this host cannot take: a later sweep tries again
            LogKept(container.Name, e);
            return;
        }

        await RemoveAsync(container.Id, cancellationToken);
    }

    public async Task RemoveAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            await daemon.Client.Containers.RemoveContainerAsync(id, new() { Force = true, RemoveVolumes = true }, cancellationToken);
        }
        catch (DockerApiException e) when (e.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
        {
            // gone, or being removed
        }

        outOfMemory.TryRemove(id, out _);
    }

    [LoggerMessage(LogLevel.Error, "The audit records of container {Name} cannot be written to the data folder; it is kept until they can")]
    private partial void LogKept(string name, Exception exception);

    /// <summary>The Engine's own words without its JSON around them.</summary>
    public static string Said(DockerApiException e)
    {
        try
        {
            using var document = JsonDocument.Parse(e.ResponseBody ?? "");
            return document.RootElement.GetProperty("message").GetString() ?? e.Message;
        }
        catch (Exception parse) when (parse is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return e.ResponseBody ?? e.Message;
        }
    }
}

/// <param name="Silo">Address of the silo that started it.</param>
internal sealed record OurContainer(string Id, string Name, McpInstanceId Instance, long Generation, string Role, bool Running, string Silo);
