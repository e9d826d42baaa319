using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Filters;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Hosting;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Control;

namespace Obot.Grains.Filters;

/// <summary>
/// Tries a filter with a sample: starts the shim in its mode <c>filter</c>, which runs the code of guards and ends. A filter server is asked
/// from here before, because only the cluster can.
/// </summary>
internal sealed class FilterTrials(ServerFilters filters, FilterServers servers, InstanceLauncher launcher, IEncryption encryption, IOptions<HostingOptions> options, TimeProvider time)
{
    private const string SampleTool = "echo";
    private const string SampleCall = """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"a sample"}}}""";
    private const string SampleAnswer = """{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"a sample"}]}}""";
    private static readonly TimeSpan Extra = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    public async Task<FilterTestResult> RunAsync(Principal caller, FilterRow row, FilterTest request, CancellationToken cancellationToken)
    {
        var isResponse = request.Side switch
        {
            null => !row.OnRequest,
            FilterSides.Request => false,
            FilterSides.Response => true,
            _ => throw new InvalidInputException("side", "Must be 'request' or 'response'."),
        };
        var message = request.Message ?? JsonElement.Parse(Encoding.UTF8.GetBytes(isResponse ? SampleAnswer : SampleCall));
        if (message.ValueKind is not JsonValueKind.Object || !message.TryGetProperty("jsonrpc", out _))
        {
            throw new InvalidInputException("message", "Must be a JSON-RPC message, e.g. {\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"tools/call\", \"params\": {\"name\": \"echo\"}}.");
        }

        var trial = new FilterTrial
        {
            Filter = FilterMapping.Resolve(row, encryption).Contract(),
            Message = message,
            IsResponse = isResponse,
            Method = request.Method ?? "tools/call",
            Identifier = request.Identifier ?? SampleTool,
            ServerId = request.McpServerID ?? "",
            UserId = caller.UserId,
        };
        var begun = time.GetTimestamp();
        var result = await RunAsync(row.ServerId is null ? trial : await AskAsync(row, trial, cancellationToken), cancellationToken);
        return new()
        {
            Matches = result.Matches,
            Outcome = result.Run?.Outcome,
            Detail = result.Run?.Detail,
            Message = result.Message,
            DurationMs = row.ServerId is null ? result.Milliseconds : time.GetElapsedTime(begun).TotalMilliseconds,
        };
    }

    /// <summary>With the server's answer in it, or what kept it from answering as a filter that cannot be asked.</summary>
    private async Task<FilterTrial> AskAsync(FilterRow row, FilterTrial trial, CancellationToken cancellationToken)
    {
        var server = await filters.ServerOfAsync(row.Id, row.ServerId!, row.ToolName!, cancellationToken)
            ?? throw new ServerUnavailableException($"The filter's MCP server '{row.ServerId}' is gone.");
        var route = await launcher.StartAsync(server.Instance, StartLimit, cancellationToken);
        if (route is not { Status: DeploymentStatus.Running, GuardUrl: { } guardUrl })
        {
            throw new ServerUnavailableException($"The filter's MCP server does not run: {route.Reason}");
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(row.TimeoutSeconds));
        try
        {
            var answer = await servers.Ask(server, guardUrl, Encoding.UTF8.GetBytes(trial.Message.GetRawText()), limit.Token);
            return trial with { Answer = JsonSerializer.Deserialize(answer.Json, ShimJson.Default.FilterAnswer) };
        }
        catch (JsonException)
        {
            throw new ServerUnavailableException("The filter's tool did not answer with a decision: {\"accept\", \"mutated\", \"message\", \"reason\"}.");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ServerUnavailableException($"The filter's tool did not answer within {row.TimeoutSeconds} s.");
        }
    }

    private async Task<FilterTrialResult> RunAsync(FilterTrial trial, CancellationToken cancellationToken)
    {
        var shim = options.Value.ShimPath ?? Path.Combine(AppContext.BaseDirectory, "Obot.Shim");
        if (!File.Exists(shim))
        {
            throw new ServerUnavailableException($"The shim was not found at '{shim}' on this silo: set Obot:Hosting:ShimPath.");
        }

        List<string> command = shim.EndsWith(".dll", StringComparison.Ordinal) ? ["dotnet", shim, "filter"] : [shim, "filter"];
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false };
        using var process = Process.Start(start) ?? throw new ServerUnavailableException("The shim could not be started.");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromMilliseconds(trial.Filter.TimeoutMilliseconds) + Extra);
        try
        {
            await process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(trial, ShimJson.Default.FilterTrial).AsMemory(), limit.Token);
            await process.StandardInput.FlushAsync(limit.Token);
            var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            return JsonSerializer.Deserialize(output, ShimJson.Default.FilterTrialResult) ?? throw new ServerUnavailableException("The shim gave no result.");
        }
        catch (Exception e) when (e is JsonException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new ServerUnavailableException($"The trial did not come to an end: {e.Message}");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }
}
