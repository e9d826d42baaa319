using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Obot.Gateway.Authentication;
using Obot.Gateway.Llm;
using Obot.Gateway.Llm.Answers;
using Obot.Gateway.Llm.Requests;
using Obot.Gateway.Llm.Upstream;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Tests.Llm;

public sealed class AnswerCacheTests
{
    private const string Plain = """{"model":"m","temperature":0}""";
    private static readonly LlmProvider Provider = new() { Id = "p", Kind = "openai", BaseUrl = "http://x", Settings = new(), Credentials = new Dictionary<string, string>(StringComparer.Ordinal), Revision = 1 };

    [Theory]
    [InlineData(Plain, "ann", true)]
    [InlineData(Plain, "bob", false)]
    [InlineData("""{"model":"m","temperature":0 }""", "ann", false)]
    public async Task Answer_IsServedAgain_ToTheSameUserForTheSameBytes(string body, string user, bool found)
    {
        using var cache = new AnswerCache(Options.Create(new LlmOptions { CacheFor = TimeSpan.FromMinutes(1) }));
        var first = Call(Plain, "ann");
        Assert.Null(cache.Find(first));
        await AnswerAsync(first, cache);
        Assert.Equal(found, cache.Find(Call(body, user)) is not null);
    }

    [Theory]
    [InlineData("""{"model":"m"}""")]
    [InlineData("""{"model":"m","temperature":1}""")]
    [InlineData("""{"model":"m","temperature":0,"stream":true}""")]
    [InlineData("""{"model":"m","temperature":0,"tools":[]}""")]
    public void Answer_ThatMayDifferNextTime_IsNotKept(string body)
    {
        using var cache = new AnswerCache(Options.Create(new LlmOptions { CacheFor = TimeSpan.FromMinutes(1) }));
        Assert.Null(cache.NewCopy(Call(body, "ann")));
    }

    [Fact]
    public void Cache_IsOffByDefault()
    {
        using var cache = new AnswerCache(Options.Create(new LlmOptions()));
        Assert.Null(cache.NewCopy(Call(Plain, "ann")));
    }

    private static async Task AnswerAsync(LlmCall call, AnswerCache cache)
    {
        call.Copy = cache.NewCopy(call);
        call.Answer = new(new MemoryStream("{}"u8.ToArray()), new WholeObserver(call.Usage), Provider, sample: null, startedAt: 0, TimeProvider.System, CancellationToken.None) { Copy = call.Copy };
        while (await call.Answer.ReadAsync(new byte[16]) > 0)
        {
        }

        call.Succeeded = true;
        cache.Keep(call);
    }

    private static LlmCall Call(string body, string user)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        return new(new DefaultHttpContext(), new(LlmDialect.OpenAi, LlmOperation.Chat, null), new Verdict(new(user, Role.Basic, "k", [Scopes.Llm]), DateTimeOffset.MaxValue, new UserLoad()), Guid.CreateVersion7(), 0) { Body = bytes, Scan = RequestScan.Of(bytes) };
    }
}
