using System.ComponentModel;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Obot.ConformanceServer.Tools;

/// <summary>Tools that answer <c>input_required</c> (SEP-2322); the client calls again with what was asked for.</summary>
[McpServerToolType]
internal sealed class InputRequiredTools
{
    private const string Prefix = "test_input_required_result_";
    private static readonly byte[] StateKey = RandomNumberGenerator.GetBytes(32);

    [McpServerTool(Name = Prefix + "elicitation"), Description("Asks for a name")]
    public static string Elicitation(RequestContext<CallToolRequestParams> context) =>
        NameIn(context) is { } name ? $"Hello, {name}!" : throw Ask(("user_name", AskName()));

    [McpServerTool(Name = Prefix + "sampling"), Description("Asks for a completion")]
    public static string Sampling(RequestContext<CallToolRequestParams> context) =>
        Answer(context, "capital_question")?.Deserialize(InputResponse.CreateMessageResultJsonTypeInfo) is { } answer
            ? $"The model said: {answer.Content.OfType<TextContentBlock>().FirstOrDefault()?.Text}"
            : throw Ask(("capital_question", AskCapital()));

    [McpServerTool(Name = Prefix + "list_roots"), Description("Asks for the roots")]
    public static string Roots(RequestContext<CallToolRequestParams> context) =>
        Answer(context, "client_roots")?.Deserialize(InputResponse.ListRootsResultJsonTypeInfo) is { } answer
            ? $"Roots: {string.Join(", ", answer.Roots.Select(root => root.Uri))}"
            : throw Ask(("client_roots", AskRoots()));

    [McpServerTool(Name = Prefix + "request_state"), Description("Gives a state and wants it back")]
    public static string RequestState(RequestContext<CallToolRequestParams> context) => context.Params!.RequestState is { } state
        ? Verified(state, "confirm", "state-ok")
        : throw Ask(Sign("confirm"), ("confirm", AskConfirmation()));

    [McpServerTool(Name = Prefix + "tampered_state"), Description("Refuses a state that it did not give")]
    public static string TamperedState(RequestContext<CallToolRequestParams> context) => context.Params!.RequestState is { } state
        ? Verified(state, "untampered", "state-ok")
        : throw Ask(Sign("untampered"), ("confirm", AskConfirmation()));

    [McpServerTool(Name = Prefix + "multiple_inputs"), Description("Asks for three things at once")]
    public static string MultipleInputs(RequestContext<CallToolRequestParams> context) =>
        ((string[])["user_name", "greeting", "client_roots"]).All(key => Answer(context, key) is not null)
            ? "all three received"
            : throw Ask(
                Sign("multiple"),
                ("user_name", AskName()),
                ("greeting", InputRequest.ForSampling(Samples.Sample("Generate a greeting", maxTokens: 50))),
                ("client_roots", AskRoots()));

    [McpServerTool(Name = Prefix + "multi_round"), Description("Asks twice")]
    public static string MultiRound(RequestContext<CallToolRequestParams> context) => context.Params!.RequestState switch
    {
        null => throw Ask(Sign("1"), ("step1", AskFor("Step 1: What is your name?", "name"))),
        var state when IsSigned(state, "1") => throw Ask(Sign("2"), ("step2", AskFor("Step 2: What is your favorite color?", "color"))),
        var state => Verified(state, "2", "both steps done"),
    };

    [McpServerTool(Name = Prefix + "capabilities"), Description("Asks only for what the client can give")]
    public static string Capabilities(RequestContext<CallToolRequestParams> context)
    {
        if (context.Params!.InputResponses is { Count: > 0 })
        {
            return "received";
        }

        var able = context.JsonRpcRequest.Context?.ClientCapabilities;
        (string, InputRequest)[] asked =
        [
            .. able?.Sampling is null ? [] : new[] { ("capital_question", AskCapital()) },
            .. able?.Elicitation is null ? [] : new[] { ("user_name", AskName()) },
            .. able?.Roots is null ? [] : new[] { ("client_roots", AskRoots()) },
        ];
        return asked.Length == 0 ? "the client can give nothing" : throw Ask(asked);
    }

    public static InputRequiredException Ask(params (string Key, InputRequest Request)[] requests) => Ask(state: null, requests);

    public static InputRequest AskFor(string message, string field) =>
        InputRequest.ForElicitation(Samples.Ask(message, $$"""{"{{field}}": {"type": "string"} }""", field));

    public static JsonElement? Field(InputResponse? answer, string field)
    {
        try
        {
            return answer?.Deserialize(InputResponse.ElicitResultJsonTypeInfo)?.Content?.TryGetValue(field, out var value) is true ? value : null;
        }
        catch (JsonException)
        {
            // not an elicitation's result: ask again
            return null;
        }
    }

    private static string? NameIn(RequestContext<CallToolRequestParams> context) =>
        Field(Answer(context, "user_name"), "name") is { ValueKind: JsonValueKind.String } name ? name.GetString() : null;

    private static InputResponse? Answer(RequestContext<CallToolRequestParams> context, string key) =>
        context.Params!.InputResponses?.TryGetValue(key, out var response) is true ? response : null;

    private static InputRequiredException Ask(string? state, params (string Key, InputRequest Request)[] requests) =>
        new(requests.ToDictionary(request => request.Key, request => request.Request, StringComparer.Ordinal), state);

    private static InputRequest AskName() => AskFor("What is your name?", "name");

    private static InputRequest AskCapital() => InputRequest.ForSampling(Samples.Sample("What is the capital of France?", maxTokens: 100));

    private static InputRequest AskRoots() => InputRequest.ForRootsList(new ListRootsRequestParams());

    private static InputRequest AskConfirmation() =>
        InputRequest.ForElicitation(Samples.Ask("Please confirm", """{"ok": {"type": "boolean"}}""", "ok"));

    private static string Sign(string state) => $"{state}.{Convert.ToHexString(HMACSHA256.HashData(StateKey, Encoding.UTF8.GetBytes(state)))}";

    private static bool IsSigned(string state, string expected) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(state), Encoding.UTF8.GetBytes(Sign(expected)));

    private static string Verified(string state, string expected, string result) => IsSigned(state, expected)
        ? result
        : throw new McpProtocolException("requestState is not one of ours", McpErrorCode.InvalidParams);
}
