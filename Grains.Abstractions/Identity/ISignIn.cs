namespace Obot.Grains.Abstractions.Identity;

/// <summary>Port: turns what a person presents into a principal.</summary>
public interface ISignIn
{
    /// <summary>The bootstrap token, or an API key with scope <c>api</c>; null when it is neither.</summary>
    Task<Principal?> WithToken(string token, CancellationToken cancellationToken);

    /// <summary>A one-time code; good once, on any silo.</summary>
    Task<Principal?> WithCode(string code, CancellationToken cancellationToken);

    /// <summary>Makes a one-time code for a user, good for ten minutes.</summary>
    Task<string> IssueCode(string userId, CancellationToken cancellationToken);

    /// <summary>Why a token that is ours was refused, for a person; null when it is not ours.</summary>
    string? WhyRefused(string token);
}
