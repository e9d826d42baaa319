using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Obot.Data;

namespace Obot.Grains.Identity;

/// <summary>Codes that are good once, on any silo, for one purpose: the purpose is part of what is hashed.</summary>
internal sealed class OneTimeCodes(IDbContextFactory<ObotDb> databases, TimeProvider time)
{
    public const string SignIn = "";
    public const string SetPassword = "set-password:";

    public async Task<string> Issue(string purpose, string userId, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var code = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(24));
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var now = time.GetUtcNow();
        await db.Database.ExecuteSqlAsync(
            $"""
            DELETE FROM sign_in_codes WHERE expires_at <= {now};
            INSERT INTO sign_in_codes (hash, user_id, expires_at) VALUES ({Hash(purpose, code)}, {userId}, {now + lifetime});
            """,
            cancellationToken);
        return code;
    }

    /// <summary>Whom a code is for, without spending it; null when it is not good.</summary>
    public async Task<string?> Peek(string purpose, string code, CancellationToken cancellationToken)
    {
        var hash = Hash(purpose, code);
        var now = time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.SignInCodes.Where(row => row.Hash == hash && row.ExpiresAt > now).Select(row => row.UserId).SingleOrDefaultAsync(cancellationToken);
    }

    /// <summary>Whom the code was for; null when it is not, or no longer, good.</summary>
    public async Task<string?> Spend(string purpose, string code, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var user = await db.Database
            .SqlQuery<string>($"DELETE FROM sign_in_codes WHERE hash = {Hash(purpose, code)} AND expires_at > {now} RETURNING user_id AS \"Value\"")
            .ToListAsync(cancellationToken);
        return user is [var only] ? only : null;
    }

    private static byte[] Hash(string purpose, string code) => SHA256.HashData(Encoding.UTF8.GetBytes(purpose + code));
}
