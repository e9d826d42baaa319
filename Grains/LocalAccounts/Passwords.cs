using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions;

namespace Obot.Grains.LocalAccounts;

/// <summary>PBKDF2-HMAC-SHA512 by ASP.NET Core's hasher, off the request threads and a few at a time: hashing is slow on purpose.</summary>
internal sealed class Passwords : IDisposable
{
    /// <summary>OWASP's figure for this function.</summary>
    public const int Iterations = 220_000;
    public const int Shortest = 12;
    public const int Longest = 200;

    private static readonly object Nobody = new();
    private readonly PasswordHasher<object> hasher = new(Options.Create(new PasswordHasherOptions { IterationCount = Iterations }));
    private readonly SemaphoreSlim room = new(Math.Max(1, Environment.ProcessorCount));
    private readonly Lazy<string> dummy;

    public Passwords() => dummy = new(() => hasher.HashPassword(Nobody, Guid.NewGuid().ToString()));

    /// <exception cref="InvalidInputException">Too short, too long, or the user name itself.</exception>
    public static void Check(string password, string userName, string field)
    {
        if (password.Length is < Shortest or > Longest)
        {
            throw new InvalidInputException(field, $"A password has {Shortest} to {Longest} characters; a few words that belong together only for you are easy to remember.");
        }

        if (password.Contains(userName, StringComparison.OrdinalIgnoreCase) || password.Distinct().Count() < 5)
        {
            throw new InvalidInputException(field, "A password must not contain the user name, and not consist of a few repeated characters.");
        }
    }

    public Task<string> Hash(string password, CancellationToken cancellationToken) => Run(() => hasher.HashPassword(Nobody, password), cancellationToken);

    /// <param name="hash">Null or empty for an account that does not exist or has no password: costs the same, and is never right.</param>
    /// <returns>Whether it is right, and whether it should be hashed anew.</returns>
    public async Task<(bool Right, bool Outdated)> Verify(string? hash, string password, CancellationToken cancellationToken)
    {
        var exists = hash is { Length: > 0 };
        var result = await Run(() => hasher.VerifyHashedPassword(Nobody, exists ? hash! : dummy.Value, password), cancellationToken);
        return (exists && result is not PasswordVerificationResult.Failed, exists && result is PasswordVerificationResult.SuccessRehashNeeded);
    }

    public void Dispose() => room.Dispose();

    private async Task<T> Run<T>(Func<T> work, CancellationToken cancellationToken)
    {
        await room.WaitAsync(cancellationToken);
        try
        {
            return await Task.Run(work, cancellationToken);
        }
        finally
        {
            room.Release();
        }
    }
}
