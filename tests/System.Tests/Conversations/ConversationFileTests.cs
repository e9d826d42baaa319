using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Conversations;

/// <summary>Files of conversations and projects: by the API over two silos, by the model's tools, in Chromium.</summary>
public sealed class ConversationFileTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private const int Upload = 200 << 20;

    [Fact]
    public async Task File_WrittenAtOneSilo_IsReadAtTheOther_InConstantMemory()
    {
        var thread = (await PostAsync("/api/threads", new { }))["id"]!.GetValue<string>();
        var pid = Cluster.SiloPids()[0]!.Value;
        var before = Proc.ResidentBytes(pid);
        using var watched = new CancellationTokenSource();
        var peak = 0L;
        var watching = Task.Run(async () =>
        {
            while (!watched.IsCancellationRequested)
            {
                peak = Math.Max(peak, Proc.ResidentBytes(pid));
                await Task.Delay(50, CancellationToken.None);
            }
        }, TestContext.Current.CancellationToken);
        var clock = Stopwatch.StartNew();
        var content = new byte[Upload];
        Random.Shared.NextBytes(content);
        var made = await PutAsync($"/api/threads/{thread}/files/data/big.bin", content);
        var up = clock.Elapsed;
        await watched.CancelAsync();
        await watching;
        Assert.Equal(Upload, made["size"]!.GetValue<long>());

        clock.Restart();
        using var answer = await Cluster.SendAsync(HttpMethod.Get, $"/api/threads/{thread}/files/data/big.bin", silo: 1);
        var came = await answer.Content.ReadAsByteArrayAsync();
        Assert.True(content.AsSpan().SequenceEqual(came));
        Output.WriteLine($"{Upload >> 20} MiB: up {(Upload >> 20) / up.TotalSeconds:0} MiB/s, down {(Upload >> 20) / clock.Elapsed.TotalSeconds:0} MiB/s; the silo's memory grew by {(peak - before) >> 20} MiB at most (bound 100)");
        Assert.True(peak - before < Upload, $"the silo's memory grew by {(peak - before) >> 20} MiB");
        Assert.Equal("attachment", answer.Content.Headers.ContentDisposition!.DispositionType);
        Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Contains("sandbox", answer.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);

        var stranger = await People.AddAsync(Cluster, "Admin");
        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Delete })
        {
            using var request = new HttpRequestMessage(method, new Uri(Cluster.Urls[1], $"/api/threads/{thread}/files/data/big.bin"));
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", stranger.Key);
            using var refused = await Cluster.Http.SendAsync(request);
            Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        }

        using var outside = await Cluster.SendAsync(HttpMethod.Put, $"/api/threads/{thread}/files/a%5c..%5cescape.txt", new { });
        Assert.Equal(HttpStatusCode.BadRequest, outside.StatusCode);

        using var removed = await Cluster.SendAsync(HttpMethod.Delete, $"/api/threads/{thread}");
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        await Eventually.TrueAsync("the object of a removed thread", "gone from the storage", TimeSpan.FromSeconds(60), () => !Directory.EnumerateFiles(Path.Combine(Cluster.Data, "files"), "*", SearchOption.AllDirectories).Any(file => new FileInfo(file).Length == Upload));
    }

    [Fact]
    public async Task Model_WritesAndReadsFiles_AndSeesWhatIsAttached()
    {
        await using var rig = await ChatRig.StartAsync(Cluster);
        var thread = await rig.ThreadAsync();
        var told = (await PutAsync($"/api/threads/{thread}/files/question.txt", "what is the answer?"u8.ToArray()))["id"]!.GetValue<string>();
        var shown = (await PutAsync($"/api/threads/{thread}/files/dot.png", Convert.FromBase64String("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")))["id"]!.GetValue<string>();
        await rig.PostAsync($"/api/threads/{thread}/messages", new { text = "tool write_file {\"path\":\"answers/final.md\",\"content\":\"forty-two\"}", files = new[] { told, shown } });
        var written = await rig.AnswerAsync(thread);
        Assert.Equal("Succeeded", ChatRig.Calls(written)[0]["status"]!.GetValue<string>());
        var asked = rig.Agent.Asked.First()["messages"]!.AsArray().Last(message => message!["role"]!.GetValue<string>() == "user")!["content"]!.ToJsonString();
        Assert.Contains("question.txt (text/plain", asked, StringComparison.Ordinal);
        Assert.Contains("data:image/png;base64,iVBOR", asked, StringComparison.Ordinal);

        await rig.SayAsync(thread, "tool read_file {\"path\":\"answers/final.md\"}\ntool read_file {\"path\":\"question.txt\"}\ntool list_files {}\ntool read_file {\"path\":\"../../etc/passwd\"}");
        var read = ChatRig.Calls(await rig.AnswerAsync(thread));
        Assert.Contains("forty-two", read[0]["result"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("what is the answer?", read[1]["result"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("dot.png (image/png", read[2]["result"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("Failed", read[3]["status"]!.GetValue<string>());
        using var download = await Cluster.SendAsync(HttpMethod.Get, $"/api/threads/{thread}/files/answers/final.md", silo: 1);
        Assert.Equal("forty-two", await download.Content.ReadAsStringAsync());

        using var unknown = await Cluster.SendAsync(HttpMethod.Post, $"/api/threads/{thread}/messages", new { text = "x", files = new[] { "fi1nothing" } });
        Assert.Equal(HttpStatusCode.BadRequest, unknown.StatusCode);
    }

    [Fact]
    public async Task Files_InTheBrowser_AreAttachedDroppedPastedListedAndDeleted()
    {
        await Npm.EnsureInstalledAsync();
        await using var rig = await ChatRig.StartAsync(Cluster);
        var project = (await PostAsync("/api/projects", new { name = "Files in the browser" }))["id"]!.GetValue<string>();
        rig.Adopt($"/api/projects/{project}");
        using var code = await Cluster.SendAsync(HttpMethod.Post, "/api/sign-in-codes");
        var signIn = JsonDocument.Parse(await code.Content.ReadAsStringAsync()).RootElement.GetProperty("url").GetString()!;
        var shots = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "test", "files"));
        var told = (await Npm.ScriptAsync("files.mjs", [signIn, project, rig.Model, shots.FullName], TimeSpan.FromMinutes(3))).Checked().Output;
        var result = JsonDocument.Parse(told[told.IndexOf('{', StringComparison.Ordinal)..]).RootElement;
        Output.WriteLine($"{result.GetProperty("steps")}; screenshots in artifacts/test/files");
        Assert.Empty(result.GetProperty("problems").EnumerateArray().Select(problem => problem.GetString()));
        Assert.Equal(["attached", "dropped", "pasted", "refused", "sent", "downloaded", "listed", "deleted", "project", "phone"], result.GetProperty("steps").EnumerateArray().Select(step => step.GetString()));
    }

    private async Task<JsonObject> PostAsync(string path, object body)
    {
        using var response = await Cluster.SendAsync(HttpMethod.Post, path, body);
        return JsonNode.Parse(await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync())!.AsObject();
    }

    private async Task<JsonObject> PutAsync(string path, byte[] content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, new Uri(Cluster.Urls[0], path)) { Content = new ByteArrayContent(content) };
        using var response = await Cluster.Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!.AsObject();
    }
}
