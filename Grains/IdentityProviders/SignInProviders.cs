using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.IdentityProviders;

namespace Obot.Grains.IdentityProviders;

/// <inheritdoc cref="ISignInProviders"/>
internal sealed class SignInProviders(
    IDbContextFactory<ObotDb> databases, ConfiguredProviders configured, StoredAuthProviders stored, IGrainFactory grains) : ISignInProviders
{
    public async Task<IReadOnlyList<SignInChoice>> List(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await db.AuthProviders.AsNoTracking().Where(row => row.Enabled).OrderBy(row => row.CreatedAt).ThenBy(row => row.Id)
            .Select(row => new { row.Id, row.Name, row.Kind }).ToListAsync(cancellationToken);
        return
        [
            .. configured.All.Where(provider => provider.Enabled).Select(provider => new SignInChoice(provider.Id, provider.Name, provider.Settings.Preset ?? "")),
            .. rows.Where(row => configured.Find(row.Id) is null).Select(row => new SignInChoice(row.Id, row.Name, row.Kind)),
        ];
    }

    public async Task<AuthProvider?> Find(string id, CancellationToken cancellationToken) =>
        (configured.Find(id) ?? await stored.StoredAsync(id, cancellationToken)) is { Enabled: true } provider ? provider : null;

    public async Task<(AuthProvider Draft, string UserId)?> FindTest(string testId, CancellationToken cancellationToken) =>
        IsTestId(testId) && await Grain(testId).Find() is { } test ? (test.Draft.Provider, test.UserId) : null;

    public Task SaveTest(string testId, SignInTrial trial, CancellationToken cancellationToken) => Grain(testId).Save(trial);

    public async Task<SignInTrial?> FindTrial(Principal caller, string testId, CancellationToken cancellationToken) =>
        IsTestId(testId) && await Grain(testId).Find() is { } test && test.UserId == caller.UserId ? test.Trial : null;

    private static bool IsTestId(string id) => id.Length == 23 && id.All(char.IsAsciiLetterOrDigit);

    private ISignInTestGrain Grain(string testId) => grains.GetGrain<ISignInTestGrain>(testId);
}
