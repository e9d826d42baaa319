using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Docker.DotNet.Models;
using Microsoft.Extensions.Options;

namespace Obot.Grains.Hosting.Docker;

/// <summary>
/// The two images that are made here on first use: the shim alone, for guards, and the shim with Node.js (and uv, where it is) for packages.
/// Both come from this machine's own files and are tagged by their content, so that a new shim is a new image.
/// </summary>
internal sealed class ShimImages(DockerDaemon daemon, DockerImages images, IOptions<HostingOptions> options)
{
    public const string Program = "/opt/obot/Obot.Shim";
    public const string Home = "/home/obot";
    public const string PackageFolder = "/packages";
    public const string WriteAheadFolder = "/var/obot";
    public const int User = 10001;

    private const string Certificates = "/etc/ssl/certs/ca-certificates.crt";
    private static readonly string[] CertificateFiles = [Certificates, "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"];
    private static readonly string[] OpenedByShim = ["libssl.so.3", "libcrypto.so.3"];

    /// <summary>What installation scripts of packages commonly call.</summary>
    private static readonly string[] Commands =
        ["env", "cat", "ls", "cp", "mv", "rm", "mkdir", "ln", "chmod", "pwd", "uname", "dirname", "basename", "readlink", "true", "sleep", "sed", "grep", "tr", "head", "which"];

    private readonly ConcurrentDictionary<string, SemaphoreSlim> building = new(StringComparer.Ordinal);

    /// <summary>Image of the guard.</summary>
    public Task<string> GuardAsync(Action<string> progress, CancellationToken cancellationToken) =>
        options.Value.Docker.ShimImage is { Length: > 0 } configured
            ? GivenAsync(configured, progress, cancellationToken)
            : EnsureAsync("obot-shim", "the guard's image", [Shim()], AddGuardAsync, [], progress, cancellationToken);

    /// <summary>Image of <c>npx</c> and <c>uvx</c> servers.</summary>
    public Task<string> RuntimeAsync(Action<string> progress, CancellationToken cancellationToken) =>
        options.Value.Docker.RuntimeImage is { Length: > 0 } configured
            ? GivenAsync(configured, progress, cancellationToken)
            : EnsureAsync(
                "obot-runtime",
                "the image of npx and uvx servers",
                [Shim(), Node(), .. new[] { OnPath("uvx") }.OfType<string>()],
                AddRuntimeAsync,
                [$"ENV HOME={Home}", $"ENV NODE_EXTRA_CA_CERTS={Certificates}", $"WORKDIR {Home}"],
                progress,
                cancellationToken);

    private async Task<string> GivenAsync(string image, Action<string> progress, CancellationToken cancellationToken)
    {
        await images.EnsureAsync(image, progress, cancellationToken);
        return image;
    }

    private async Task<string> EnsureAsync(
        string repository,
        string what,
        IReadOnlyList<string> sources,
        Func<ImageTar, CancellationToken, Task> fill,
        IReadOnlyList<string> changes,
        Action<string> progress,
        CancellationToken cancellationToken)
    {
        var gate = building.GetOrAdd(repository, static _ => new(1));
        await gate.WaitAsync(cancellationToken);
        try
        {
            var libraries = new SortedSet<string>(StringComparer.Ordinal);
            foreach (var source in sources)
            {
                libraries.UnionWith(await LibraryClosure.OfAsync(source, [], cancellationToken));
            }

            var tag = TagOf(sources, libraries);
            var image = $"{repository}:{tag}";
            if (await images.FindAsync(image, cancellationToken) is not null)
            {
                return image;
            }

            await CheckMachineAsync(cancellationToken);
            progress($"making {what} ({image})");
            await using var tar = new ImageTar();
            await fill(tar, cancellationToken);
            await using var content = await tar.EndAsync();
            await daemon.Client.Images.CreateImageAsync(
                new ImagesCreateParameters
                {
                    FromSrc = "-",
                    Repo = repository,
                    Tag = tag,
                    Message = "made by Obot from this machine's files",
                    Changes =
                    [
                        $"ENTRYPOINT [\"{Program}\"]", $"USER {User}:{User}", "ENV PATH=/usr/local/bin:/usr/bin:/bin", $"ENV SSL_CERT_FILE={Certificates}", "ENV SSL_CERT_DIR=/etc/ssl/certs", .. changes,
                    ],
                },
                content,
                authConfig: null,
                new Progress<JSONMessage>(),
                cancellationToken);
            return await images.FindAsync(image, cancellationToken) is not null ? image : throw new ServerStartException($"{what} ({image}) was given to Docker and is not there");
        }
        finally
        {
            gate.Release();
        }
    }

    private async Task AddGuardAsync(ImageTar tar, CancellationToken cancellationToken)
    {
        await AddProgramAsync(tar, Shim(), Program, OpenedByShim, cancellationToken);
        await tar.AddFolderAsync(WriteAheadFolder, User, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, cancellationToken);
        await AddBasicsAsync(tar, cancellationToken);
    }

