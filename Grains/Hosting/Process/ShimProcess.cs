using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Boot;
using SystemProcess = System.Diagnostics.Process;

namespace Obot.Grains.Hosting.Process;

/// <summary>
/// One guard or bridge. Its boot document goes in on the first line of standard input; the rest of that pipe is its life: when
/// this silo dies, in whatever way, the pipe ends and so does the process.
/// </summary>
internal sealed partial class ShimProcess : IDisposable
{
    public const string GuardRole = "guard";
    public const string BridgeRole = "bridge";

    /// <summary>A guard of many instances.</summary>
    public const string PoolRole = "guard --pool";

    private static readonly string[] Inherited =
    [
        "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "DOTNET_ROOT",
    ];

    private static readonly byte[] EndOfLine = [(byte)'\n'];

    private static readonly string? SetSid = new[] { "/usr/bin/setsid", "/bin/setsid" }.FirstOrDefault(File.Exists);

    private readonly SystemProcess process;
    private readonly TaskCompletionSource<ShimEvent> ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim writing = new(1, 1);
    private volatile string? failure;

    private ShimProcess(string role, SystemProcess process) => (Role, this.process) = (role, process);

    public string Role { get; }

    public int Pid => process.Id;

    /// <summary>Completes when the process is gone, with a reason for a person.</summary>
    public Task<string> Exited { get; private set; } = null!;

    /// <summary>Starts the shim in the given mode. The process is the leader of a group of its own, which its children share.</summary>
    public static ShimProcess Start<TBoot>(string shim, string role, TBoot boot, JsonTypeInfo<TBoot> type, Action<string> onLog, Action<ShimEvent>? onEvent = null)
    {
        List<string> command = [.. SetSid is null ? Array.Empty<string>() : [SetSid], .. shim.EndsWith(".dll", StringComparison.Ordinal) ? ["dotnet", shim] : new[] { shim }, .. role.Split(' ')];
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        var inherited = Inherited.Concat(start.Environment.Keys.Where(key => key.StartsWith("npm_config_", StringComparison.OrdinalIgnoreCase)))
            .Select(key => (Key: key, Value: start.Environment.TryGetValue(key, out var value) ? value : null)).ToList();
        start.Environment.Clear();
        foreach (var (key, value) in inherited.Where(pair => pair.Value is not null))
        {
            start.Environment[key] = value;
        }

        if (role is GuardRole or PoolRole)
        {
            // the other half of the guard's inline scheduling, for the sockets towards its server
            start.Environment["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1";
        }

        var started = SystemProcess.Start(start) ?? throw new ServerStartException($"'{shim}' could not be started");
        var shimProcess = new ShimProcess(role, started);
        shimProcess.Exited = shimProcess.RunAsync(onLog, onEvent);
        started.StandardInput.WriteLine(JsonSerializer.Serialize(boot, type));
        started.StandardInput.Flush();
        return shimProcess;
    }

    /// <summary>Waits until the process says that it is ready.</summary>
    /// <exception cref="ServerStartException">It said why not, or went away.</exception>
    public async Task<ShimEvent> ReadyAsync(CancellationToken cancellationToken)
    {
        var first = await Task.WhenAny(ready.Task, Exited).WaitAsync(cancellationToken);
        return first == ready.Task ? await ready.Task : throw new ServerStartException(await Exited);
    }

    /// <summary>Another line for a shim that takes orders.</summary>
    public async Task SendAsync<T>(T order, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        var line = JsonSerializer.SerializeToUtf8Bytes(order, type);
        await writing.WaitAsync(cancellationToken);
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(line, cancellationToken);
            await process.StandardInput.BaseStream.WriteAsync(EndOfLine, cancellationToken);
            await process.StandardInput.BaseStream.FlushAsync(cancellationToken);
        }
        finally
        {
            writing.Release();
        }
    }

    /// <summary>Ends the process at once.</summary>
    public void Kill()
    {
        try
        {
            KillGroup();
        }
        catch (InvalidOperationException)
        {
            // it is gone already
        }
    }

    /// <summary>Ends the process and all of its group; returns when it is gone.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        try
        {
            process.StandardInput.Close();
            await Exited.WaitAsync(grace);
        }
        catch (Exception e) when (e is TimeoutException or IOException)
        {
            KillGroup();
            await Exited;
        }
    }

    public void Dispose() => process.Dispose();

    private async Task<string> RunAsync(Action<string> onLog, Action<ShimEvent>? onEvent)
    {
        var errors = new Queue<string>();
        await Task.WhenAll(ReadOutputAsync(onLog, onEvent), ReadErrorsAsync(errors), process.WaitForExitAsync());
        var code = process.ExitCode;
        // a bridge that was killed could not end its children itself
        KillGroup();
        return failure ?? (code > 128 ? $"the {Role} was killed by signal {code - 128}" : $"the {Role} exited with code {code}{(errors.Count > 0 ? $": {string.Join(" · ", errors)}" : "")}");
    }

    private async Task ReadOutputAsync(Action<string> onLog, Action<ShimEvent>? onEvent)
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            ShimEvent? said;
            try
            {
                said = JsonSerializer.Deserialize(line, ShimJson.Default.ShimEvent);
            }
            catch (JsonException)
            {
                continue;
            }

            switch (said?.Event)
            {
                case ShimEvent.Ready:
                    ready.TrySetResult(said);
                    break;
                case ShimEvent.Failed:
                    failure = said.Reason;
                    break;
                case ShimEvent.Log:
                    onLog(said.Line ?? "");
                    break;
                case not null:
                    onEvent?.Invoke(said);
                    break;
            }
        }
    }

    private async Task ReadErrorsAsync(Queue<string> last)
    {
        while (await process.StandardError.ReadLineAsync() is { } line)
        {
            last.Enqueue(line);
            if (last.Count > 5)
            {
                last.Dequeue();
            }
        }
    }

    private void KillGroup()
    {
        if (SetSid is not null)
        {
            _ = Kill(-process.Id, 9);
        }
        else if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
