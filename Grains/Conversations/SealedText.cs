using System.Text;
using System.Text.Json;
using Obot.Grains.Abstractions.Conversations;
using Obot.Grains.Abstractions.Encryption;

namespace Obot.Grains.Conversations;

/// <summary>What is said goes to its row and comes from it only through here.</summary>
internal sealed class SealedText(IEncryption encryption)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public byte[]? SealTitle(string conversation, string? title) => Seal(TitleOf(conversation), title);

    public string OpenTitle(string conversation, byte[]? title) => Open(TitleOf(conversation), title) ?? "";

    public byte[]? SealInstructions(string project, string? text) => Seal(InstructionsOf(project), text);

    public string? OpenInstructions(string project, byte[]? text) => Open(InstructionsOf(project), text);

    public byte[]? SealSummary(string conversation, string message, string? text) => Seal(SummaryOf(conversation, message), text);

    public string? OpenSummary(string conversation, string message, byte[]? text) => Open(SummaryOf(conversation, message), text);

    public byte[] Seal(string conversation, StoredPart part) => encryption.Encrypt(PartOf(conversation, part.Part.Id), JsonSerializer.SerializeToUtf8Bytes(part, Json));

    public StoredPart Open(string conversation, string part, byte[] content) =>
        JsonSerializer.Deserialize<StoredPart>(encryption.Decrypt(PartOf(conversation, part), content), Json)!;

    private byte[]? Seal(in SecretPlace place, string? text) => string.IsNullOrEmpty(text) ? null : encryption.Encrypt(place, Encoding.UTF8.GetBytes(text));

    private string? Open(in SecretPlace place, byte[]? text) => text is null ? null : Encoding.UTF8.GetString(encryption.Decrypt(place, text));

    private static SecretPlace TitleOf(string conversation) => new("conversations", conversation, "title");

    private static SecretPlace InstructionsOf(string project) => new("projects", project, "instructions");

    private static SecretPlace SummaryOf(string conversation, string message) => new("conversation_messages", $"{conversation}/{message}", "summary");

    private static SecretPlace PartOf(string conversation, string part) => new("conversation_parts", $"{conversation}/{part}", "content");
}

/// <param name="Step">Which model call of the answer it came from.</param>
/// <param name="Name">The tool's name as the model knows it; null for what is no tool call.</param>
/// <param name="IsRepeatable">The tool says that calling it twice is calling it once.</param>
/// <param name="IsBegun">The call was sent, or is about to be: whoever finds this and no result does not know what became of it.</param>
internal sealed record StoredPart(int Step, MessagePart Part, string? Name = null, bool IsRepeatable = false, bool IsBegun = false);
