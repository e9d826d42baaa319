using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Tests.Llm;

public sealed class ProviderDoorsTests
{
    [Theory]
    [InlineData(LlmOperation.Chat, "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions")]
    [InlineData(LlmOperation.Messages, "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions")]
    [InlineData(LlmOperation.Responses, "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions")]
    [InlineData(LlmOperation.Embeddings, "https://generativelanguage.googleapis.com/v1beta/openai/embeddings")]
    public void Gemini_IsAskedAtItsOpenAiCompatibleDoor(LlmOperation asked, string url)
    {
        var gemini = Gemini();
        Assert.Equal(url, ProviderDoors.For(gemini, ProviderDoors.Spoken(gemini, "gemini-test", asked)!.Value, "gemini-test", stream: true).AbsoluteUri);
    }

    [Fact]
    public void Gemini_ListsItsModelsThere() =>
        Assert.Equal("https://generativelanguage.googleapis.com/v1beta/openai/models", ProviderDoors.ModelsOf(Gemini()).AbsoluteUri);

    private static LlmProvider Gemini() => new()
    {
        Id = "g",
        Kind = ProviderKinds.Gemini,
        BaseUrl = ProviderDoors.DefaultBaseUrl(ProviderKinds.Gemini, new())!,
        Settings = new(),
        Credentials = new Dictionary<string, string>(StringComparer.Ordinal),
        Revision = 1,
    };
}
