using Microsoft.Extensions.Options;
using NSubstitute;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Hosting;
using Obot.Grains.Hosting.Docker;
using Orleans.Configuration;
using Orleans.Runtime;

namespace Obot.Grains.Tests.Hosting.Docker;

/// <summary>What an Engine is asked to make.</summary>
public sealed class ContainerRequestsTests
{
    private static readonly McpInstanceId Instance = McpInstanceId.Of("ms1abc", "u1def");
    private static readonly ServerNetwork Network = DockerNetworks.At("obot-net", DockerNetworks.Pool("10.213.0.0/16").First, 2);

    [Fact]
    public void Server_OfTheCatalogFormat_IsHardenedAndLabelled()
    {
        var start = Start("""{"name":"a","runtime":"containerized","containerizedConfig":{"image":"i","command":"/run","args":["a","b"]},"resources":{"limits":{"memory":"64Mi","cpu":"250m"},"requests":{"memory":"32Mi"}}}""");
        var request = Requests().Server(start, "sha256:1", imageUser: null, new Dictionary<string, string> { ["KEY"] = "value" }, "files", Network);
        var host = request.HostConfig!;
        Assert.True(host.ReadonlyRootfs);
        Assert.Equal(["ALL"], host.CapDrop);
        Assert.Equal(["no-new-privileges"], host.SecurityOpt);
        Assert.Equal((64L << 20, 64L << 20, 32L << 20, 250_000_000L, 256L), (host.Memory, host.MemorySwap, host.MemoryReservation, host.NanoCPUs, host.PidsLimit));
        Assert.Equal("rw,nosuid,nodev,size=134217728,mode=1777", host.Tmpfs!["/tmp"]);
        Assert.Null(host.PortBindings);
        Assert.False(host.Privileged);
        Assert.Equal("obot-net", host.NetworkMode);
        Assert.Equal("10001:10001", request.User);
        Assert.Equal(["/run"], request.Entrypoint);
        Assert.Equal(["a", "b"], request.Cmd);
        Assert.Equal(["KEY=value"], request.Env);
        Assert.Equal("ms1abc/u1def", request.Labels![DockerNames.InstanceLabel]);
        Assert.Equal("7", request.Labels[DockerNames.GenerationLabel]);
        Assert.EndsWith("-7-server", request.Name, StringComparison.Ordinal);
        Assert.Equal("10.213.0.34", request.NetworkingConfig!.EndpointsConfig!["obot-net"].IPAMConfig!.IPv4Address);
    }

    [Fact]
    public void Server_WithoutLimits_HasThoseOfTheInstallation()
    {
        var host = Requests().Server(Start("""{"name":"a","runtime":"containerized","containerizedConfig":{"image":"i"}}"""), "i", null, new Dictionary<string, string>(), null, Network).HostConfig!;
        Assert.Equal((512L << 20, 1_000_000_000L), (host.Memory, host.NanoCPUs));
        Assert.Null(host.Mounts);
    }

    [Theory]
    [InlineData(null, "10001:10001")]
    [InlineData("", "10001:10001")]
    [InlineData("root", "10001:10001")]
    [InlineData("0:0", "10001:10001")]
    [InlineData("node", "node")]
    [InlineData("1000:1000", "1000:1000")]
    public void User_OfAnImage_IsKeptUnlessItIsRoot(string? image, string user) => Assert.Equal(user, Requests().UserOf(image));

    [Fact]
    public void User_LeftToTheImage_IsTheImages() => Assert.Equal("", Requests(new() { RunAs = "image" }).UserOf(""));

    [Fact]
    public void Guard_PublishesItsPortAndShowsNoSecret()
    {
        var start = Start("""{"name":"a","runtime":"containerized","containerizedConfig":{"image":"i"},"env":[{"key":"S","value":"s3cret"}]}""");
        var request = Requests().Guard(start, "obot-shim:1", "127.0.0.1", Network, ownWayOut: false);
        var binding = Assert.Single(Assert.Single(request.HostConfig!.PortBindings!).Value!);
        Assert.Equal("127.0.0.1", binding.HostIP);
        Assert.Equal(["guard"], request.Cmd);
        Assert.DoesNotContain(request.Env!, variable => variable.Contains("s3cret", StringComparison.Ordinal));
        Assert.True(request.OpenStdin);
        Assert.False(request.StdinOnce);
        Assert.True(request.HostConfig.ReadonlyRootfs);
        Assert.Equal("10.213.0.35", request.NetworkingConfig!.EndpointsConfig!["obot-net"].IPAMConfig!.IPv4Address);
    }

