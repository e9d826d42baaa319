using System.ComponentModel;
using System.Text.Json;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using Obot.ConformanceServer.Tools;

namespace Obot.ConformanceServer;

[McpServerPromptType]
internal sealed class Prompts
{
    [McpServerPrompt(Name = "test_simple_prompt"), Description("Without arguments")]
    public static string Simple() => "This is a simple prompt for testing.";

    [McpServerPrompt(Name = "test_prompt_with_arguments"), Description("With two arguments")]
    public static string Arguments([Description("First test argument")] string arg1, [Description("Second test argument")] string arg2) =>
        $"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'";

    [McpServerPrompt(Name = "test_prompt_with_embedded_resource"), Description("With a resource")]
    public static PromptMessage[] Resource([Description("URI of the resource to embed")] string resourceUri) =>
    [
        Says(Samples.Resource(resourceUri, "text/plain", "Embedded resource content for testing.")),
        Says(new TextContentBlock { Text = "Please process the embedded resource above." }),
    ];

    [McpServerPrompt(Name = "test_prompt_with_image"), Description("With a picture")]
    public static PromptMessage[] Image() =>
    [
        Says(Samples.Picture()),
        Says(new TextContentBlock { Text = "Please analyze the image above." }),
    ];

    [McpServerPrompt(Name = "test_input_required_result_prompt"), Description("Asks for a context first (SEP-2322)")]
    public static PromptMessage InputRequired(RequestContext<GetPromptRequestParams> context)
    {
        var answer = context.Params!.InputResponses?.TryGetValue("user_context", out var response) is true ? response : null;
        return InputRequiredTools.Field(answer, "context") is { ValueKind: JsonValueKind.String } text
            ? Says(new TextContentBlock { Text = $"Continue with: {text.GetString()}" })
            : throw InputRequiredTools.Ask(("user_context", InputRequiredTools.AskFor("What context should the prompt use?", "context")));
    }

    private static PromptMessage Says(ContentBlock content) => new() { Role = Role.User, Content = content };
}
