using Obot.Grains.Abstractions.Conversations;

namespace Obot.Chat.Conversations;

internal static class Titles
{
    public static string Of(ConversationView? conversation) => conversation is { Title.Length: > 0 } ? conversation.Title : "New chat";
}
