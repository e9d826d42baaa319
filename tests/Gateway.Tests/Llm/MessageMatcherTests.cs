using Obot.Gateway.Llm.Messages;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Tests.Llm;

public sealed class MessageMatcherTests
{
    [Theory]
    [InlineData(MessagePolicyKinds.Secrets, "key AKIAIOSFODNN7EXAMPLE", true)]
    [InlineData(MessagePolicyKinds.Secrets, "-----BEGIN RSA PRIVATE KEY-----", true)]
    [InlineData(MessagePolicyKinds.Secrets, "ghp_abcdefghijklmnopqrstuvwxyz0123456789", true)]
    [InlineData(MessagePolicyKinds.Secrets, "the word sk-short and a task-force", false)]
    [InlineData(MessagePolicyKinds.Pii, "mail bob@example.com", true)]
    [InlineData(MessagePolicyKinds.Pii, "card 4111-1111-1111-1111", true)]
    [InlineData(MessagePolicyKinds.Pii, "number 4111-1111-1111-1112", false)]
    [InlineData(MessagePolicyKinds.Pii, "IBAN DE89 3704 0044 0532 0130 00", true)]
    [InlineData(MessagePolicyKinds.Pii, "IBAN DE88 3704 0044 0532 0130 00", false)]
    [InlineData(MessagePolicyKinds.Pii, "SSN 078-05-1120", true)]
    [InlineData(MessagePolicyKinds.Pii, "version 10.0.15 of 2026-11-27", false)]
    public void Matcher_FindsWhatItIsFor(string kind, string text, bool found) => Assert.Equal(found, new MessageMatcher().Find(Policy(kind), ["fine", text]) is not null);

    [Fact]
    public void Attack_OfALongTextOnAPattern_IsLinear() =>
        Assert.Null(new MessageMatcher().Find(Policy(MessagePolicyKinds.Regex, "(a+)+$"), [new string('a', 200_000) + "!"]));

    private static MessagePolicyView Policy(string kind, params string[] patterns) => new()
    {
        Id = "x", DisplayName = "x", Kind = kind, Patterns = patterns, AppliesTo = MessagePlaces.All, Enabled = true, Revision = 1, CreatedAt = default, UpdatedAt = default,
    };
}
