using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Obot.Grains.Tests.Catalog;

/// <summary>OpenSSH's server on loopback, with keys and configuration of its own; whoever runs the tests may sign in with <see cref="Key"/>.</summary>
internal sealed class SshServer : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("obot-sshd-");
    private readonly Process _process;
    private readonly int _port = FreePort();

    private SshServer()
    {
        // it refuses to start without the folder that Debian's unit would make
        Directory.CreateDirectory("/run/sshd");
        Generate("host");
        Generate("client");
        File.Copy(PathOf("client.pub"), PathOf("authorized"));
        File.WriteAllText(PathOf("config"), $"""
            ListenAddress 127.0.0.1:{_port}
            HostKey {PathOf("host")}
            AuthorizedKeysFile {PathOf("authorized")}
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin prohibit-password
            LogLevel VERBOSE

            """);
        _process = Start(Program!, "-D", "-e", "-f", PathOf("config"));
    }

    /// <summary>Null where it is not installed.</summary>
    public static string? Program => new[] { "/usr/sbin/sshd", "/usr/bin/sshd" }.FirstOrDefault(File.Exists);

    /// <summary>The private key that opens the door, in PEM.</summary>
    public string Key => File.ReadAllText(PathOf("client"));

    /// <summary>A line of <c>known_hosts</c>.</summary>
    public string KnownHost => $"[127.0.0.1]:{_port} {string.Join(' ', File.ReadAllText(PathOf("host.pub")).Split(' ')[..2])}\n";

    public string Url(string path) => $"ssh://{Environment.UserName}@127.0.0.1:{_port}{path}";

    public static async Task<SshServer> StartAsync(CancellationToken cancellationToken)
    {
        var server = new SshServer();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(StartLimit);
        while (await server._process.StandardError.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.Contains("Server listening", StringComparison.Ordinal))
            {
                _ = server._process.StandardError.ReadToEndAsync(CancellationToken.None);
                return server;
            }
        }

        throw new InvalidOperationException("sshd ended before it listened");
    }

    /// <summary>Another key pair; returns the private one.</summary>
    public string Stranger()
    {
        Generate("stranger");
        return File.ReadAllText(PathOf("stranger"));
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private string PathOf(string name) => Path.Combine(_folder.FullName, name);

    private void Generate(string name)
    {
        using var process = Start("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tests", "-f", PathOf(name));
        process.WaitForExit();
    }

    private static Process Start(string program, params string[] arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardInput = true })!;
}
