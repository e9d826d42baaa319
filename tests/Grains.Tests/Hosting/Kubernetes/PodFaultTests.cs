using k8s;
using k8s.Models;
using Obot.Grains.Hosting.Kubernetes;

namespace Obot.Grains.Tests.Hosting.Kubernetes;

/// <summary>What people are told of a pod's status.</summary>
public sealed class PodFaultTests
{
    [Theory]
    [InlineData("""{"waiting":{"reason":"ErrImagePull","message":"rpc error: code = NotFound desc = failed to pull: registry/a:1: not found"}}""", "does not exist")]
    [InlineData("""{"waiting":{"reason":"ErrImagePull","message":"failed to authorize: 401 Unauthorized"}}""", "credentials")]
    [InlineData("""{"waiting":{"reason":"ImagePullBackOff","message":"Back-off pulling image"}}""", "cannot be pulled")]
    [InlineData("""{"waiting":{"reason":"CreateContainerConfigError","message":"container has runAsNonRoot and image will run as root"}}""", "runAsNonRoot")]
    [InlineData("""{"terminated":{"reason":"Error","exitCode":3}}""", "exited with code 3")]
    [InlineData("""{"terminated":{"reason":"OOMKilled","exitCode":137}}""", "out of memory: it was killed at its limit of 64Mi")]
    [InlineData("""{"terminated":{"reason":"Error","exitCode":137}}""", "killed by signal 9")]
    public void Status_OfAServerThatIsOver_SaysWhy(string state, string says) => Assert.Contains(says, PodFault.Of(Pod(state))?.Reason, StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"waiting":{"reason":"ContainerCreating"}}""")]
    [InlineData("""{"waiting":{"reason":"ErrImagePull","message":"dial tcp: i/o timeout"}}""")]
    [InlineData("""{"running":{}}""")]
    public void Status_OfAServerThatMayCome_IsNoFault(string state) => Assert.Null(PodFault.Of(Pod(state)));

    [Fact]
    public void Restart_ByTheKubelet_IsTheEndOfTheGeneration()
    {
        var pod = Pod("""{"running":{}}""");
        pod.Status.ContainerStatuses[0].LastState = new() { Terminated = new() { ExitCode = 1 } };
        var fault = PodFault.Of(pod);
        Assert.Equal(("the server exited with code 1", "server", true), (fault?.Reason, fault?.Container, fault!.Previous));
    }

    [Fact]
    public void Installer_ThatSucceeded_IsNoFault()
    {
        var pod = Pod("""{"waiting":{"reason":"PodInitializing"}}""");
        pod.Status.InitContainerStatuses = [new() { Name = "install", State = new() { Terminated = new() { ExitCode = 0 } } }];
        Assert.Null(PodFault.Of(pod));
        pod.Status.InitContainerStatuses[0].State.Terminated.ExitCode = 1;
        Assert.Equal("the install exited with code 1", PodFault.Of(pod)?.Reason);
    }

    [Fact]
    public void Eviction_AndRemoval_AreSaid()
    {
        var pod = Pod("""{"running":{}}""");
        pod.Metadata.DeletionTimestamp = TimeProvider.System.GetUtcNow().UtcDateTime;
        Assert.Contains("being removed", PodFault.Of(pod)?.Reason, StringComparison.Ordinal);
        pod.Status = new() { Phase = "Failed", Reason = "Evicted", Message = "The node was low on resource: memory." };
        Assert.Equal("its pod was evicted: The node was low on resource: memory", PodFault.Of(pod)?.Reason);
    }

    [Fact]
    public void Waiting_ForANode_IsSaidAndNoFault()
    {
        var pod = Pod("""{"waiting":{"reason":"ContainerCreating"}}""");
        pod.Status.Conditions = [new() { Type = "PodScheduled", Status = "False", Reason = "Unschedulable", Message = "0/3 nodes are available: 3 Insufficient memory." }];
        Assert.Equal("no node takes its pod: 0/3 nodes are available: 3 Insufficient memory", PodFault.Waiting(pod));
        Assert.Null(PodFault.Of(pod));
    }

    [Fact]
    public void End_OfAPod_IsThatOfItsContainers()
    {
        var pod = Pod("""{"terminated":{"reason":"Error","exitCode":3}}""");
        Assert.False(PodFault.IsOver(pod));
        pod.Metadata.DeletionTimestamp = TimeProvider.System.GetUtcNow().UtcDateTime;
        Assert.True(PodFault.IsOver(pod));
        pod.Status.ContainerStatuses.Add(new() { Name = "guard", State = new() { Running = new() } });
        Assert.False(PodFault.IsOver(pod));
    }

    private static V1Pod Pod(string state) => KubernetesJson.Deserialize<V1Pod>($$$"""
        {"metadata":{"name":"p"},"spec":{"containers":[{"name":"server","resources":{"limits":{"memory":"64Mi"}} }]},
         "status":{"phase":"Running","containerStatuses":[{"name":"server","image":"registry/a:1","state":{{{state}}}}]}}
        """);
}
