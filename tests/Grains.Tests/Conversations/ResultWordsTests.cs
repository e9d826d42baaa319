using Obot.Grains.Conversations.Running;

namespace Obot.Grains.Tests.Conversations;

public sealed class ResultWordsTests
{
    [Theory]
    [InlineData("""[{"type":"text","text":"a"},{"type":"text","text":"b"}]""", "a\nb")]
    [InlineData("""[{"type":"image","data":"AAAA","mimeType":"image/png"}]""", "[image, image/png: the person sees it]")]
    [InlineData("""[{"type":"resource_link","name":"doc","uri":"file:///x"}]""", "[doc](file:///x)")]
    [InlineData("""[{"type":"resource","resource":{"uri":"u:1","text":"inside"}}]""", "inside")]
    [InlineData("""[{"type":"resource","resource":{"uri":"u:1","mimeType":"a/b","blob":"AAAA"}}]""", "[u:1, a/b]")]
    [InlineData("[7,null]", "7\nnull")]
    [InlineData("{\"x\":1}", "{\"x\":1}")]
    [InlineData("found", "found")]
    public void Blocks_AreTold_AsTheirWords(string content, string told) => Assert.Equal(told, ResultWords.Of(content));
}
