using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.IdentityProviders;
using Obot.Grains.IdentityProviders;

namespace Obot.Grains.Tests.IdentityProviders;

public sealed class AuthProviderRulesTests
{
    private static readonly Uri Http = new("http://127.0.0.1:8080");
    private static readonly Uri Https = new("https://obot.example.com");

    [Theory]
    [InlineData("keycloak", "https://kc.example.com/realms/main", "url", "https://kc.example.com/", "realm", "main")]
    [InlineData("auth0", "https://x.eu.auth0.com/", "domain", "x.eu.auth0.com")]
    [InlineData("okta", "https://x.okta.com/oauth2/default", "domain", "x.okta.com")]
    [InlineData("entra", "https://login.microsoftonline.com/t-1/v2.0", "tenant", "t-1")]
    [InlineData("google", "https://accounts.google.com")]
    [InlineData("github", "https://github.com")]
    [InlineData("github", "https://ghe.example.com", "url", "https://ghe.example.com")]
    [InlineData("oidc", "https://idp.example.com", "issuer", "https://idp.example.com")]
    public void Preset_MakesTheAuthority(string preset, string authority, params string[] values) =>
        Assert.Equal(authority, Complete(preset, values.Chunk(2).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal)).Authority);

    [Fact]
    public void Preset_WithoutARequiredField_NamesIt() =>
        Assert.Equal("settings.presetValues.realm", Assert.Throws<InvalidInputException>(() => Complete("keycloak", new() { ["url"] = "https://kc" })).Field);

    [Theory]
    [InlineData("http://idp.example.com")]
    [InlineData("ftp://127.0.0.1")]
    [InlineData("https://user@idp.example.com")]
    [InlineData("https://idp.example.com/?a=b")]
    [InlineData("nothing")]
    public void Authority_ThatIsNotSafe_IsRefused(string issuer) =>
        Assert.Equal("settings.authority", Assert.Throws<InvalidInputException>(() => Complete("oidc", new() { ["issuer"] = issuer })).Field);

    [Theory]
    [InlineData("Upper")]
    [InlineData("a/b")]
    [InlineData("")]
    [InlineData("1a")]
    public void Id_ThatIsNoPathSegment_IsRefused(string id) =>
        Assert.Equal("id", Assert.Throws<InvalidInputException>(() => AuthProviderRules.Complete(Draft("google") with { Id = id }, null, Http)).Field);

    [Fact]
    public void FormPost_OverPlainHttp_IsRefused()
    {
        var draft = Draft("google");
        draft = draft with { Settings = draft.Settings with { ResponseMode = "form_post" } };
        Assert.Equal("settings.responseMode", Assert.Throws<InvalidInputException>(() => AuthProviderRules.Complete(draft, null, Http)).Field);
        Assert.Equal("form_post", AuthProviderRules.Complete(draft, null, Https).Settings.ResponseMode);
    }

    [Theory]
    [InlineData("a@corp.example", true, null)]
    [InlineData("a@CORP.example", true, null)]
    [InlineData("a@corp.example", false, SignInRefusal.EmailNotVerified)]
    [InlineData("a@evil.example", true, SignInRefusal.DomainNotAllowed)]
    [InlineData("a@sub.corp.example", true, SignInRefusal.DomainNotAllowed)]
    [InlineData("a@corp.example@evil.example", true, SignInRefusal.DomainNotAllowed)]
    [InlineData("a@evilcorp.example", true, SignInRefusal.DomainNotAllowed)]
    [InlineData(null, true, SignInRefusal.NoEmail)]
    public void Domain_Restricted_LetsOnlyItsOwnIn(string? email, bool verified, SignInRefusal? expected) =>
        Assert.Equal(expected, EmailRule.Refusal(new() { AllowedEmailDomains = ["corp.example"] }, new("1", "n", email, verified, [])));

    private static AuthProviderDraft Draft(string preset) => new() { Id = "company", Settings = new() { Preset = preset, ClientId = "c" } };

    private static AuthProvider Complete(string preset, Dictionary<string, string> values)
    {
        var draft = Draft(preset);
        return AuthProviderRules.Complete(draft with { Settings = draft.Settings with { PresetValues = values } }, null, Http);
    }
}
