namespace Obot.Grains.Hosting.Docker;

/// <summary>Section <c>Obot:Hosting:Docker</c>.</summary>
public sealed class DockerOptions
{
    /// <summary>
    /// The Engine: <c>unix:///path</c>, <c>tcp://host:2375</c> or <c>https://host:2376</c>. Default: <c>DOCKER_HOST</c>, else
    /// <c>unix:///var/run/docker.sock</c>.
    /// </summary>
    public string Endpoint { get; set; } = "";

    /// <summary>
    /// Folder with <c>ca.pem</c>, <c>cert.pem</c> and <c>key.pem</c> for an Engine behind TLS; only an Engine with a certificate of that
    /// authority is talked to. Default: <c>DOCKER_CERT_PATH</c> where <c>DOCKER_TLS_VERIFY</c> is set, else no TLS.
    /// </summary>
    public string CertificatePath { get; set; } = "";

    /// <summary>
    /// IP address of the Engine's machine on which the guards' ports are published; the gateways have to reach it. Default: 127.0.0.1 for
    /// a local Engine, else the address of <see cref="Endpoint"/>.
    /// </summary>
    public string PublishAddress { get; set; } = "";

    /// <summary>Host name or address under which the gateways reach published ports. Default: <see cref="PublishAddress"/>.</summary>
    public string GuardHost { get; set; } = "";

    /// <summary>Private IPv4 range that the networks of servers are taken from, one /28 a server; it must not meet a network of yours. Default 10.213.0.0/16.</summary>
    public string AddressPool { get; set; } = "10.213.0.0/16";

    /// <summary>Image of guard and bridge. Default: made from the shim of this silo and the libraries of its machine, on first use.</summary>
    public string ShimImage { get; set; } = "";

    /// <summary>
    /// Image in which <c>npx</c> and <c>uvx</c> servers run: Node.js, uv and the shim at <c>/opt/obot/Obot.Shim</c>. Default: made from the
    /// shim and Node.js (and uv, where it is) of this silo's machine, on first use.
    /// </summary>
    public string RuntimeImage { get; set; } = "";

    /// <summary><c>user:group</c>, as numbers, of servers whose image names no user or root. Default 10001:10001; <c>image</c> leaves it to the image.</summary>
    public string RunAs { get; set; } = "10001:10001";

    /// <summary>Memory of a server whose manifest sets no limit (<c>512Mi</c>). Swap is never given. Default 512Mi.</summary>
    public string DefaultMemory { get; set; } = "512Mi";

    /// <summary>Cores of a server whose manifest sets no limit (<c>500m</c>). Default 1.</summary>
    public string DefaultCpu { get; set; } = "1";

    /// <summary>Processes and threads of one server. Default 256.</summary>
    public int PidsLimit { get; set; } = 256;

    /// <summary>Size of a server's <c>/tmp</c> and of its home, which are memory and count as such. Default 128Mi.</summary>
    public string TemporarySize { get; set; } = "128Mi";

    /// <summary>Longest pull of one image. Default 10 minutes.</summary>
    public TimeSpan PullTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Credentials of registries; they win over <see cref="RegistryConfigFile"/>.</summary>
    public IList<RegistryOptions> Registries { get; } = [];

    /// <summary>A <c>config.json</c> as <c>docker login</c> writes it; <c>auths</c> is read, credential helpers are not. Default: <c>~/.docker/config.json</c> of the silo's user.</summary>
    public string RegistryConfigFile { get; set; } = "";

    /// <summary>
    /// A silo that stops in order ends the servers that it started, as local processes end with theirs. Default false: they go on and another
    /// silo adopts them. <c>./obot up</c> sets it.
    /// </summary>
    public bool EndWithSilo { get; set; }

    /// <summary>Time between two searches for what no grain owns. Default 5 minutes.</summary>
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromMinutes(5);
}

/// <summary>One of <c>Obot:Hosting:Docker:Registries:&lt;n&gt;</c>.</summary>
public sealed class RegistryOptions
{
    /// <summary>Host and port as images name it (<c>ghcr.io</c>, <c>127.0.0.1:5000</c>); <c>docker.io</c> for Docker Hub.</summary>
    public string Server { get; set; } = "";

    public string Username { get; set; } = "";

    /// <summary>Password or access token.</summary>
    public string Password { get; set; } = "";

    /// <summary>A file that holds the password, read at each pull; instead of <see cref="Password"/>.</summary>
    public string PasswordFile { get; set; } = "";
}
