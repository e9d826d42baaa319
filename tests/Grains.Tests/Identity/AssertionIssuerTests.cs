using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using NSubstitute;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Identity;

namespace Obot.Grains.Tests.Identity;

[Collection(nameof(PostgresTests))]
public sealed class AssertionIssuerTests(Postgres postgres)
{
    [Fact]
    public async Task CredentialOfAGuard_ThatIsOld_IsRefused_AndItsSuccessorIsNot()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var keys = new ClusterKeys(postgres.Databases, postgres.Silo.Encryption, time);
        await keys.StartingAsync(default);
        var options = Options.Create(new SecurityOptions());
        var issuer = new AssertionIssuer(keys, Substitute.For<IServerAccess>(), options, time);
        var instance = McpInstanceId.Shared("ms1guarded");

        var first = issuer.IssueGuardCredential(instance, 3);
        Assert.Equal(new GuardIdentity(instance, 3), await issuer.VerifyGuardCredential(first, default));
        time.Advance(options.Value.RenewGuardCredentialEvery);
        var second = issuer.IssueGuardCredential(instance, 3);
        time.Advance(options.Value.GuardCredentialLifetime - options.Value.RenewGuardCredentialEvery + TimeSpan.FromSeconds(1));
        Assert.Null(await issuer.VerifyGuardCredential(first, default));
        Assert.Equal(new GuardIdentity(instance, 3), await issuer.VerifyGuardCredential(second, default));
    }
}
