using System.Text.Json.Nodes;
using Bunit;
using Microsoft.AspNetCore.Components;
using Obot.Chat.Conversations.Questions;

namespace Obot.Chat.Tests.Conversations;

public sealed class SchemaFormTests : BunitContext
{
    private const string Schema = """
        {"type":"object","required":["name","email","size"],"properties":{
          "name":{"type":"string","title":"Your name","minLength":2},
          "email":{"type":"string","format":"email"},
          "age":{"type":"integer","minimum":0,"maximum":150},
          "size":{"type":"string","enum":["s","l"],"enumNames":["Small","Large"]},
          "color":{"type":"string","oneOf":[{"const":"r","title":"Red"}],"default":"r"},
          "news":{"type":"boolean","default":true},
          "tags":{"type":"array","items":{"enum":["a","b","c"]}}}}
        """;

    private string? sent;

    [Fact]
    public async Task Form_FilledIn_SendsTypedValues()
    {
        var form = Shown();
        await form.FindAll("input")[0].InputAsync("Ann");
        await form.FindAll("input")[1].InputAsync("ann@example.org");
        await form.FindAll("input")[2].InputAsync("42");
        await form.FindAll("select")[0].ChangeAsync("l");
        await form.Find("[role=group] input").ChangeAsync(true);
        await form.Find("form").SubmitAsync();

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("""{"name":"Ann","email":"ann@example.org","age":42,"size":"l","color":"r","news":true,"tags":["a"]}"""), JsonNode.Parse(sent!)), sent);
    }

    [Fact]
    public async Task Form_WithMissingAndWrongValues_SaysWhichAndSendsNothing()
    {
        var form = Shown();
        await form.FindAll("input")[0].InputAsync("A");
        await form.FindAll("input")[1].InputAsync("nobody");
        await form.FindAll("input")[2].InputAsync("151");
        await form.Find("form").SubmitAsync();

        Assert.Null(sent);
        Assert.Equal(["At least 2 characters", "An e-mail address, such as ann@example.org", "At most 150", "Needed"], form.FindAll(".wrong").Select(wrong => wrong.TextContent));
    }

    [Fact]
    public void Form_OfHostileWords_ShowsThemAsText()
    {
        var form = Render<SchemaForm>(parameters => parameters.Add(one => one.Schema, """{"properties":{"\" onfocus=\"alert(1)":{"type":"string","title":"<img src=x onerror=alert(1)>","description":"<script>x</script>"}}}"""));

        Assert.Empty(form.FindAll("img, script"));
        Assert.Contains("<img src=x onerror=alert(1)>", form.Find("label").TextContent, StringComparison.Ordinal);
        Assert.DoesNotContain(form.Find("input").Attributes, attribute => attribute.Name == "onfocus");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("broken")]
    [InlineData("[]")]
    [InlineData("""{"properties":{"a":5}}""")]
    public void Schema_ThatIsNone_HasNoFields(string? schema) => Assert.Empty(FormField.Of(schema));

    [Theory]
    [InlineData("""{"properties":{"x":{"type":"integer"}}}""", "1.5", "A whole number")]
    [InlineData("""{"properties":{"x":{"type":"integer"}}}""", "9223372036854775808", "A whole number")]
    [InlineData("""{"properties":{"x":{"type":"number"}}}""", "NaN", "A number")]
    [InlineData("""{"properties":{"x":{"type":"string","format":"date"}}}""", "2026-02-30", "A date, such as 2026-12-24")]
    [InlineData("""{"properties":{"x":{"type":"string","format":"uri"}}}""", "example", "An address, such as https://example.org")]
    [InlineData("""{"properties":{"x":{"type":"string","enum":["a"]}}}""", "b", "Not one of the choices")]
    public void Value_ThatTheSchemaDoesNotAllow_IsRefused(string schema, string value, string words) => Assert.Equal(words, Assert.Single(FormField.Of(schema)).Check(value));

    private IRenderedComponent<SchemaForm> Shown() => Render<SchemaForm>(parameters => parameters
        .Add(form => form.Schema, Schema).Add(form => form.Submit, EventCallback.Factory.Create<string>(this, content => sent = content)));
}
