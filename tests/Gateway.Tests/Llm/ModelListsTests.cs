using System.Text.Json;
using Microsoft.AspNetCore.Http;
using NSubstitute;
using Obot.Gateway.Llm;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Tests.Llm;

public sealed class ModelListsTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task List_SaysWhatTheCallerMayUse_AndWhatFor(bool anthropic)
    {
        var caller = new Principal("ann", Role.Basic, "chat:ann", [Scopes.Llm]);
        var directory = Substitute.For<ILlmDirectory>();
        IReadOnlyList<LlmListing> visible = [new("llm", "obot", ModelUsages.Chat, DateTimeOffset.UnixEpoch), new("embed", "p", ModelUsages.Embedding, DateTimeOffset.UnixEpoch)];
        directory.Visible(caller, Arg.Any<CancellationToken>()).Returns(visible);
        var context = new DefaultHttpContext();
        using var body = new MemoryStream();
        context.Response.Body = body;

        await new ModelLists(directory).WriteAsync(context, new(anthropic ? LlmDialect.Anthropic : LlmDialect.OpenAi, LlmOperation.ListModels, null), caller);
        await context.Response.BodyWriter.FlushAsync();

        using var json = JsonDocument.Parse(body.ToArray());
        Assert.Equal("llm=llm embed=text-embedding", string.Join(' ', json.RootElement.GetProperty("data").EnumerateArray().Select(one => $"{one.GetProperty("id")}={one.GetProperty("usage")}")));
    }
}