    [Fact]
    public void Guard_OfAServerWithoutAWayOut_StandsInTheEnginesOwnNetwork()
    {
        var request = Requests().Guard(Start("""{"name":"a","runtime":"containerized","containerizedConfig":{"image":"i"}}"""), "s", "127.0.0.1", Network, ownWayOut: true);
        Assert.Equal("bridge", request.HostConfig!.NetworkMode);
        Assert.Null(request.NetworkingConfig);
    }

    [Fact]
    public void Bridge_MountsItsPackageReadOnly()
    {
        var start = Start("""{"name":"a","runtime":"npx","npxConfig":{"package":"p"}}""");
        var mount = Assert.Single(Requests().Bridge(start, "r", "obot-packages-x", packagesReadOnly: true, Network).HostConfig!.Mounts!);
        Assert.Equal(("obot-packages-x", "/packages", true), (mount.Source, mount.Target, mount.ReadOnly));
        var installer = Requests().Installer(start, "r", "obot-packages-x", Network);
        Assert.False(Assert.Single(installer.HostConfig!.Mounts!).ReadOnly);
        Assert.Equal(DockerNames.Installer, installer.Labels![DockerNames.RoleLabel]);
        Assert.EndsWith("-7-installer", installer.Name, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_OfTwoClusters_NeverMeet()
    {
        var (one, other) = (Names("secret of one"), Names("secret of the other"));
        Assert.NotEqual(one.Cluster, other.Cluster);
        Assert.NotEqual(one.Instance(Instance), other.Instance(Instance));
        Assert.Null(other.Read(one.Labels(Instance, 7, DockerNames.Server)));
        Assert.Equal((Instance, 7L, DockerNames.Server), one.Read(one.Labels(Instance, 7, DockerNames.Server)));
        Assert.Null(one.Read(one.Labels(DockerNames.Packages)));
        Assert.Null(one.Read(null));
        Assert.Matches("^obot-[a-z2-7]{16}$", one.Instance(Instance));
    }

    [Fact]
    public void PackageVolume_OfAnotherToken_IsAnotherVolume()
    {
        var names = Names("secret");
        KeyValuePair<string, string>[] token = [new("npm_config__authToken", "a")];
        Assert.NotEqual(names.PackageVolume("p", []), names.PackageVolume("p", token));
        Assert.Equal(names.PackageVolume("p", token), names.PackageVolume("p", token));
    }

    [Theory]
    [InlineData("10.213.0.0/16", 4096u)]
    [InlineData("192.168.7.0/24", 16u)]
    [InlineData("192.168.7.0/28", 1u)]
    public void Pool_OfAddresses_IsCutIntoSmallNetworks(string range, uint count)
    {
        var (first, found) = DockerNetworks.Pool(range);
        Assert.Equal(count, found);
        Assert.StartsWith(range.Split('.')[0], DockerNetworks.At("n", first, count - 1).Server, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.213.0.0")]
    [InlineData("10.213.0.0/30")]
    [InlineData("fd00::/64")]
    public void Pool_ThatIsNone_SaysWhichKey(string range) =>
        Assert.Contains("Obot:Hosting:Docker:AddressPool", Assert.Throws<ServerStartException>(() => DockerNetworks.Pool(range)).Message, StringComparison.Ordinal);

    private static ContainerRequests Requests(DockerOptions? docker = null) => new(Names("secret"), docker ?? new());

    private static DockerNames Names(string secret)
    {
        var assertions = Substitute.For<IAssertionIssuer>();
        assertions.DeriveKey(Arg.Any<string>(), Arg.Any<string>()).Returns(System.Text.Encoding.UTF8.GetBytes(secret));
        var silo = Substitute.For<ILocalSiloDetails>();
        silo.SiloAddress.Returns(SiloAddress.FromParsableString("127.0.0.1:1@1"));
        return new(new OutsideNames(assertions, Options.Create(new ClusterOptions { ClusterId = "obot" })), new SiloHosts(silo, Substitute.For<IClusterMembershipService>()));
    }

    private static ServerStart Start(string manifest) =>
        new(Instance, 7, ManifestJson.Deserialize(manifest), new(new AccessPolicy("u1def", []), [], 1, TimeSpan.Zero), new Dictionary<string, string>());
}
