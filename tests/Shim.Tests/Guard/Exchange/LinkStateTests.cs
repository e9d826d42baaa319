using Microsoft.Extensions.Time.Testing;
using Obot.Shim.Guard.Exchange.Links;

namespace Obot.Shim.Tests.Guard.Exchange;

public sealed class LinkStateTests
{
    private readonly FakeTimeProvider time = new(TimeProvider.System.GetUtcNow());

    [Fact]
    public void State_ComesBack_ForItsPrincipalUntilItsEnd()
    {
        var state = new LinkState("ms1abc", time);
        var wait = new LinkWait(time.GetUtcNow().AddMinutes(10), Accepted: true, LinkState.HashOf("token"));
        var text = state.Write(wait, "ann");
        var read = state.Read(text, "ann");
        Assert.Equal((wait.Until.ToUnixTimeMilliseconds(), true, wait.Denied), (read!.Until.ToUnixTimeMilliseconds(), read.Accepted, read.Denied));
        time.Advance(TimeSpan.FromMinutes(11));
        Assert.Null(state.Read(text, "ann"));
    }

    [Fact]
    public void Attack_WithAStateOfSomebodyElse_OpensNothing()
    {
        var state = new LinkState("ms1abc", time);
        var text = state.Write(new(time.GetUtcNow().AddMinutes(10), Accepted: false, 0), "ann");
        Assert.Null(state.Read(text, "bob"));
        Assert.Null(new LinkState("ms1abc", time).Read(text, "ann"));
        for (var i = LinkState.Mark.Length; i < text.Length - 1; i++)
        {
            Assert.Null(state.Read($"{text[..i]}{(text[i] == 'A' ? 'B' : 'A')}{text[(i + 1)..]}", "ann"));
        }

        Assert.Null(state.Read(LinkState.Mark, "ann"));
        Assert.Null(state.Read(LinkState.Mark + "no base64!", "ann"));
    }
}
