using System.Diagnostics;

namespace Obot.Grains.Tests.Catalog;

/// <summary>A repository made by the git program, served from its folder.</summary>
internal sealed class GitRepository : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("obot-git-");

    public GitRepository()
    {
        Run("init", "--quiet", "--initial-branch=main");
        Run("config", "user.email", "tests@example.com");
        Run("config", "user.name", "tests");
    }

    public string Url => $"file://{_folder.FullName}";

    public string Folder => _folder.FullName;

    public void Write(string path, string text)
    {
        var file = Path.Combine(Folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }

    public string Commit(string message = "change", bool amend = false)
    {
        Run("add", "--all");
        Run(["commit", "--quiet", "--allow-empty", "-m", message, .. amend ? ["--amend"] : Array.Empty<string>()]);
        return Run("rev-parse", "HEAD");
    }

    public string Run(params string[] arguments) => RunWith("", arguments);

    public string RunWith(string input, params string[] arguments)
    {
        var start = new ProcessStartInfo("git", ["-C", Folder, .. arguments]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"git {string.Join(' ', arguments)}: {error.Result}");
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
