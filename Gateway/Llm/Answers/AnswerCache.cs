using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;
using Obot.Gateway.Llm.Upstream;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Answers;

/// <summary>
/// Answers that would be the same again: temperature 0 (or embeddings), no tools, whole, complete. Kept for the user who got them, each silo by
/// itself; policies are asked before. Off unless <see cref="LlmOptions.CacheFor"/> says for how long.
/// </summary>
internal sealed class AnswerCache(IOptions<LlmOptions> options) : IDisposable
{
    public const string Header = "Obot-Cache";
    private const int MostBytes = 256 * 1024;
    private const long RoomBytes = 64 * 1024 * 1024;

    private readonly MemoryCache kept = new(new MemoryCacheOptions { SizeLimit = RoomBytes });

    /// <summary>What may be kept of an answer to this call; null when nothing may.</summary>
    public BodySample? NewCopy(LlmCall call) => IsMeant(call) ? new(MostBytes) : null;

    public byte[]? Find(LlmCall call) => IsMeant(call) && kept.TryGetValue(KeyOf(call), out byte[]? answer) ? answer : null;

    public void Keep(LlmCall call)
    {
        if (call is { Copy: { } copy, Answer.End: AnswerEnd.Complete, Succeeded: true, Error: null } && copy.Length is > 0 and <= MostBytes)
        {
            kept.Set(KeyOf(call), copy.Start.ToArray(), new MemoryCacheEntryOptions { AbsoluteExpirationRelativeToNow = options.Value.CacheFor, Size = copy.Length });
        }
    }

    public static async Task WriteAsync(LlmCall call, byte[] answer)
    {
        var response = call.Context.Response;
        response.ContentType = "application/json";
        response.ContentLength = answer.Length;
        response.Headers[Header] = "hit";
        call.Sample?.Add(answer);
        call.End();
        await response.Body.WriteAsync(answer, call.Context.RequestAborted);
    }

    public void Dispose() => kept.Dispose();

    private bool IsMeant(LlmCall call) => options.Value.CacheFor > TimeSpan.Zero
        && (call.Door.Operation is LlmOperation.Embeddings || (call.Door.Operation is not LlmOperation.CountTokens && call.Scan.Temperature == 0))
        && call.Scan is { HasTools: false, Stream: false };

    private static string KeyOf(LlmCall call)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{call.Verdict.Principal.UserId}\0{call.Door.Operation}\0"));
        hash.AppendData(call.Body.Span);
        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