    private async Task AddRuntimeAsync(ImageTar tar, CancellationToken cancellationToken)
    {
        await AddProgramAsync(tar, Shim(), Program, OpenedByShim, cancellationToken);
        await AddProgramAsync(tar, Node(), "/usr/bin/node", [], cancellationToken);
        await AddProgramAsync(tar, "/bin/sh", "/bin/sh", [], cancellationToken);
        foreach (var command in Commands)
        {
            if (OnPath(command) is { } found)
            {
                await AddProgramAsync(tar, found, $"/usr/bin/{command}", [], cancellationToken);
            }
        }

        foreach (var command in new[] { "uv", "uvx" })
        {
            if (OnPath(command) is { } found)
            {
                await AddProgramAsync(tar, found, $"/usr/bin/{command}", [], cancellationToken);
            }
        }

        await AddNpmAsync(tar, cancellationToken);
        var own = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        await tar.AddFolderAsync("/home", 0, own | UnixFileMode.OtherRead | UnixFileMode.OtherExecute, cancellationToken);
        await tar.AddFolderAsync(Home, User, own, cancellationToken);
        await tar.AddFolderAsync(PackageFolder, User, own, cancellationToken);
        await AddBasicsAsync(tar, cancellationToken);
    }

    /// <summary>npm's folder, and with Debian's package also the folders that its modules are found in.</summary>
    private static async Task AddNpmAsync(ImageTar tar, CancellationToken cancellationToken)
    {
        var npm = OnPath("npm") ?? throw new ServerStartException("npm was not found on this machine: install Node.js with npm, or name an image that has it with Obot:Hosting:Docker:RuntimeImage");
        var script = File.ResolveLinkTarget(npm, returnFinalTarget: true)?.FullName ?? npm;
        var folder = Path.GetDirectoryName(Path.GetDirectoryName(script))!;
        string[] trees = folder.StartsWith("/usr/share/nodejs/", StringComparison.Ordinal)
            ? ["/usr/share/nodejs", .. Directory.GetDirectories("/usr/lib", "*-linux-gnu").Select(path => Path.Combine(path, "nodejs")).Where(Directory.Exists)]
            : [folder];
        foreach (var tree in trees)
        {
            await tar.AddTreeAsync(tree, tree, cancellationToken);
        }

        await tar.AddLinkAsync("/usr/bin/npm", script, cancellationToken);
        await tar.AddLinkAsync("/usr/bin/npx", Path.Combine(Path.GetDirectoryName(script)!, "npx-cli.js"), cancellationToken);
    }

    private static async Task AddProgramAsync(ImageTar tar, string source, string path, IReadOnlyList<string> opened, CancellationToken cancellationToken)
    {
        await tar.AddFileAsync(path, source, cancellationToken);
        foreach (var library in await LibraryClosure.OfAsync(source, opened, cancellationToken))
        {
            await tar.AddFileAsync(library, library, cancellationToken);
        }
    }

    private static async Task AddBasicsAsync(ImageTar tar, CancellationToken cancellationToken)
    {
        await tar.AddTextAsync("/etc/passwd", $"root:x:0:0:root:/root:/bin/sh\nobot:x:{User}:{User}:obot:{Home}:/bin/sh\n", cancellationToken);
        await tar.AddTextAsync("/etc/group", $"root:x:0:\nobot:x:{User}:\n", cancellationToken);
        await tar.AddTextAsync("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n", cancellationToken);
        await tar.AddFolderAsync("/tmp", 0, (UnixFileMode)0b001_111_111_111, cancellationToken);
        var bundle = new[] { Environment.GetEnvironmentVariable("SSL_CERT_FILE") ?? "" }.Concat(CertificateFiles).FirstOrDefault(File.Exists);
        if (bundle is not null)
        {
            await tar.AddFileAsync(Certificates, bundle, cancellationToken);
        }
    }

    private async Task CheckMachineAsync(CancellationToken cancellationToken)
    {
        var version = await daemon.Client.System.GetVersionAsync(cancellationToken);
        var own = RuntimeInformation.OSArchitecture switch { Architecture.X64 => "amd64", Architecture.Arm64 => "arm64", var other => other.ToString().ToLowerInvariant() };
        if (!OperatingSystem.IsLinux() || version.Os != "linux" || version.Arch != own)
        {
            throw new ServerStartException(
                $"the images of guard and packages cannot be made from this machine's files for Docker on {version.Os}/{version.Arch}: name images with Obot:Hosting:Docker:ShimImage and RuntimeImage (deploy/ has their Dockerfiles)");
        }
    }

    /// <summary>The native shim; one that needs a .NET runtime does not go into an image.</summary>
    private string Shim()
    {
        var path = options.Value.ShimPath ?? Path.Combine(AppContext.BaseDirectory, "Obot.Shim");
        return !File.Exists(path)
            ? throw new ServerStartException($"the shim was not found at '{path}': set Obot:Hosting:ShimPath, or Obot:Hosting:Docker:ShimImage")
            : path.EndsWith(".dll", StringComparison.Ordinal) || File.Exists(path + ".dll")
                ? throw new ServerStartException("the shim of this installation is not native and cannot go into an image: build it where clang or gcc is, or set Obot:Hosting:Docker:ShimImage")
                : Path.GetFullPath(path);
    }

    private static string Node() =>
        OnPath("node") ?? throw new ServerStartException("node was not found on this machine: install Node.js with npm, or name an image that has it with Obot:Hosting:Docker:RuntimeImage");

    private static string? OnPath(string command) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, command)).FirstOrDefault(File.Exists);

    /// <summary>The content of our own program, and size and age of what comes from the machine: a security update of a library is a new image.</summary>
    private static string TagOf(IReadOnlyList<string> sources, IEnumerable<string> libraries)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("1"u8);
        hash.AppendData(SHA256.HashData(File.ReadAllBytes(sources[0])));
        foreach (var path in sources.Skip(1).Concat(libraries))
        {
            var file = new FileInfo(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);
            hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{path} {file.Length} {file.LastWriteTimeUtc.Ticks}\n")));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }
}
