using Microsoft.Extensions.Time.Testing;
using NSubstitute;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Identity;

namespace Obot.Grains.Tests.Identity;

public sealed class PartTicketsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Ticket_IsGoodForItsUserUntilItExpires_AndCannotBeChanged()
    {
        var (tickets, others) = (Tickets(1), Tickets(2));
        var ticket = tickets.Issue("ann", "chat", Scopes.Llm);
        Assert.Equal(new PartTicket("ann", "chat:ann", Scopes.Llm), tickets.Read(ticket));
        Assert.Null(others.Read(ticket));
        Assert.Null(tickets.Read(ticket[..^2] + (ticket[^2] == 'A' ? "BA" : "AA")));
        Assert.Null(tickets.Read(tickets.Issue("bob", "chat", Scopes.Llm).Split('.')[1] is var body ? $"obotpart.{body}.{ticket.Split('.')[2]}" : ""));
        Assert.Null(tickets.Read("obotpart."));
        _time.Advance(IPartTickets.Lifetime + TimeSpan.FromSeconds(1));
        Assert.Null(tickets.Read(ticket));
    }

    private PartTickets Tickets(byte key)
    {
        var issuer = Substitute.For<IAssertionIssuer>();
        issuer.DeriveKey(Arg.Any<string>(), Arg.Any<string>()).Returns([.. Enumerable.Repeat(key, 32)]);
        return new(issuer, _time);
    }
}
