using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Obot.Grains.Tests.Hosting.Kubernetes;

/// <summary>
/// The part of an API server that the backend talks to: objects by name, lists and watches by labels, apply, deletion with preconditions and of
/// what is owned, refusals of RBAC. A Deployment with a replica gets a pod as <see cref="Pod"/> says. It proves no behaviour of Kubernetes.
/// </summary>
internal sealed class ApiServer : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, JsonObject> objects = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Guid, (string Selector, Channel<string> Lines)> watchers = new();
    private readonly WebApplication app;
    private long revision;

    private ApiServer(WebApplication app)
    {
        this.app = app;
        app.Run(HandleAsync);
    }

    public string Url => app.Urls.First();

    /// <summary>"verb resource" that is refused, as RBAC words it.</summary>
    public HashSet<string> Denied { get; } = new(StringComparer.Ordinal);

    /// <summary>Verb and resource of every request, in order.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    /// <summary>Status of the pod of a new generation; null makes none.</summary>
    public Func<JsonObject?> Pod { get; set; } = () => null;

    /// <summary>Status of a Deployment that makes no pod.</summary>
    public JsonObject? DeploymentStatus { get; set; }

    public string Log { get; set; } = "";

    public IEnumerable<JsonObject> All(string resource) => objects.Where(pair => pair.Key.StartsWith(resource + "/", StringComparison.Ordinal)).OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => pair.Value);

    public static async Task<ApiServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var server = new ApiServer(builder.Build());
        await server.app.StartAsync();
        return server;
    }

    /// <summary>Something that was there before.</summary>
    public void Put(string resource, JsonObject item) => Store(resource, item);

    public void Remove(string resource, string name) => Delete($"{resource}/{name}");

    public void SetPodStatus(JsonObject status)
    {
        foreach (var pod in All("pods").ToList())
        {
            pod["status"] = status.DeepClone();
            Store("pods", pod);
        }
    }

    public ValueTask DisposeAsync()
    {
        foreach (var watcher in watchers.Values)
        {
            watcher.Lines.Writer.TryComplete();
        }

        return app.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        var segments = context.Request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var at = Array.IndexOf(segments, "namespaces") + 2;
        var (resource, name, part) = (segments[at], segments.ElementAtOrDefault(at + 1), segments.ElementAtOrDefault(at + 2));
        var watches = context.Request.Query["watch"] == "true";
        var verb = context.Request.Method switch { "POST" => "create", "PATCH" => "patch", "DELETE" => "delete", _ => name is not null ? "get" : watches ? "watch" : "list" };
        var asked = $"{verb} {resource}{(part is null ? "" : "/" + part)}";
        Asked.Enqueue(asked);
        if (Denied.Contains(asked))
        {
            await AnswerAsync(context, 403, Status(403, $"{resource} is forbidden: User \"obot\" cannot {verb} resource \"{resource}\" in API group \"\" in the namespace \"servers\""));
            return;
        }

        var body = verb is "create" or "patch" or "delete" ? (JsonObject?)await JsonNode.ParseAsync(context.Request.Body) : null;
        switch (verb)
        {
            case "create" when objects.ContainsKey($"{resource}/{body!["metadata"]!["name"]}"):
                await AnswerAsync(context, 409, Status(409, "already exists"));
                break;
            case "create" or "patch":
                await AnswerAsync(context, verb == "create" ? 201 : 200, Store(resource, body!));
                break;
            case "delete" when !objects.TryGetValue($"{resource}/{name}", out _):
            case "get" when part is null && !objects.ContainsKey($"{resource}/{name}"):
                await AnswerAsync(context, 404, Status(404, "not found"));
                break;
            case "delete" when IsOther(body, objects[$"{resource}/{name}"]):
                await AnswerAsync(context, 409, Status(409, "the UID in the precondition does not match"));
                break;
            case "delete":
                Delete($"{resource}/{name}");
                await AnswerAsync(context, 200, Status(200, ""));
                break;
            case "get" when part == "log":
                await context.Response.WriteAsync(Log);
                break;
            case "get":
                await AnswerAsync(context, 200, objects[$"{resource}/{name}"]);
                break;
            case "watch":
                await WatchAsync(context);
                break;
            default:
                var found = All(resource).Where(item => Matches(item, context.Request.Query["labelSelector"].ToString())).Select(item => item.DeepClone()).ToArray();
                await AnswerAsync(context, 200, new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = $"{revision}" }, ["items"] = new JsonArray(found) });
                break;
        }
    }

    private async Task WatchAsync(HttpContext context)
    {
        var (id, lines) = (Guid.NewGuid(), Channel.CreateUnbounded<string>());
        watchers[id] = (context.Request.Query["labelSelector"].ToString(), lines);
        context.Response.ContentType = "application/json";
        await context.Response.StartAsync();
        await context.Response.Body.FlushAsync();
        try
        {
            await foreach (var line in lines.Reader.ReadAllAsync(context.RequestAborted))
            {
                await context.Response.WriteAsync(line + "\n", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        }
        catch (OperationCanceledException)
        {
            // whoever watched went away
        }
        finally
        {
            watchers.TryRemove(id, out _);
        }
    }

    private JsonObject Store(string resource, JsonObject item)
    {
        var metadata = item["metadata"]!.AsObject();
        var key = $"{resource}/{metadata["name"]}";
        var isNew = !objects.TryGetValue(key, out var old);
        metadata["uid"] = old is null ? Guid.NewGuid().ToString() : old["metadata"]!["uid"]!.GetValue<string>();
        metadata["creationTimestamp"] = "2026-01-01T00:00:00Z";
        metadata["resourceVersion"] = Interlocked.Increment(ref revision).ToString(CultureInfo.InvariantCulture);
        if (resource == "services")
        {
            item["spec"]!["clusterIP"] = "127.0.0.1";
        }

        if (resource == "deployments" && DeploymentStatus is not null)
        {
            item["status"] = DeploymentStatus.DeepClone();
        }

        objects[key] = item;
        if (resource == "pods")
        {
            Say(isNew ? "ADDED" : "MODIFIED", item);
        }
        else if (resource == "deployments" && item["spec"]!["replicas"]?.GetValue<int>() == 1 && Pod() is { } status)
        {
            var template = item["spec"]!["template"]!;
            var pod = new JsonObject
            {
                ["metadata"] = template["metadata"]!.DeepClone(), ["spec"] = template["spec"]!.DeepClone(), ["status"] = status,
            };
            pod["metadata"]!["name"] = $"{metadata["name"]}-pod";
            pod["metadata"]!["ownerReferences"] = new JsonArray(new JsonObject { ["uid"] = metadata["uid"]!.GetValue<string>() });
            Store("pods", pod);
        }

        return item;
    }

    private void Delete(string key)
    {
        if (!objects.TryRemove(key, out var gone))
        {
            return;
        }

        if (key.StartsWith("pods/", StringComparison.Ordinal))
        {
            Say("DELETED", gone);
        }

        var uid = gone["metadata"]!["uid"]!.GetValue<string>();
        foreach (var owned in objects.Where(pair => pair.Value["metadata"]!["ownerReferences"] is JsonArray owners && owners.Any(owner => owner!["uid"]!.GetValue<string>() == uid)).Select(pair => pair.Key).ToList())
        {
            Delete(owned);
        }
    }

    private void Say(string change, JsonObject item)
    {
        var line = new JsonObject { ["type"] = change, ["object"] = item.DeepClone() };
        line["object"]!["apiVersion"] = "v1";
        line["object"]!["kind"] = "Pod";
        foreach (var watcher in watchers.Values.Where(watcher => Matches(item, watcher.Selector)))
        {
            watcher.Lines.Writer.TryWrite(line.ToJsonString());
        }
    }

    private static bool Matches(JsonObject item, string selector) =>
        selector.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(term => term.Split('=')).All(term => Label(item, term[0]) == term[1]);

    private static string? Label(JsonObject item, string name)
    {
        var labels = item["metadata"]!["labels"];
        return labels is null ? null : labels[name]?.GetValue<string>();
    }

    private static bool IsOther(JsonObject? options, JsonObject found)
    {
        var preconditions = options?["preconditions"];
        return preconditions is not null && preconditions["uid"]?.GetValue<string>() != found["metadata"]!["uid"]!.GetValue<string>();
    }

    private static JsonObject Status(int code, string message) => new() { ["kind"] = "Status", ["apiVersion"] = "v1", ["code"] = code, ["message"] = message };

    private static Task AnswerAsync(HttpContext context, int status, JsonObject body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body.ToJsonString(), Encoding.UTF8);
    }
}
