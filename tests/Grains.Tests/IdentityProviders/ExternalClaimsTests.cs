using System.Text.Json.Nodes;
using Obot.Grains.Abstractions.IdentityProviders;

namespace Obot.Grains.Tests.IdentityProviders;

public sealed class ExternalClaimsTests
{
    [Theory]
    [InlineData("""{"groups": ["a", "b", "a", 3, null]}""", "groups", "a,b,3")]
    [InlineData("""{"groups": "a b,c"}""", "groups", "a,b,c")]
    [InlineData("""{"groups": "one"}""", "groups", "one")]
    [InlineData("""{"realm_access": {"roles": ["x"]}}""", "realm_access.roles", "x")]
    [InlineData("""{"https://obot/groups": ["y"]}""", "https://obot/groups", "y")]
    [InlineData("""{"a.b": ["flat"], "a": {"b": ["deep"]}}""", "a.b", "flat")]
    [InlineData("""{"groups": {"no": "list"}}""", "groups", "")]
    [InlineData("""{"groups": [["nested"], {"o": 1}, "ok", "", " "]}""", "groups", "ok")]
    [InlineData("{}", "groups", "")]
    public void Groups_OfAnyShape_AreRead(string claims, string path, string expected) =>
        Assert.Equal(expected, string.Join(',', ExternalClaims.Groups(JsonNode.Parse(claims)!.AsObject(), path)));

    [Fact]
    public void Groups_Endless_AreCut() =>
        Assert.Equal(ExternalClaims.MostGroups, ExternalClaims.Groups(new() { ["groups"] = new JsonArray([.. Enumerable.Range(0, 2000).Select(i => (JsonNode)$"g{i}")]) }, "groups").Count);

    [Theory]
    [InlineData("""{"sub": "1", "email": "a@b.c", "email_verified": true}""", false, true)]
    [InlineData("""{"sub": "1", "email": "a@b.c", "email_verified": "true"}""", false, true)]
    [InlineData("""{"sub": "1", "email": "a@b.c", "email_verified": false}""", true, false)]
    [InlineData("""{"sub": "1", "email": "a@b.c", "email_verified": "false"}""", false, false)]
    [InlineData("""{"sub": "1", "email": "a@b.c"}""", false, false)]
    [InlineData("""{"sub": "1", "email": "a@b.c"}""", true, true)]
    [InlineData("""{"sub": "1", "email_verified": true}""", true, false)]
    public void Email_IsVerifiedOnlyWhenSomebodyVouches(string claims, bool trust, bool verified) =>
        Assert.Equal(verified, ExternalClaims.Read(JsonNode.Parse(claims)!.AsObject(), new() { TrustEmail = trust })!.EmailVerified);

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"sub": ""}""")]
    [InlineData("""{"sub": ["x"]}""")]
    public void Identity_WithoutSubject_IsNone(string claims) => Assert.Null(ExternalClaims.Read(JsonNode.Parse(claims)!.AsObject(), new()));
}
