using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Obot.Gateway.Authentication;
using Obot.Gateway.Llm;
using Obot.Gateway.Llm.Upstream;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;
using Yarp.ReverseProxy.Forwarder;

namespace Obot.Gateway.Tests.Llm;

public sealed class CircuitsTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly Upstream _upstream = new() { Error = ForwarderError.Request };
    private readonly LlmForwarder _forwarder;
    private readonly Circuits _circuits;
    private readonly LlmProvider _provider = Provider("p");

    public CircuitsTests() => (_forwarder, _circuits) = (new(_upstream), new(_time));

    [Fact]
    public async Task Provider_ThatFailsTenTimes_IsLeftAlone_AndOthersAreNot()
    {
        await OpenAsync();
        var refused = await SendAsync(_provider);
        Assert.Equal((10, "provider_circuit_open"), (_upstream.Calls, refused.Fault?.Code));
        Assert.InRange(refused.Fault!.RetryAfter!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        await SendAsync(Provider("other"));
        Assert.Equal(11, _upstream.Calls);
    }

    [Theory]
    [InlineData(ForwarderError.None, 3)]
    [InlineData(ForwarderError.Request, 1)]
    public async Task Circuit_AfterTenSeconds_LetsOneCallTry_AndItsOutcomeDecides(ForwarderError trial, int callsOfThree)
    {
        await OpenAsync();
        _time.Advance(TimeSpan.FromSeconds(11));
        _upstream.Error = trial;
        for (var i = 0; i < 3; i++)
        {
            await SendAsync(_provider);
        }

        Assert.Equal(10 + callsOfThree, _upstream.Calls);
    }

    [Fact]
    public async Task Provider_ThatWasChanged_BeginsAnew()
    {
        await OpenAsync();
        await SendAsync(Provider("p"));
        Assert.Equal(11, _upstream.Calls);
    }

    public void Dispose() => _forwarder.Dispose();

    private async Task OpenAsync()
    {
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal("provider_unreachable", (await SendAsync(_provider)).Fault?.Code);
        }
    }

    private async Task<Attempt> SendAsync(LlmProvider provider)
    {
        using var firstToken = new CancellationTokenSource();
        var call = new LlmCall(new DefaultHttpContext(), new(LlmDialect.OpenAi, LlmOperation.Chat, null), new Verdict(new("ann", Role.Basic, "k", [Scopes.Llm]), DateTimeOffset.MaxValue, new UserLoad()), Guid.CreateVersion7(), 0);
        var attempt = new Attempt(call, new(provider, "m", "m", "m", ModelUsages.Chat, Prices: null), new("http://x/v1"), [], isLast: false, firstToken, _time) { Body = default, FilterFor = _ => throw new NotSupportedException() };
        await _circuits.SendAsync(attempt, _forwarder);
        return attempt;
    }

    private static LlmProvider Provider(string id) => new() { Id = id, Kind = "openai", BaseUrl = "http://x", Settings = new(), Credentials = new Dictionary<string, string>(StringComparer.Ordinal), Revision = 1 };

    private sealed class Upstream : IHttpForwarder
    {
        public int Calls { get; private set; }

        public ForwarderError Error { get; set; }

        public ValueTask<ForwarderError> SendAsync(HttpContext context, string destinationPrefix, HttpMessageInvoker httpClient, ForwarderRequestConfig requestConfig, HttpTransformer transformer) =>
            SendAsync(context, destinationPrefix, httpClient, requestConfig, transformer, CancellationToken.None);

        public ValueTask<ForwarderError> SendAsync(HttpContext context, string destinationPrefix, HttpMessageInvoker httpClient, ForwarderRequestConfig requestConfig, HttpTransformer transformer, CancellationToken cancellationToken)
        {
            Calls++;
            return new(Error);
        }
    }
}
