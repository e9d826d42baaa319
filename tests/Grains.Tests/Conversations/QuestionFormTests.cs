using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Conversations;
using Obot.Grains.Conversations;

namespace Obot.Grains.Tests.Conversations;

public sealed class QuestionFormTests
{
    private const string Schema = """
        {"type":"object","required":["name"],"properties":{"name":{"type":"string","minLength":2,"maxLength":5},"age":{"type":"integer","minimum":1,"maximum":9},
        "size":{"type":"string","enum":["s","m"]},"sure":{"type":"boolean"}}}
        """;

    [Theory]
    [InlineData("""{"name":"Ann"}""")]
    [InlineData("""{"name":"Ann","age":9,"size":"m","sure":false}""")]
    [InlineData("""{"name":"Ann","unknown":{"a":1}}""")]
    public void Content_ThatTheSchemaAllows_Passes(string content) => Check("accept", content);

    [Theory]
    [InlineData("""{}""", "content.name")]
    [InlineData(null, "content.name")]
    [InlineData("""{"name":"A"}""", "content.name")]
    [InlineData("""{"name":"Annabel"}""", "content.name")]
    [InlineData("""{"name":7}""", "content.name")]
    [InlineData("""{"name":"Ann","age":1.5}""", "content.age")]
    [InlineData("""{"name":"Ann","age":10}""", "content.age")]
    [InlineData("""{"name":"Ann","size":"xl"}""", "content.size")]
    [InlineData("""{"name":"Ann","sure":"yes"}""", "content.sure")]
    [InlineData("""["Ann"]""", "content")]
    [InlineData("""{"name":""", "content")]
    public void Content_ThatTheSchemaForbids_IsRefused_NamingTheField(string? content, string field) =>
        Assert.Equal(field, Assert.Throws<InvalidInputException>(() => Check("accept", content)).Field);

    [Theory]
    [InlineData("decline")]
    [InlineData("cancel")]
    public void Refusal_NeedsNoContent(string action) => Check(action, null);

    [Fact]
    public void Action_ThatIsNone_IsRefused() => Assert.Equal("action", Assert.Throws<InvalidInputException>(() => Check("yes", "{}")).Field);

    private static void Check(string action, string? content) =>
        QuestionForm.Check(new QuestionPart { Id = "qu1", Kind = "form", ServerName = "s", Message = "", Schema = Schema }, new(action, content));
}
