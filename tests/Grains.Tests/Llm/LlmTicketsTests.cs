using Microsoft.Extensions.Time.Testing;
using NSubstitute;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;
using Obot.Grains.Llm;

namespace Obot.Grains.Tests.Llm;

public sealed class LlmTicketsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Ticket_IsGoodForItsUserUntilItExpires_AndCannotBeChanged()
    {
        var (tickets, others) = (Tickets(1), Tickets(2));
        var ticket = tickets.Issue("ann", "chat");
        Assert.Equal(new LlmTicket("ann", "chat:ann"), tickets.Read(ticket));
        Assert.Null(others.Read(ticket));
        Assert.Null(tickets.Read(ticket[..^2] + (ticket[^2] == 'A' ? "BA" : "AA")));
        Assert.Null(tickets.Read(tickets.Issue("bob", "chat").Split('.')[1] is var body ? $"obotllm.{body}.{ticket.Split('.')[2]}" : ""));
        Assert.Null(tickets.Read("obotllm."));
        _time.Advance(ILlmTickets.Lifetime + TimeSpan.FromSeconds(1));
        Assert.Null(tickets.Read(ticket));
    }

    private LlmTickets Tickets(byte key)
    {
        var issuer = Substitute.For<IAssertionIssuer>();
        issuer.DeriveKey(Arg.Any<string>(), Arg.Any<string>()).Returns([.. Enumerable.Repeat(key, 32)]);
        return new(issuer, _time);
    }
}
