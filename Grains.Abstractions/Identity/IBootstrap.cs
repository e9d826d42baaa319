namespace Obot.Grains.Abstractions.Identity;

/// <summary>Port: the way in while there is no other. Ends for good once an owner has signed in as a person.</summary>
public interface IBootstrap
{
    Task<BootstrapState> State(CancellationToken cancellationToken);

    /// <summary>Ends it if it is due; every silo refuses it within a second. Harmless to call at any time.</summary>
    Task EndIfDue(CancellationToken cancellationToken);
}

public enum BootstrapState
{
    /// <summary>Token and one-time link sign in as owner.</summary>
    Open,

    /// <summary>The environment sets the token: it stays on.</summary>
    Forced,

    /// <summary>The generated token is refused, and so is whatever was signed in or made with it.</summary>
    Ended,
}
