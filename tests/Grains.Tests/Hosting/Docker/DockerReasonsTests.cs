using Docker.DotNet.Models;
using Obot.Grains.Hosting;
using Obot.Grains.Hosting.Docker;
using Obot.Shim.Contracts.Boot;

namespace Obot.Grains.Tests.Hosting.Docker;

/// <summary>What people are told.</summary>
public sealed class DockerReasonsTests
{
    private static readonly OutputLine[] Words = [new(default, "one", null), new(default, null, null), new(default, "two", null)];

    [Theory]
    [InlineData(3, false, "the server exited with code 3; it last said: one · two")]
    [InlineData(137, false, "the server was killed by signal 9; it last said: one · two")]
    [InlineData(137, true, "the server ran out of memory: it was killed at its limit of 64 MiB (resources.limits.memory of the manifest); it last said: one · two")]
    public void End_OfAServer_TellsOutOfMemoryFromACrash(int code, bool oom, string reason) =>
        Assert.Equal(reason, ContainerEnd.Reason("server", new State { ExitCode = code, OOMKilled = oom }, 64L << 20, Words));

    [Fact]
    public void End_OfABridgeThatSaidWhy_IsWhatItSaid()
    {
        var failed = new OutputLine(default, "npm package 'p' was not found", new ShimEvent { Event = ShimEvent.Failed, Reason = "npm package 'p' was not found" });
        Assert.Equal("npm package 'p' was not found", ContainerEnd.Reason("server", new State { ExitCode = 1 }, 0, [.. Words, failed]));
    }

    [Fact]
    public void End_WithoutAWord_SaysSo() => Assert.Equal("the guard exited with code 1; it said nothing", ContainerEnd.Reason("guard", new State { ExitCode = 1 }, 0, []));

    [Theory]
    [InlineData("manifest for x not found: manifest unknown: manifest unknown", false, "does not exist in registry ghcr.io")]
    [InlineData("pull access denied for x, repository does not exist or may require 'docker login'", false, "without credentials")]
    [InlineData("Head https://…: unauthorized: authentication required", true, "refuses image")]
    [InlineData("Get \"https://…\": dial tcp 127.0.0.1:1: connect: connection refused", false, "cannot be reached")]
    [InlineData("no matching manifest for linux/arm64 in the manifest list entries", false, "no variant")]
    public void Pull_ThatFails_IsToldApart(string said, bool credentials, string says) =>
        Assert.Contains(says, DockerImages.Explain("ghcr.io/org/x:1", credentials, said), StringComparison.Ordinal);

    [Theory]
    [InlineData("nginx", "nginx", "latest", true, "docker.io")]
    [InlineData("ghcr.io/org/x:1.2", "ghcr.io/org/x", "1.2", false, "ghcr.io")]
    [InlineData("127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b", "latest", true, "127.0.0.1:5000")]
    [InlineData("org/x@sha256:abc", "org/x", "sha256:abc", false, "docker.io")]
    [InlineData("localhost/x:latest", "localhost/x", "latest", true, "localhost")]
    public void Image_Name_HasItsParts(string image, string repository, string tag, bool moves, string server)
    {
        Assert.Equal((repository, tag), DockerImages.Split(image));
        Assert.Equal(moves, DockerImages.Moves(image));
        Assert.Equal(server, RegistryCredentials.ServerOf(image));
    }

    [Fact]
    public void Credentials_OfDockerLogin_AreRead()
    {
        const string Json = """{"auths": {"https://index.docker.io/v1/": {"auth": "dTpwOnE="}, "ghcr.io": {"identitytoken": "t"}, "empty.io": {}}}""";
        var hub = RegistryCredentials.FromFile(Json, "docker.io")!;
        Assert.Equal(("u", "p:q"), (hub.Username, hub.Password));
        Assert.Equal("t", RegistryCredentials.FromFile(Json, "ghcr.io")!.IdentityToken);
        Assert.Null(RegistryCredentials.FromFile(Json, "empty.io"));
        Assert.Null(RegistryCredentials.FromFile(Json, "other.io"));
    }

    [Theory]
    [InlineData("	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x0000)", "/lib/x86_64-linux-gnu/libc.so.6")]
    [InlineData("	/lib64/ld-linux-x86-64.so.2 (0x0000)", "/lib64/ld-linux-x86-64.so.2")]
    [InlineData("	linux-vdso.so.1 (0x0000)", null)]
    public void Libraries_AsLddPrintsThem_AreRead(string line, string? path) => Assert.Equal(path, LibraryClosure.Parse(line));

    [Fact]
    public void Libraries_ThatAreMissing_AreNamed() =>
        Assert.Contains("libx.so.1", Assert.Throws<ServerStartException>(() => LibraryClosure.Parse("	libx.so.1 => not found")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("tcp://build.example:2375", "tcp")]
    [InlineData("https://build.example:2376", "https")]
    [InlineData("unix:///run/user/1000/docker.sock", "unix")]
    public void Endpoint_OfAnEngine_IsTaken(string text, string scheme) => Assert.Equal(scheme, DockerDaemon.EndpointOf(text).Scheme);

    [Theory]
    [InlineData("ssh://host")]
    [InlineData("docker.sock")]
    public void Endpoint_OfAnotherKind_SaysWhichKey(string text) =>
        Assert.Contains("Obot:Hosting:Docker:Endpoint", Assert.Throws<ServerStartException>(() => DockerDaemon.EndpointOf(text)).Message, StringComparison.Ordinal);
}
