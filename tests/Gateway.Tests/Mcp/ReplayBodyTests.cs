using Microsoft.AspNetCore.Http;
using Obot.Gateway.Mcp;

namespace Obot.Gateway.Tests.Mcp;

public sealed class ReplayBodyTests
{
    [Theory]
    [InlineData(0, true, true)]
    [InlineData(10, true, true)]
    [InlineData(10, false, true)]
    [InlineData(5000, false, true)]
    [InlineData(100_000, true, false)]
    [InlineData(100_000, false, false)]
    public async Task Body_IsSentWhole_AndAgainWhileItIsSmall(int length, bool announced, bool again)
    {
        var sent = new byte[length];
        Random.Shared.NextBytes(sent);
        var request = new DefaultHttpContext().Request;
        request.Body = new MemoryStream(sent);
        request.ContentLength = announced ? length : null;

        using var body = new ReplayBody(16 * 1024);
        await body.ReadAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(again, body.CanReplay);
        for (var time = 0; time < (again ? 2 : 1); time++)
        {
            body.Attach(request);
            using var arrived = new MemoryStream();
            await request.Body.CopyToAsync(arrived, TestContext.Current.CancellationToken);
            Assert.Equal(sent, arrived.ToArray());
        }
    }
}
