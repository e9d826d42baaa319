using System.Text;
using Obot.Grains.Abstractions.Encryption;

namespace Obot.Grains.Tasks;

/// <summary>Prompts go to their rows and come from them only through here.</summary>
internal sealed class TaskText(IEncryption encryption)
{
    public byte[] SealPrompt(string task, string prompt) => encryption.Encrypt(Task(task), Encoding.UTF8.GetBytes(prompt));

    public string OpenPrompt(string task, byte[] prompt) => Encoding.UTF8.GetString(encryption.Decrypt(Task(task), prompt));

    public byte[] SealRun(string run, string prompt) => encryption.Encrypt(Run(run), Encoding.UTF8.GetBytes(prompt));

    public string OpenRun(string run, byte[] prompt) => Encoding.UTF8.GetString(encryption.Decrypt(Run(run), prompt));

    private static SecretPlace Task(string id) => new("tasks", id, "prompt");

    private static SecretPlace Run(string id) => new("task_runs", id, "prompt");
}
