using System.Net;
using k8s;
using k8s.Autorest;
using k8s.Models;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>Makes, finds and removes what is ours. Something of another owner under the same name is left alone, and said to be there.</summary>
internal sealed class KubernetesObjects(KubernetesConnection connection, KubernetesNames names)
{
    private const string Deployments = "deployments.apps";

    private string Scope => connection.Namespace;

    /// <summary>
    /// Creates, or brings what an earlier attempt left to the same shape. Never the other way round: an apply alone would take over what
    /// somebody else made under this name.
    /// </summary>
    /// <exception cref="ServerStartException">Refused, or the name is taken.</exception>
    public async Task<T> EnsureAsync<T>(T wanted, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        try
        {
            return await KubernetesRefusal.AskAsync("create", ResourceOf(wanted), Scope, () => CreateAsync(wanted, cancellationToken));
        }
        catch (HttpOperationException e) when (e.Response?.StatusCode is HttpStatusCode.Conflict)
        {
            var found = await KubernetesRefusal.AskAsync("get", ResourceOf(wanted), Scope, () => ReadAsync(wanted, cancellationToken));
            return names.IsOurs(found.Metadata.Labels)
                ? await ApplyAsync(wanted, cancellationToken)
                : throw new ServerStartException(
                    $"namespace {Scope} has a {wanted.Kind} '{wanted.Metadata.Name}' that this installation did not make; it is left as it is: remove or rename it, or set Obot:Hosting:Kubernetes:Namespace");
        }
        catch (HttpOperationException e) when (e.Response?.StatusCode is HttpStatusCode.NotFound)
        {
            throw new ServerStartException($"there is no namespace '{Scope}': create it, or set Obot:Hosting:Kubernetes:Namespace");
        }
    }

    /// <summary>Server-side apply of something of ours.</summary>
    public Task<T> ApplyAsync<T>(T wanted, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta> =>
        KubernetesRefusal.AskAsync("patch", ResourceOf(wanted), Scope, () => PatchAsync(wanted, cancellationToken));

    public async Task<IReadOnlyList<V1Deployment>> DeploymentsAsync(string selector, CancellationToken cancellationToken) =>
        [.. (await KubernetesRefusal.AskAsync("list", Deployments, Scope, () => connection.Client.AppsV1.ListNamespacedDeploymentAsync(Scope, labelSelector: selector, cancellationToken: cancellationToken))).Items];

    /// <summary>Null when it is gone.</summary>
    public async Task<V1Deployment?> DeploymentAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return await KubernetesRefusal.AskAsync("get", Deployments, Scope, () => connection.Client.AppsV1.ReadNamespacedDeploymentAsync(name, Scope, cancellationToken: cancellationToken));
        }
        catch (HttpOperationException e) when (e.Response?.StatusCode is HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>With all that it owns; only this very object, not one that took its name since.</summary>
    public async Task DeleteAsync(V1Deployment found, CancellationToken cancellationToken)
    {
        try
        {
            await KubernetesRefusal.AskAsync("delete", Deployments, Scope, () => connection.Client.AppsV1.DeleteNamespacedDeploymentAsync(
                found.Metadata.Name,
                Scope,
                new V1DeleteOptions { PropagationPolicy = "Background", Preconditions = new V1Preconditions { Uid = found.Metadata.Uid } },
                cancellationToken: cancellationToken));
        }
        catch (HttpOperationException e) when (e.Response?.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
        {
            // gone, or another one
        }
    }

    public static V1OwnerReference OwnerOf(V1Deployment deployment) => new()
    {
        ApiVersion = V1Deployment.KubeGroup + "/" + V1Deployment.KubeApiVersion,
        Kind = V1Deployment.KubeKind,
        Name = deployment.Metadata.Name,
        Uid = deployment.Metadata.Uid,
    };

    private static string ResourceOf(IKubernetesObject wanted) => wanted switch
    {
        V1Deployment => Deployments,
        V1Service => "services",
        V1Secret => "secrets",
        V1NetworkPolicy => "networkpolicies.networking.k8s.io",
        _ => throw new InvalidOperationException(wanted.Kind),
    };

    private async Task<T> CreateAsync<T>(T wanted, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var client = connection.Client;
        object made = wanted switch
        {
            V1Deployment deployment => await client.AppsV1.CreateNamespacedDeploymentAsync(deployment, Scope, fieldManager: KubernetesNames.FieldManager, cancellationToken: cancellationToken),
            V1Service service => await client.CoreV1.CreateNamespacedServiceAsync(service, Scope, fieldManager: KubernetesNames.FieldManager, cancellationToken: cancellationToken),
            V1Secret secret => await client.CoreV1.CreateNamespacedSecretAsync(secret, Scope, fieldManager: KubernetesNames.FieldManager, cancellationToken: cancellationToken),
            V1NetworkPolicy policy => await client.NetworkingV1.CreateNamespacedNetworkPolicyAsync(policy, Scope, fieldManager: KubernetesNames.FieldManager, cancellationToken: cancellationToken),
            _ => throw new InvalidOperationException(wanted.Kind),
        };
        return (T)made;
    }

    private async Task<IKubernetesObject<V1ObjectMeta>> ReadAsync(IKubernetesObject<V1ObjectMeta> wanted, CancellationToken cancellationToken)
    {
        var (client, name) = (connection.Client, wanted.Metadata.Name);
        return wanted switch
        {
            V1Deployment => await client.AppsV1.ReadNamespacedDeploymentAsync(name, Scope, cancellationToken: cancellationToken),
            V1Service => await client.CoreV1.ReadNamespacedServiceAsync(name, Scope, cancellationToken: cancellationToken),
            V1Secret => await client.CoreV1.ReadNamespacedSecretAsync(name, Scope, cancellationToken: cancellationToken),
            V1NetworkPolicy => await client.NetworkingV1.ReadNamespacedNetworkPolicyAsync(name, Scope, cancellationToken: cancellationToken),
            _ => throw new InvalidOperationException(wanted.Kind),
        };
    }

    private async Task<T> PatchAsync<T>(T wanted, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var (client, name) = (connection.Client, wanted.Metadata.Name);
        var patch = new V1Patch(wanted, V1Patch.PatchType.ApplyPatch);
        object made = wanted switch
        {
            V1Deployment => await client.AppsV1.PatchNamespacedDeploymentAsync(patch, name, Scope, fieldManager: KubernetesNames.FieldManager, force: true, cancellationToken: cancellationToken),
            V1Service => await client.CoreV1.PatchNamespacedServiceAsync(patch, name, Scope, fieldManager: KubernetesNames.FieldManager, force: true, cancellationToken: cancellationToken),
            V1Secret => await client.CoreV1.PatchNamespacedSecretAsync(patch, name, Scope, fieldManager: KubernetesNames.FieldManager, force: true, cancellationToken: cancellationToken),
            V1NetworkPolicy => await client.NetworkingV1.PatchNamespacedNetworkPolicyAsync(patch, name, Scope, fieldManager: KubernetesNames.FieldManager, force: true, cancellationToken: cancellationToken),
            _ => throw new InvalidOperationException(wanted.Kind),
        };
        return (T)made;
    }
}
