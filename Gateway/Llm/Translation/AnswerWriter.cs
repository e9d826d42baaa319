using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.Gateway.Llm.Answers;

namespace Obot.Gateway.Llm.Translation;

/// <summary>Says an answer in the words of the door that was asked.</summary>
internal abstract class AnswerWriter
{
    private readonly List<ToolCallDraft> calls = [];
    private readonly StringBuilder text = new();
    private readonly StringBuilder thought = new();

    public string Id { get; private set; } = "";

    public string Model { get; private set; } = "";

    public string Text => text.ToString();

    public string Thought => thought.ToString();

    public IReadOnlyList<ToolCallDraft> Calls => calls;

    public StopReason Stop { get; private set; }

    public string? StopSequence { get; private set; }

    public virtual void Add(AnswerPart part, IBufferWriter<byte> output)
    {
        switch (part)
        {
            case AnswerStarted started:
                (Id, Model) = (started.Id, started.Model);
                break;
            case TextArrived arrived:
                text.Append(arrived.Text);
                break;
            case ThoughtArrived arrived:
                thought.Append(arrived.Text);
                break;
            case ToolCallStarted call:
                calls.Add(new(call.Index, call.Id, call.Name));
                break;
            case ArgumentsArrived arguments:
                calls.Find(call => call.Index == arguments.Index)?.Json.Append(arguments.Json);
                break;
            case AnswerStopped stopped:
                (Stop, StopSequence) = (stopped.Reason, stopped.StopSequence);
                break;
            default:
                break;
        }
    }

    /// <summary>The provider has said everything.</summary>
    public abstract void Complete(LlmUsage usage, IBufferWriter<byte> output);

    protected static void Write(JsonNode json, IBufferWriter<byte> output)
    {
        using var writer = new Utf8JsonWriter(output, new() { Encoder = Plain.Options.Encoder });
        json.WriteTo(writer);
    }

    /// <param name="name">Of the event; null for OpenAI's streams of chunks, which have none.</param>
    protected static void WriteEvent(string? name, JsonNode data, IBufferWriter<byte> output)
    {
        if (name is not null)
        {
            output.Write("event: "u8);
            output.Write(Encoding.UTF8.GetBytes(name));
            output.Write("\n"u8);
        }

        output.Write("data: "u8);
        Write(data, output);
        output.Write("\n\n"u8);
    }
}

internal sealed record ToolCallDraft(int Index, string Id, string Name)
{
    public StringBuilder Json { get; } = new();

    public string Arguments => Json.Length == 0 ? "{}" : Json.ToString();
}
