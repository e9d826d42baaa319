using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using Obot.Shim.Bridge.Boot;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Protocol;

namespace Obot.Shim.Bridge.Children;

/// <summary>Who hears a child. Both are called from the child's own reader, one at a time; neither may block.</summary>
internal interface IChildOwner
{
    void OnMessage(in JsonRpcEnvelope envelope, in ReadOnlySequence<byte> line);

    void OnExit(ChildExit exit);
}

/// <summary>How a child ended.</summary>
/// <param name="Reason">For a person, as the end of "the MCP server …".</param>
/// <param name="Errors">The last lines of its standard error.</param>
/// <param name="Ordered">We ended it on purpose; its streams are closed without an error.</param>
internal sealed record ChildExit(string Reason, string Errors, bool Ordered);

/// <summary>One stdio server process: its three pipes and its end.</summary>
internal sealed class ChildProcess : IDisposable
{
    private const long MaxQueuedBytes = 64 * 1024 * 1024;
    private const int ReadBufferBytes = 32 * 1024;
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan StdinGrace = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SignalGrace = TimeSpan.FromSeconds(1);

    private readonly Process process;
    private readonly Stream input;
    private readonly StderrTail errors;
    private readonly ServerLog log;
    private readonly IChildOwner owner;
    private readonly SemaphoreSlim writing = new(1, 1);
    private readonly TaskCompletionSource<ChildExit> exit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long queuedBytes;
    private string? verdict;
    private bool ordered;

    private ChildProcess(Process process, BridgeLimits limits, ServerLog log, IChildOwner owner)
    {
        this.process = process;
        this.log = log;
        this.owner = owner;
        input = process.StandardInput.BaseStream;
        errors = new StderrTail(log);
        _ = Task.Run(() => RunAsync(limits.MaxMessageBytes));
    }

    public int Id => process.Id;

    /// <summary>The last lines of its standard error so far.</summary>
    public string Errors => errors.ToString();

    /// <summary>Completes after the owner has heard of it.</summary>
    public Task<ChildExit> Exit => exit.Task;

    /// <exception cref="ServerStartException">The operating system refused.</exception>
    public static ChildProcess Start(ChildCommand command, BridgeBoot boot, ServerLog log, IChildOwner owner)
    {
        var start = new ProcessStartInfo(command.File)
        {
            WorkingDirectory = boot.WorkingDirectory,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in command.Arguments)
        {
            start.ArgumentList.Add(argument);
        }

        ChildEnvironment.ForServer(start, boot, command.PathPrefix);
        OtherUser.RunAs(start, boot.Accounts?.Server);
        try
        {
            return new ChildProcess(Process.Start(start)!, boot.Limits, log, owner);
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or IOException)
        {
            throw new ServerStartException($"{command.File} could not be started: {e.Message}");
        }
    }

    /// <summary>The owner is ready to hear messages.</summary>
    public void Listen() => started.TrySetResult();

    /// <summary>Writes one message; writers wait for each other.</summary>
    /// <param name="line">JSON without line feeds, ending with one.</param>
    /// <param name="cancellationToken">Only before the first byte: a message is written whole or not at all.</param>
    /// <returns>False when the child does not read and too much is waiting already.</returns>
    public async ValueTask<bool> WriteAsync(ReadOnlyMemory<byte> line, CancellationToken cancellationToken)
    {
        var queued = Interlocked.Add(ref queuedBytes, line.Length);
        try
        {
            if (queued > MaxQueuedBytes && queued != line.Length)
            {
                return false;
            }

            await writing.WaitAsync(cancellationToken);
            try
            {
                await input.WriteAsync(line, CancellationToken.None);
            }
            finally
            {
                writing.Release();
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // it ended or closed its input: the pending calls are answered by its end
            Kill("it closed its standard input");
        }
        finally
        {
            Interlocked.Add(ref queuedBytes, -line.Length);
        }

        return true;
    }

    /// <summary>Ends it at once, with everything it started.</summary>
    public void Kill(string reason)
    {
        Interlocked.CompareExchange(ref verdict, reason, null);
        if (!process.HasExited)
        {
            ProcessTree.Kill(ProcessTree.Of(process.Id));
        }
    }

    /// <summary>The specification's order for stdio: close its input, then SIGTERM, then SIGKILL for whatever is left of the tree.</summary>
    public async Task EndAsync(string reason)
    {
        ordered = true;
        Interlocked.CompareExchange(ref verdict, reason, null);
        if (process.HasExited)
        {
            return;
        }

        var tree = ProcessTree.Of(process.Id);
        await input.DisposeAsync();
        if (!await ExitsWithinAsync(StdinGrace) && !process.HasExited)
        {
            ProcessTree.Terminate(process.Id);
            await ExitsWithinAsync(SignalGrace);
        }

        ProcessTree.Kill(tree);
        await ExitsWithinAsync(SignalGrace);
    }

    /// <summary>Closes the pipes. The process object itself stays usable: somebody may be about to kill it.</summary>
    public void Dispose()
    {
        process.StandardInput.Dispose();
        process.StandardOutput.Dispose();
        process.StandardError.Dispose();
        writing.Dispose();
    }

    private async Task<bool> ExitsWithinAsync(TimeSpan time)
    {
        await process.WaitForExitAsync().WaitAsync(time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return process.HasExited;
    }

    private async Task RunAsync(int maxMessageBytes)
    {
        await started.Task;
        var stderr = errors.ReadAsync(process.StandardError.BaseStream);
        var stdout = ReadMessagesAsync(maxMessageBytes);

        await Task.WhenAny(stdout, process.WaitForExitAsync());
        if (!stdout.IsCompleted)
        {
            // it has exited: what it wrote before is still in the pipe, unless something it left behind holds the pipe open
            await stdout.WaitAsync(DrainTimeout).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        else if (!await ExitsWithinAsync(DrainTimeout))
        {
            Kill("it closed its standard output");
        }

        await process.WaitForExitAsync();
        await stderr.WaitAsync(DrainTimeout).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        var end = EndOf(process.ExitCode);
        if (!ordered)
        {
            log.Say(verdict is null ? $"server process {process.Id} {end}" : $"server process {process.Id} {end}: {verdict}");
        }

        var result = new ChildExit(verdict ?? end, errors.ToString(), ordered);
        owner.OnExit(result);
        Dispose();
        exit.TrySetResult(result);
    }

    // a signal arrives as shells write it: 128 and its number
    private static string EndOf(int exitCode) => exitCode is > 128 and < 160
        ? $"was killed by signal {exitCode - 128}"
        : $"exited with code {exitCode}";

    private async Task ReadMessagesAsync(int maxMessageBytes)
    {
        var reader = PipeReader.Create(process.StandardOutput.BaseStream, new StreamPipeReaderOptions(bufferSize: ReadBufferBytes));
        try
        {
            await StdoutLines.ReadAsync(reader, maxMessageBytes, OnLine);
        }
        catch (InvalidDataException e)
        {
            Kill(e.Message);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // the child is gone
        }

        await reader.CompleteAsync();
    }

    private void OnLine(in ReadOnlySequence<byte> line)
    {
        if (line.IsEmpty || (line.Length == 1 && line.FirstSpan[0] == '\r'))
        {
            return;
        }

        var envelope = EnvelopeReader.Read(line);
        if (envelope.Kind is EnvelopeKind.Invalid or EnvelopeKind.Batch)
        {
            // banners and console.log of careless servers
            log.Write(line.Slice(0, Math.Min(line.Length, ServerLog.MaxLineBytes)).ToArray());
            return;
        }

        owner.OnMessage(envelope, line);
    }
}
