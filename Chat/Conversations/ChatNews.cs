namespace Obot.Chat.Conversations;

/// <summary>Tells the list beside a page, within one browser tab, that something in it changed: it reads again at once instead of soon.</summary>
internal sealed class ChatNews
{
    public Action? Changed { get; set; }

    public void Tell() => Changed?.Invoke();
}
