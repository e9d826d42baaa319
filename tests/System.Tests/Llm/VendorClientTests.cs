using System.ClientModel;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Anthropic;
using Anthropic.Models.Messages;
using Obot.SystemTests.Rig;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Embeddings;

namespace Obot.SystemTests.Llm;

/// <summary>The vendors' own clients need a base URL and a key, nothing else.</summary>
public sealed class VendorClientTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    [Fact]
    public async Task OpenAiClient_ChatsStreamsCallsToolsAndEmbeds()
    {
        await using var rig = await LlmRig.StartAsync(Cluster);
        var client = new OpenAIClient(new ApiKeyCredential(rig.Key), new OpenAIClientOptions { Endpoint = rig.OpenAiDoor() });
        var chat = client.GetChatClient($"{rig.OpenAi}/gpt-test");

        ChatCompletion whole = await chat.CompleteChatAsync("hello");
        Assert.Equal(Scripts.Text, whole.Content[0].Text);
        Assert.Equal((12, 4), (whole.Usage.InputTokenCount, whole.Usage.OutputTokenCount));
        Assert.Equal("gpt-test", JsonNode.Parse(rig.Upstream.Last.Body)!["model"]!.GetValue<string>());
        Assert.Equal($"Bearer {ScriptedProvider.Key}", rig.Upstream.Last.Headers["Authorization"]);

        var text = new StringBuilder();
        await foreach (var part in chat.CompleteChatStreamingAsync("hello"))
        {
            text.AppendJoin("", part.ContentUpdate.Select(content => content.Text));
        }

        Assert.Equal(Scripts.Text, text.ToString());

        var tool = ChatTool.CreateFunctionTool("weather", "The weather", BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"}}}"""));
        ChatCompletion called = await chat.CompleteChatAsync([new UserChatMessage("script:tool")], new ChatCompletionOptions { Tools = { tool } });
        Assert.Equal(ChatFinishReason.ToolCalls, called.FinishReason);
        Assert.Contains("Wien", called.ToolCalls[0].FunctionArguments.ToString(), StringComparison.Ordinal);

        OpenAIEmbedding embedding = await client.GetEmbeddingClient($"{rig.OpenAi}/text-embedding-test").GenerateEmbeddingAsync("some text");
        Assert.Equal(new[] { 0.25f, -0.5f }, embedding.ToFloats().ToArray());

        var models = await client.GetOpenAIModelClient().GetModelsAsync();
        Assert.Contains(models.Value, model => model.Id == "gpt-test");

        var refused = await Assert.ThrowsAsync<ClientResultException>(() => chat.CompleteChatAsync("script:400"));
        Assert.Equal(400, refused.Status);
        Assert.Contains("scripted 400", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnthropicClient_MessagesStreamsCallsToolsAndCounts()
    {
        await using var rig = await LlmRig.StartAsync(Cluster);
        using var client = new AnthropicClient { ApiKey = rig.Key, BaseUrl = rig.AnthropicDoor().ToString() };
        var model = $"{rig.Anthropic}/claude-test";

        var whole = await client.Messages.Create(new MessageCreateParams { MaxTokens = 100, Messages = [new UserMessageParam("hello")], Model = model });
        Assert.True(whole.Content[0].TryPickText(out var first));
        Assert.Equal(Scripts.Text, first.Text);
        Assert.Equal(4, whole.Usage.OutputTokens);
        Assert.Equal(ScriptedProvider.Key, rig.Upstream.Last.Headers["x-api-key"]);
        Assert.False(rig.Upstream.Last.Headers.ContainsKey("Authorization"));

        var text = new StringBuilder();
        await foreach (var part in client.Messages.CreateStreaming(new MessageCreateParams { MaxTokens = 100, Messages = [new UserMessageParam("hello")], Model = model }))
        {
            if (part.TryPickContentBlockDelta(out var delta) && delta.Delta.TryPickText(out var said))
            {
                text.Append(said.Text);
            }
        }

        Assert.Equal(Scripts.Text, text.ToString());

        var called = await client.Messages.Create(new MessageCreateParams { MaxTokens = 100, Messages = [new UserMessageParam("script:tool")], Model = model });
        Assert.True(called.Content[0].TryPickToolUse(out var tool));
        Assert.Equal("weather", tool.Name);

        var count = await client.Messages.CountTokens(new MessageCountTokensParams { Messages = [new UserMessageParam("hello")], Model = model });
        Assert.Equal(42, count.InputTokens);
        await Assert.ThrowsAnyAsync<Anthropic.Exceptions.AnthropicException>(() =>
            client.Messages.Create(new MessageCreateParams { MaxTokens = 100, Messages = [new UserMessageParam("script:400")], Model = model }));
    }

    /// <summary>Either door to a model of its own vendor, and of the other one.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task NpmClients_OfBothVendors_DoTheSame(bool crossed)
    {
        await using var rig = await LlmRig.StartAsync(Cluster);
        string[] models = [$"{rig.OpenAi}/gpt-test", $"{rig.Anthropic}/claude-test"];
        var result = await Npm.ScriptAsync("llm.mjs", [rig.OpenAiDoor().ToString(), rig.AnthropicDoor().ToString(), rig.Key, models[crossed ? 1 : 0], models[crossed ? 0 : 1]], TimeSpan.FromMinutes(1));
        Output.WriteLine(result.Output + result.Error);
        var said = JsonNode.Parse(result.Checked().Output)!;
        foreach (var one in new[] { "chat", "chatStream", "responses", "responsesStream", "messages", "messagesStream" })
        {
            Assert.Equal(Scripts.Text, said[one]?.GetValue<string>());
        }

        Assert.Equal("""{"city":"Wien","days":2}""", said["chatTool"]!.GetValue<string>());
        Assert.Equal("""{"city":"Wien","days":2}""", said["messagesTool"]!.GetValue<string>());
        Assert.Equal(16, said["usage"]!.GetValue<int>());
        Assert.Equal(0, said["usageNotAsked"]!.GetValue<int>());
        Assert.Equal(429, said["rate"]!["status"]!.GetValue<int>());
        Assert.Equal("7", said["rate"]!["retryAfter"]!.GetValue<string>());
        Assert.Contains("broke off", said["broken"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("broke off", said["brokenMessages"]!.GetValue<string>(), StringComparison.Ordinal);
    }
}
