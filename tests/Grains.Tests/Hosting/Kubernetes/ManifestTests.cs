using k8s;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Hosting;
using Obot.Grains.Hosting.Kubernetes;

namespace Obot.Grains.Tests.Hosting.Kubernetes;

/// <summary>What Kubernetes is asked to make, whole: <c>Golden/</c> holds it as <c>kubectl</c> would take it.</summary>
public sealed class ManifestTests
{
    internal static readonly McpInstanceId Instance = McpInstanceId.Of("ms1abc", "u1def");

    [Theory]
    [InlineData("container", """{"name":"a","runtime":"containerized","containerizedConfig":{"image":"registry.example/a:1","command":"/run","args":["x"],"port":8080},"resources":{"limits":{"memory":"64Mi","cpu":"250m"},"requests":{"memory":"128Mi"}}}""")]
    [InlineData("package", """{"name":"a","runtime":"npx","npxConfig":{"package":"p"}}""")]
    [InlineData("python", """{"name":"a","runtime":"uvx","uvxConfig":{"package":"p"}}""")]
    public void Deployment_OfARuntime_IsAsGolden(string name, string manifest)
    {
        var settings = new KubernetesOptions
        {
            ShimImage = "registry.example/shim:1", RuntimeImage = "registry.example/runtime:1", ImagePullSecrets = "pull", RuntimeClass = "gvisor",
            Tolerations = """[{"key":"dedicated","operator":"Equal","value":"mcp","effect":"NoSchedule"}]""",
            Affinity = """{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"disk","operator":"In","values":["ssd"]}]}]}}}""",
        };
        settings.NodeSelector["pool"] = "mcp";
        var start = Start(manifest);
        Same(name, KubernetesYaml.Serialize(new PodManifest(Names, settings).Deployment(start, name == "container" ? ["KEY", "TOKEN_FILE"] : [], name == "container" ? ["TOKEN_FILE"] : [], replicas: 1)));
    }

    [Theory]
    [InlineData("policy-open", """{"name":"a","runtime":"containerized","containerizedConfig":{"image":"i"}}""", "wss://10.1.0.5:8443/control")]
    [InlineData("policy-domains", """{"name":"a","runtime":"containerized","containerizedConfig":{"image":"i","egressDomains":["api.example.com"]}}""", "wss://gateway.obot.svc:8443/control")]
    [InlineData("policy-sealed", """{"name":"a","runtime":"containerized","containerizedConfig":{"image":"i","denyAllEgress":true}}""", "wss://10.1.0.5:8443/control")]
    public void Policy_OfAManifest_IsAsGolden(string name, string manifest, string control) =>
        Same(name, KubernetesYaml.Serialize(new ServerPolicies(Names, new()).Of(Start(manifest), Owner, [control], "obot")));

    [Fact]
    public void Service_OfAServer_HasTheGuardsPortOnly() =>
        Same("service", KubernetesYaml.Serialize(new ServerObjects(Names).Service(Start("""{"name":"a","runtime":"containerized","containerizedConfig":{"image":"i"}}"""), Owner)));

    [Fact]
    public void Guard_OfAServerOnItsPort_TakesAnother() =>
        Assert.Equal((8099, 8098), (PodManifest.GuardPort(Start("""{"name":"a","runtime":"npx","npxConfig":{"package":"p"}}""").Manifest), PodManifest.GuardPort(Start("""{"name":"a","runtime":"containerized","containerizedConfig":{"image":"i","port":8099}}""").Manifest)));

    [Fact]
    public void Policy_WithoutAWordOnGateways_SaysWhatToSet() =>
        Assert.Contains("GatewayCidrs", Assert.Throws<ServerStartException>(() => new ServerPolicies(Names, new()).Of(Start("""{"name":"a","runtime":"npx","npxConfig":{"package":"p"}}"""), Owner, [], null)).Message, StringComparison.Ordinal);

    internal static ServerStart Start(string manifest, long generation = 7, IReadOnlyDictionary<string, string>? values = null) =>
        new(Instance, generation, ManifestJson.Deserialize(manifest), new(new AccessPolicy("u1def", []), [], 1, TimeSpan.Zero), values ?? new Dictionary<string, string>());

    internal static KubernetesNames Names => new(KubernetesTestHost.Names());

    private static k8s.Models.V1OwnerReference Owner => new() { ApiVersion = "apps/v1", Kind = "Deployment", Name = "d", Uid = "1" };

    private static void Same(string name, string yaml)
    {
        var file = Path.Combine(AppContext.BaseDirectory, "Hosting", "Kubernetes", "Golden", name + ".yaml");
        Assert.True(File.Exists(file), $"no {name}.yaml; it would be:\n{yaml}");
        Assert.Equal(File.ReadAllText(file).ReplaceLineEndings("\n").TrimEnd(), yaml.ReplaceLineEndings("\n").TrimEnd());
    }
}
