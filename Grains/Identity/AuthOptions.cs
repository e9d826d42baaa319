namespace Obot.Grains.Identity;

/// <summary>Section <c>Obot:Auth</c>.</summary>
public sealed class AuthOptions
{
    /// <summary>
    /// A bearer with the owner's rights for <c>/api</c> and <c>/mcp-connect</c>. Default: generated into the data folder at first start.
    /// At least 16 characters.
    /// </summary>
    public string? BootstrapToken { get; set; }

    /// <summary>Set by the host: the token lies in the data folder, and ends once an owner has signed in.</summary>
    public bool BootstrapTokenIsGenerated { get; set; }

    /// <summary>E-mail addresses whose users are owners, and stay owners. Default: none.</summary>
    public IList<string> OwnerEmails { get; } = [];

    /// <summary>E-mail addresses whose users are administrators at least. Default: none.</summary>
    public IList<string> AdminEmails { get; } = [];

    /// <summary>Whether people may sign in with a user name and password of ours. Default true.</summary>
    public bool LocalAccounts { get; set; } = true;

    /// <summary>Whether configuration sets the token, which keeps it on.</summary>
    public bool BootstrapIsForced => BootstrapToken is { Length: > 0 } && !BootstrapTokenIsGenerated;
}
