using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.IdentityProviders;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Identity;
using Obot.Grains.IdentityProviders;

namespace Obot.Grains.Tests.IdentityProviders;

[Collection(nameof(PostgresTests))]
public sealed class ExternalSignInTests : IDisposable
{
    private const string Token = "a-token-of-the-tests";
    private readonly Postgres _postgres;
    private readonly AuthOptions _options = new() { BootstrapToken = Token, BootstrapTokenIsGenerated = true };
    private readonly UserDirectory _users;
    private readonly Bootstrap _bootstrap;
    private readonly ExternalSignIn _signIn;
    private readonly SignIn _tokens;
    private readonly AuthProvider _provider = new($"p{Guid.NewGuid():N}", AuthProviderKind.Oidc, "P", true, new() { AllowedEmailDomains = null }, "");

    public ExternalSignInTests(Postgres postgres)
    {
        _postgres = postgres;
        _options.OwnerEmails.Add("Owner@example.com");
        _options.AdminEmails.Add("admin@example.com");
        var options = Options.Create(_options);
        var emails = new UserEmails(postgres.Silo.Encryption, NullLogger<UserEmails>.Instance);
        _users = new(postgres.Databases, options);
        _bootstrap = new(postgres.Databases, Substitute.For<ISecurityFeed>(), options, NullLogger<Bootstrap>.Instance);
        _signIn = new(postgres.Databases, _users, new StoredAuthSettings(postgres.Databases, TimeProvider.System), _bootstrap, emails, new PreassignedRoles(options, emails), TimeProvider.System);
        _tokens = new(options, Substitute.For<IApiKeys>(), _bootstrap, _users, new OneTimeCodes(postgres.Databases, TimeProvider.System));
    }

    [Fact]
    public async Task SignIn_FirstAndAgain_IsOneUserWithTheGroupsOfTheLastTime()
    {
        var first = await SignInAsync("s1", groups: ["a", "b"]);
        var again = await SignInAsync("s1", groups: ["b", "c"]);
        Assert.Equal(first.User!.UserId, again.User!.UserId);
        Assert.Equal(Role.Basic, again.User.Role);
        await using var db = await _postgres.Databases.CreateDbContextAsync();
        var names = await db.Groups.Where(group => again.User.Groups.Contains(group.Id)).Select(group => group.Name).ToListAsync();
        Assert.Equal(["b", "c"], names.Order(StringComparer.Ordinal));
        var empty = await SignInAsync("s1");
        Assert.Empty(empty.User!.Groups);
    }

    [Fact]
    public async Task SignIn_TwiceAtOnce_IsOneUser()
    {
        var both = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => SignInAsync("s2", groups: ["x"])));
        Assert.Single(both.Select(result => result.User!.UserId).Distinct(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("admin@example.com", true, Role.Admin)]
    [InlineData("ADMIN@example.com", true, Role.Admin)]
    [InlineData("admin@example.com", false, Role.Basic)]
    [InlineData("owner@example.com", false, Role.Basic)]
    public async Task Role_ByEmail_NeedsAVerifiedOne(string email, bool verified, Role expected) =>
        Assert.Equal(expected, (await SignInAsync($"{email}{verified}", email, verified)).User!.Role);

    [Fact]
    public async Task User_Disabled_IsRefused()
    {
        var user = (await SignInAsync("s3")).User!;
        await using var db = await _postgres.Databases.CreateDbContextAsync();
        await db.Users.Where(row => row.Id == user.UserId).ExecuteUpdateAsync(set => set.SetProperty(row => row.DisabledAt, DateTimeOffset.UnixEpoch));
        Assert.Equal(SignInRefusal.Disabled, (await SignInAsync("s3")).Refusal);
        Assert.Null(await _users.Find(user.UserId, CancellationToken.None));
    }

    [Fact]
    public async Task Judge_WritesNothing()
    {
        var verdict = await _signIn.Judge(_provider, new("s4", "N", "admin@example.com", true, ["z"]), CancellationToken.None);
        Assert.Equal(new ExternalVerdict(null, Role.Admin, IsNew: true), verdict);
        await using var db = await _postgres.Databases.CreateDbContextAsync();
        Assert.False(await db.UserIdentities.AnyAsync(row => row.ProviderId == _provider.Id));
    }

    [Fact]
    public async Task Bootstrap_EndsWithTheFirstOwner_AndConfigurationBringsItBack()
    {
        try
        {
            await SignInAsync("nobody special");
            Assert.Equal(BootstrapState.Open, await _bootstrap.State(CancellationToken.None));
            Assert.NotNull(await _tokens.WithToken(Token, CancellationToken.None));

            var owner = (await SignInAsync("the owner", "owner@example.com", verified: true)).User!;
            Assert.Equal(Role.Owner, owner.Role);
            Assert.Equal(BootstrapState.Ended, await _bootstrap.State(CancellationToken.None));
            Assert.Null(await _tokens.WithToken(Token, CancellationToken.None));
            Assert.Contains("has ended", _tokens.WhyRefused(Token), StringComparison.Ordinal);
            Assert.Null(_tokens.WhyRefused("another token"));
            Assert.Null(await _users.Find(WellKnownUsers.Bootstrap, CancellationToken.None));
            await using (var db = await _postgres.Databases.CreateDbContextAsync())
            {
                Assert.True(await db.SecurityEvents.AnyAsync(row => row.Kind == SecurityChangeKinds.User && row.Subject == WellKnownUsers.Bootstrap));
            }

            _options.BootstrapTokenIsGenerated = false;
            Assert.NotNull(await _tokens.WithToken(Token, CancellationToken.None));
            Assert.Equal(Role.Owner, (await _users.Find(WellKnownUsers.Bootstrap, CancellationToken.None))!.Role);
        }
        finally
        {
            // other tests of the collection sign in as the bootstrap user
            await using var db = await _postgres.Databases.CreateDbContextAsync();
            await db.Users.Where(row => row.Id == WellKnownUsers.Bootstrap).ExecuteUpdateAsync(set => set.SetProperty(row => row.DisabledAt, (DateTimeOffset?)null));
        }
    }

    public void Dispose() => _bootstrap.Dispose();

    private Task<ExternalSignInResult> SignInAsync(string subject, string? email = null, bool verified = false, string[]? groups = null) =>
        _signIn.SignIn(_provider, new(subject, subject, email, verified, groups ?? []), CancellationToken.None);
}
