using System.Collections.Concurrent;
using System.Globalization;
using Docker.DotNet;
using Docker.DotNet.Models;
using Microsoft.Extensions.Options;

namespace Obot.Grains.Hosting.Docker;

/// <summary>Images of servers: pulled with progress, their digest noted, and a clear word when they are not to be had.</summary>
internal sealed class DockerImages(DockerDaemon daemon, RegistryCredentials credentials, IOptions<HostingOptions> options)
{
    /// <summary>One pull of an image at a time on this silo; the Engine shares layers between the rest.</summary>
    private readonly ConcurrentDictionary<string, SemaphoreSlim> pulls = new(StringComparer.Ordinal);

    /// <summary>
    /// Makes sure that the image is there. One without a tag or with <c>latest</c> is asked for at each start, and used as it is when its
    /// registry does not answer.
    /// </summary>
    /// <exception cref="ServerStartException">It is nowhere, or its registry refuses us.</exception>
    public async Task<ImageInspectResponse> EnsureAsync(string image, Action<string> progress, CancellationToken cancellationToken)
    {
        var gate = pulls.GetOrAdd(image, static _ => new(1));
        await gate.WaitAsync(cancellationToken);
        try
        {
            var present = await FindAsync(image, cancellationToken);
            if (present is not null && !Moves(image))
            {
                return present;
            }

            try
            {
                await PullAsync(image, progress, cancellationToken);
            }
            catch (ServerStartException e) when (present is not null)
            {
                progress($"{e.Message}; the image of this machine is used");
                return present;
            }

            return await FindAsync(image, cancellationToken) ?? throw new ServerStartException($"image '{image}' was pulled and is not there");
        }
        finally
        {
            gate.Release();
        }
    }

    public async Task<ImageInspectResponse?> FindAsync(string image, CancellationToken cancellationToken)
    {
        try
        {
            return await daemon.Client.Images.InspectImageAsync(image, cancellationToken);
        }
        catch (DockerImageNotFoundException)
        {
            return null;
        }
    }

    /// <summary><c>repository@sha256:…</c> where a registry gave it, else the image's id.</summary>
    public static string DigestOf(string image, ImageInspectResponse found)
    {
        var repository = Split(image).Repository;
        return found.RepoDigests?.FirstOrDefault(digest => digest.StartsWith(repository + "@", StringComparison.Ordinal))
            ?? found.RepoDigests?.FirstOrDefault()
            ?? $"{repository}@{found.ID}";
    }

    /// <summary>May the name mean another image tomorrow?</summary>
    internal static bool Moves(string image) => Split(image).Tag is "latest";

    /// <summary>The tag is <c>latest</c> where none is written, and a digest (<c>sha256:…</c>) where one is.</summary>
    internal static (string Repository, string Tag) Split(string image)
    {
        var at = image.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0)
        {
            return (image[..at], image[(at + 1)..]);
        }

        var colon = image.LastIndexOf(':');
        return colon > image.LastIndexOf('/') ? (image[..colon], image[(colon + 1)..]) : (image, "latest");
    }

    private async Task PullAsync(string image, Action<string> progress, CancellationToken cancellationToken)
    {
        var (repository, tag) = Split(image);
        var auth = credentials.For(image);
        var pull = new PullProgress(image, progress);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Value.Docker.PullTimeout);
        progress($"pulling {image}");
        try
        {
            await daemon.Client.Images.CreateImageAsync(new ImagesCreateParameters { FromImage = repository, Tag = tag }, auth, pull, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ServerStartException($"image '{image}' was not pulled within {options.Value.Docker.PullTimeout}: {pull.Last} (Obot:Hosting:Docker:PullTimeout)");
        }
        catch (Exception e) when (e is DockerApiException or HttpRequestException or IOException)
        {
            throw new ServerStartException(Explain(image, auth is not null, e is DockerApiException api ? DockerContainers.Said(api) : e.Message));
        }

        if (pull.Failure is { } failure)
        {
            throw new ServerStartException(Explain(image, auth is not null, failure));
        }
    }

    /// <summary>What an Engine says of a pull that failed, for a person. Engines word it differently; registries hide what one may not see.</summary>
    internal static string Explain(string image, bool withCredentials, string said)
    {
        var server = RegistryCredentials.ServerOf(image);
        var text = said.ToLowerInvariant();
        if (Says("unauthorized", "authentication required", "no basic auth", "denied", "forbidden", "incorrect username"))
        {
            return withCredentials
                ? $"the registry {server} refuses image '{image}' with the credentials of this installation (Obot:Hosting:Docker:Registries, or docker login)"
                : $"the registry {server} gives image '{image}' to nobody without credentials, or has none of that name: set Obot:Hosting:Docker:Registries, or use docker login";
        }

        if (Says("manifest unknown", "not found", "name unknown", "does not exist", "no such image"))
        {
            return $"image '{image}' does not exist in registry {server}";
        }

        if (Says("no matching manifest", "no match for platform"))
        {
            return $"image '{image}' has no variant for this machine";
        }

        if (Says("connection refused", "no such host", "timeout", "i/o", "eof", "network is unreachable", "server misbehaving"))
        {
            return $"the registry {server} cannot be reached for image '{image}': {said.Trim()}";
        }

        return $"image '{image}' could not be pulled: {said.Trim()}";

        bool Says(params ReadOnlySpan<string> words)
        {
            foreach (var word in words)
            {
                if (text.Contains(word, StringComparison.Ordinal))
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>The Engine speaks of layers many times a second; people hear of it at most once.</summary>
    private sealed class PullProgress(string image, Action<string> tell) : IProgress<JSONMessage>
    {
        private readonly ConcurrentDictionary<string, (long Current, long Total)> layers = new(StringComparer.Ordinal);
        private long told = Environment.TickCount64;

        public string? Failure { get; private set; }

        public string Last { get; private set; } = "no answer yet";

        public void Report(JSONMessage value)
        {
            Failure ??= value.Error?.Message;
            if (value.ID is { Length: > 0 } layer && value.Progress is { Total: > 0 } progress && value.Status == "Downloading")
            {
                layers[layer] = (progress.Current ?? 0, progress.Total ?? 0);
            }
            else if (value.ID is { Length: > 0 } done && layers.TryGetValue(done, out var size) && value.Status is "Download complete" or "Pull complete")
            {
                layers[done] = (size.Total, size.Total);
            }

            Last = string.Create(
                CultureInfo.InvariantCulture,
                $"pulling {image}: {layers.Values.Sum(part => part.Current) / 1_000_000.0:0.0} of {layers.Values.Sum(part => part.Total) / 1_000_000.0:0.0} MB");
            var now = Environment.TickCount64;
            if (now - told > 1000 && !layers.IsEmpty)
            {
                told = now;
                tell(Last);
            }
        }
    }
}
