using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NSubstitute;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Audit;
using Obot.Grains.Hosting;
using Obot.Grains.Hosting.Docker;
using Obot.Grains.Hosting.Kubernetes;
using Obot.Grains.Hosting.Process;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Runtime.MembershipService.SiloMetadata;

namespace Obot.Grains.Tests.Hosting.Kubernetes;

/// <summary>The backend as a silo has it, against <see cref="ApiServer"/>; guards answer on a loopback address of their own.</summary>
internal sealed class KubernetesTestHost : IAsyncDisposable
{
    private static int addresses = 10;
    private readonly ServiceProvider services;
    private readonly WebApplication guard;
    private readonly string kubeConfig;
    private IReadOnlyList<IHostedService> running = [];

    private KubernetesTestHost(ServiceProvider services, ApiServer api, WebApplication guard, string address, string kubeConfig) =>
        (this.services, Api, this.guard, PodAddress, this.kubeConfig) = (services, api, guard, address, kubeConfig);

    public ApiServer Api { get; }

    public string PodAddress { get; }

    public bool GuardIsReady { get; set; } = true;

    public IMcpServerGrain Grain { get; } = Substitute.For<IMcpServerGrain>();

    public KubernetesBackend Backend => services.GetRequiredService<KubernetesBackend>();

    public PodCache Pods => services.GetRequiredService<PodCache>();

    public KubernetesSweep Sweep => (KubernetesSweep)services.GetServices<IHostedService>().Single(service => service is KubernetesSweep);

    public static async Task<KubernetesTestHost> StartAsync(Action<KubernetesOptions>? configure = null)
    {
        var api = await ApiServer.StartAsync();
        var address = $"127.0.77.{Interlocked.Increment(ref addresses)}";
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Parse(address), 8099));
        var answering = builder.Build();
        var file = Path.Combine(Path.GetTempPath(), $"obot-kubeconfig-{Guid.NewGuid():N}");
        await File.WriteAllTextAsync(file, $$$"""
            apiVersion: v1
            kind: Config
            clusters: [{name: c, cluster: {server: "{{{api.Url}}}"}}]
            users: [{name: u, user: {token: t}}]
            contexts: [{name: x, context: {cluster: c, user: u, namespace: servers}}]
            current-context: x
            """);
        var host = new KubernetesTestHost(Services(file, configure, out var grains), api, answering, address, file);
        grains.GetGrain<IMcpServerGrain>(Arg.Any<string>(), Arg.Any<string>()).Returns(host.Grain);
        host.Grain.GetDeployment().Returns(new ServerDeployment { Status = DeploymentStatus.Stopped });
        answering.Run(context =>
        {
            context.Response.StatusCode = host.GuardIsReady ? 200 : 503;
            return context.Response.WriteAsync(host.GuardIsReady ? "ready" : "nothing listens on port 8080");
        });
        await answering.StartAsync();
        api.Pod = host.Running;
        return host;
    }

    /// <summary>The watch and nothing else; returns when it hears.</summary>
    public async Task WatchAsync()
    {
        running = [.. services.GetServices<IHostedService>().Where(service => service is KubernetesWatch)];
        foreach (var service in running)
        {
            await service.StartAsync(CancellationToken.None);
        }

        for (var i = 0; i < 100 && Pods.Fault is not null; i++)
        {
            await Task.Delay(50);
        }
    }

    public System.Text.Json.Nodes.JsonObject Running() => Status($$$$"""
        {"phase":"Running","podIP":"{{{{PodAddress}}}}","containerStatuses":[
          {"name":"server","image":"i:1","imageID":"registry/i@sha256:1","ready":true,"restartCount":0,"state":{"running":{}}},
          {"name":"guard","image":"shim","imageID":"shim","ready":true,"restartCount":0,"state":{"running":{}}}]}
        """);

    public static System.Text.Json.Nodes.JsonObject Status(string json) => System.Text.Json.Nodes.JsonNode.Parse(json)!.AsObject();

    public async ValueTask DisposeAsync()
    {
        foreach (var service in running)
        {
            await service.StopAsync(CancellationToken.None);
        }

        await services.DisposeAsync();
        await guard.DisposeAsync();
        await Api.DisposeAsync();
        File.Delete(kubeConfig);
    }

    internal static OutsideNames Names()
    {
        var assertions = Substitute.For<IAssertionIssuer>();
        assertions.DeriveKey(Arg.Any<string>(), Arg.Any<string>()).Returns(new byte[32]);
        return new(assertions, Microsoft.Extensions.Options.Options.Create(new ClusterOptions { ClusterId = "obot" }));
    }

    private static ServiceProvider Services(string kubeConfig, Action<KubernetesOptions>? configure, out IGrainFactory grains)
    {
        var registered = new ServiceCollection();
        registered.AddLogging().AddSingleton(TimeProvider.System);
        registered.Configure<HostingOptions>(options =>
        {
            options.Backend = BackendNames.Kubernetes;
            options.DataPath = Path.GetTempPath();
            options.Kubernetes.KubeConfig = kubeConfig;
            options.Kubernetes.ShimImage = "registry.example/shim:1";
            options.Kubernetes.RuntimeImage = "registry.example/runtime:1";
            options.Kubernetes.GuardAddress = GuardAddresses.Pod;
            options.Kubernetes.GatewayCidrs = "10.1.0.0/24";
            options.Kubernetes.AllowWithoutNetworkPolicy = true;
            configure?.Invoke(options.Kubernetes);
        });
        registered.Configure<GuardOptions>(options => options.ContainerControlUrl = "wss://10.1.0.5:8443/control");
        var assertions = Substitute.For<IAssertionIssuer>();
        assertions.DeriveKey(Arg.Any<string>(), Arg.Any<string>()).Returns(new byte[32]);
        assertions.IssueGuardCredential(Arg.Any<McpInstanceId>(), Arg.Any<long>()).Returns("guard-credential");
        assertions.PublicKeys.Returns("{}");
        var certificate = Substitute.For<IControlCertificate>();
        certificate.AuthorityPem.Returns("pem");
        var silo = Substitute.For<ILocalSiloDetails>();
        silo.SiloAddress.Returns(SiloAddress.FromParsableString("127.0.0.1:1@1"));
        var membership = Substitute.For<IClusterMembershipService>();
        membership.CurrentSnapshot.Returns(new ClusterMembershipSnapshot([], MembershipVersion.MinValue));
        grains = Substitute.For<IGrainFactory>();
        registered.AddSingleton(assertions).AddSingleton(certificate).AddSingleton(silo).AddSingleton(membership).AddSingleton(grains);
        registered.AddSingleton<ServerAccounts>().AddSingleton<AuditFolders>().AddSingleton<BootDocuments>().AddSingleton<RecentLogs>().AddSingleton<SiloHosts>();
        registered.AddSingleton<OutsideNames>().AddSingleton<RememberedLogs>().AddSingleton<ControlAddresses>().AddSingleton(Substitute.For<ISiloMetadataCache>());
        registered.Configure<ClusterOptions>(options => options.ClusterId = "obot");
        return registered.AddKubernetesBackend().BuildServiceProvider();
    }
}
