using System.IO.Pipelines;
using Microsoft.Extensions.Time.Testing;
using Obot.Gateway.Llm.Answers;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Tests.Llm;

public sealed class AnswerLimitsTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly Pipe _upstream = new();

    [Fact]
    public async Task Answer_ThatNeverFallsSilent_EndsAtItsTotalLimit()
    {
        await using var answer = Answer(new() { TotalSeconds = 1, BetweenTokensSeconds = 60 });
        await TokenAfterAsync(answer, TimeSpan.FromSeconds(0.4));
        await TokenAfterAsync(answer, TimeSpan.FromSeconds(0.4));
        await EndsAfterAsync(answer, TimeSpan.FromSeconds(0.2));
    }

    [Fact]
    public async Task Answer_ThatFallsSilent_EndsAfterTheLimitBetweenTokens_CountedAnewWithEach()
    {
        await using var answer = Answer(new() { TotalSeconds = 60, BetweenTokensSeconds = 1 });
        await TokenAfterAsync(answer, TimeSpan.FromSeconds(0.9));
        await TokenAfterAsync(answer, TimeSpan.FromSeconds(0.9));
        await EndsAfterAsync(answer, TimeSpan.FromSeconds(1));
    }

    private AnswerStream Answer(ModelProviderSettings settings) => new(
        _upstream.Reader.AsStream(),
        new WholeObserver(new()),
        new() { Id = "p", Kind = "openai", BaseUrl = "http://x", Settings = settings, Credentials = new Dictionary<string, string>(StringComparer.Ordinal), Revision = 1 },
        sample: null,
        _time.GetTimestamp(),
        _time,
        CancellationToken.None);

    private async Task TokenAfterAsync(AnswerStream answer, TimeSpan wait)
    {
        var reading = answer.ReadAsync(new byte[16]).AsTask();
        _time.Advance(wait);
        Assert.False(reading.IsCompleted);
        await _upstream.Writer.WriteAsync("x"u8.ToArray());
        Assert.Equal(1, await reading);
    }

    private async Task EndsAfterAsync(AnswerStream answer, TimeSpan wait)
    {
        var reading = answer.ReadAsync(new byte[16]).AsTask();
        _time.Advance(wait / 2);
        Assert.False(reading.IsCompleted);
        _time.Advance(wait / 2);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.Equal(AnswerEnd.TimedOut, answer.End);
    }
}
