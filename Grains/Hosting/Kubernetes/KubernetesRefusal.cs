using System.Net;
using System.Text.Json;
using k8s.Autorest;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>What the API server answered instead of doing it, for a person.</summary>
internal static class KubernetesRefusal
{
    private const int MaxQuote = 500;

    /// <summary>Calls the API server; what goes wrong comes back with the verb and the resource in it.</summary>
    /// <param name="verb">Of RBAC: <c>create</c>, <c>patch</c>, <c>list</c> …</param>
    /// <param name="resource">Of RBAC: <c>deployments.apps</c>, <c>pods/log</c> …</param>
    /// <exception cref="ServerStartException">It was refused, or nobody answered.</exception>
    public static async Task<T> AskAsync<T>(string verb, string resource, string scope, Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (HttpOperationException e) when (e.Response?.StatusCode is not (HttpStatusCode.NotFound or HttpStatusCode.Conflict))
        {
            throw new ServerStartException(Reason(e, verb, resource, scope));
        }
        catch (HttpRequestException e)
        {
            throw new ServerStartException($"Kubernetes does not answer: {e.Message}");
        }
        catch (TaskCanceledException e) when (e.InnerException is TimeoutException)
        {
            throw new ServerStartException("Kubernetes does not answer in time (Obot:Hosting:Kubernetes:RequestTimeout)");
        }
    }

    public static string Reason(HttpOperationException e, string verb, string resource, string scope) => e.Response?.StatusCode switch
    {
        HttpStatusCode.Unauthorized => "Kubernetes does not know this installation (401): its service account or kubeconfig is no longer valid",
        HttpStatusCode.Forbidden when Said(e) is var said && IsQuota(said) => $"a quota of namespace {scope} does not allow it: {said}",
        HttpStatusCode.Forbidden when Said(e) is var said && !said.Contains("cannot ", StringComparison.Ordinal) => $"the cluster does not admit it: {said}",
        HttpStatusCode.Forbidden => $"Kubernetes does not let this installation {verb} {resource} in namespace {scope}: add the verb '{verb}' on '{resource}' to its Role (deploy/kubernetes/role.yaml)",
        _ => $"Kubernetes refused to {verb} {resource} in namespace {scope}: {Said(e)}",
    };

    /// <summary>The message of a <c>Status</c> object without its JSON around it.</summary>
    public static string Said(HttpOperationException e)
    {
        var body = e.Response?.Content ?? "";
        try
        {
            using var document = JsonDocument.Parse(body);
            return Cut(document.RootElement.GetProperty("message").GetString() ?? e.Message);
        }
        catch (Exception parse) when (parse is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return Cut(body.Length > 0 ? body : e.Message);
        }
    }

    public static bool IsQuota(string said) => said.Contains("exceeded quota", StringComparison.Ordinal);

    private static string Cut(string text) => text.Length > MaxQuote ? text[..MaxQuote] + "…" : text;
}
