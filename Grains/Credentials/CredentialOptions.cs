namespace Obot.Grains.Credentials;

/// <summary>Section <c>Obot:Credentials</c>: users' accounts at third parties.</summary>
public sealed class CredentialOptions
{
    /// <summary>
    /// Our own client id metadata document as third parties read it. Default: <c>{PublicUrl}/oauth/client-metadata.json</c> where that is https;
    /// empty switches it off, and we register dynamically.
    /// </summary>
    public string? ClientMetadataUrl { get; set; }

    /// <summary>How long a sign-in at a third party may take. Default 15 minutes.</summary>
    public TimeSpan SignInLifetime { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>From sending a refresh token to its answer; an attempt of a silo that died counts as lost after that. Default 10 s, at most 25 s.</summary>
    public TimeSpan RefreshTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>A token is renewed when this much of its life is left, at most 5 minutes, earlier by a random tenth. Default 0.2.</summary>
    public double RefreshAhead { get; set; } = 0.2;

    /// <summary>How often a user is asked to grant more for one server before its denial is final. Default 3.</summary>
    public int MaxStepUps { get; set; } = 3;
}
