using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Llm;

/// <summary><c>llama-server</c> as a real engine, where it and a model of it (<c>OBOT_TEST_GGUF</c>, a file) are there.</summary>
public sealed class LlamaTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    [Fact]
    public async Task LlamaServer_AnswersThroughBothDoors_WholeAndStreamed()
    {
        var engine = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, "llama-server")).FirstOrDefault(File.Exists);
        var model = Environment.GetEnvironmentVariable("OBOT_TEST_GGUF");
        Assert.SkipUnless(engine is not null && File.Exists(model), "LEFT OUT: a real engine; install llama-server (Debian forky: llama.cpp-tools) and name a model's file in OBOT_TEST_GGUF");
        var port = FreePort();
        using var server = Process.Start(new ProcessStartInfo(engine, ["-m", model!, "--host", "127.0.0.1", "--port", port.ToString(CultureInfo.InvariantCulture), "--ctx-size", "2048"]))!;
        try
        {
            await Eventually.ReadAsync("llama-server", "ready", TimeSpan.FromMinutes(2), () => Cluster.Http.GetAsync(new Uri($"http://127.0.0.1:{port}/health")), answer => answer.IsSuccessStatusCode);
            await using var rig = await LlmRig.StartAsync(Cluster);
            var id = $"{rig.Prefix}-ll";
            await rig.PostAsync("/api/model-providers", new { id, kind = "openai-compatible", baseURL = $"http://127.0.0.1:{port}/v1" });
            rig.Adopt($"/api/model-providers/{id}");
            using var listed = await Cluster.SendAsync(HttpMethod.Get, $"/api/models?modelProvider={id}");
            var name = $"{id}/{JsonNode.Parse(await listed.Content.ReadAsStringAsync())!["items"]![0]!["targetModel"]!.GetValue<string>()}";
            await Task.Delay(TimeSpan.FromSeconds(1));
            foreach (var stream in new[] { false, true })
            {
                using var chat = await rig.ChatAsync("Say hello.", stream, ",\"max_tokens\":8", model: name);
                Assert.Equal(HttpStatusCode.OK, chat.StatusCode);
                Assert.Contains("choices", await chat.Content.ReadAsStringAsync(), StringComparison.Ordinal);
                using var messages = await rig.AskAsync("anthropic/v1/messages", $$"""{"model":"{{name}}","max_tokens":8,"messages":[{"role":"user","content":"Say hello."}],"stream":{{(stream ? "true" : "false")}}}""");
                Assert.Equal(HttpStatusCode.OK, messages.StatusCode);
                Assert.Contains("output_tokens", await messages.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            }
        }
        finally
        {
            server.Kill(entireProcessTree: true);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
