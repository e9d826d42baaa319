using System.Text;

namespace Obot.Grains.Catalog.Sources;

/// <summary>
/// What one reading of a repository needs around it: a private folder that is gone afterwards, and a configuration of our own in place of
/// the machine's. No hooks, no links, no submodules, no protocol but the source's own, no redirect to another host. The credential lies
/// in a file that only this user reads, never on a command line or in an environment.
/// </summary>
internal sealed class GitHome : IDisposable
{
    private const UnixFileMode OwnFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private GitHome(string folder, Dictionary<string, string> environment) => (Folder, Environment) = (folder, environment);

    public string Folder { get; }

    public string Repository => Path.Combine(Folder, "repository");

    /// <summary>The whole environment of git.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; }

    /// <param name="parent">Where folders of readings are made.</param>
    /// <param name="credential">Token (<c>token</c> or <c>user:token</c>) for https, private key for ssh; null for none.</param>
    public static GitHome Create(string parent, SourceAddress source, string? credential, CatalogOptions options)
    {
        Directory.CreateDirectory(parent, OwnFolder);
        var folder = Directory.CreateDirectory(Path.Combine(parent, $"read-{Guid.CreateVersion7():N}"), OwnFolder).FullName;
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PATH"] = System.Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin",
            ["HOME"] = folder,
            ["LC_ALL"] = "C",
            ["GIT_CONFIG_GLOBAL"] = Path.Combine(folder, "gitconfig"),
            ["GIT_CONFIG_NOSYSTEM"] = "1",
            ["GIT_ATTR_NOSYSTEM"] = "1",
            ["GIT_TERMINAL_PROMPT"] = "0",
            ["GIT_ASKPASS"] = "/bin/false",
            ["SSH_ASKPASS"] = "/bin/false",
            ["GIT_ALLOW_PROTOCOL"] = source.Scheme,
        };
        foreach (var name in new[] { "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO" })
        {
            if (System.Environment.GetEnvironmentVariable(name) is { Length: > 0 } value)
            {
                environment[name] = value;
            }
        }

        var configuration = new StringBuilder(
            """
            [core]
                hooksPath = /dev/null
                symlinks = false
            [fetch]
                recurseSubmodules = false
            [submodule]
                recurse = false
            [gc]
                auto = 0
            [maintenance]
                auto = false
            [safe]
                directory = *
            [http]
                followRedirects = false
                lowSpeedLimit = 500
                lowSpeedTime = 20
            [credential]
                helper =

            """);
        if (source.Scheme == "ssh")
        {
            environment["GIT_SSH_COMMAND"] = Ssh(parent, folder, credential, options);
        }
        else if (credential is not null && source.Scheme is "https" or "http")
        {
            var file = Path.Combine(folder, "credential");
            var (user, token) = credential.Split(':', 2) is [{ Length: > 0 } name, var secret] ? (name, secret) : ("x-access-token", credential);
            Write(file, $"username={user}\npassword={token}\n");
            configuration.Append(System.Globalization.CultureInfo.InvariantCulture, $"[credential \"{new Uri(source.Location).GetLeftPart(UriPartial.Authority)}\"]\n    helper = \"!f() {{ test \\\"$1\\\" = get && cat '{file}'; }}; f\"\n");
        }

        Write(Path.Combine(folder, "gitconfig"), configuration.ToString());
        return new(folder, environment);
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(Folder, recursive: true);
        }
        catch (IOException)
        {
            // git may still be ending; the next start of the silo sweeps the folder
        }
    }

    private static string Ssh(string parent, string folder, string? credential, CatalogOptions options)
    {
        var hosts = options.SshKnownHostsFile is { Length: > 0 } file ? file : Path.Combine(parent, "known_hosts");
        var strict = options.SshKnownHostsFile is { Length: > 0 } ? "yes" : "accept-new";
        var key = "";
        if (credential is not null)
        {
            var path = Path.Combine(folder, "key");
            Write(path, credential.TrimEnd() + "\n");
            key = $"-i '{path}' -o IdentitiesOnly=yes ";
        }

        return $"ssh -F /dev/null {key}-o BatchMode=yes -o ConnectTimeout=10 -o StrictHostKeyChecking={strict} -o UserKnownHostsFile='{hosts}' -o ForwardAgent=no -o ClearAllForwardings=yes";
    }

    /// <summary>With its mode from the first moment.</summary>
    private static void Write(string file, string text)
    {
        using var stream = new FileStream(file, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
        stream.Write(Encoding.UTF8.GetBytes(text));
    }
}
