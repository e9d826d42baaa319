namespace Obot.Grains.Abstractions.Identity;

/// <summary>Port: checks what a person presents to open a session in the browser.</summary>
public interface ISignIn
{
    /// <summary>The bootstrap token, or an API key with scope <c>api</c>; null when it is not good.</summary>
    Task<Principal?> WithToken(string token, CancellationToken cancellationToken);

    /// <summary>The one-time code of the link printed at start; used up by the attempt. Null when it is not good (any more).</summary>
    Task<Principal?> WithCode(string code, CancellationToken cancellationToken);
}
