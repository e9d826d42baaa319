namespace Obot.Grains.Abstractions.IdentityProviders;

/// <summary>Where a GitHub answers; a GitHub Enterprise Server has its API below its own address.</summary>
public sealed record GitHubAddresses(string Authorize, string Token, string Api)
{
    /// <param name="baseUrl"><c>https://github.com</c>, or that of a GitHub Enterprise Server.</param>
    public static GitHubAddresses Of(string baseUrl)
    {
        var root = baseUrl.TrimEnd('/');
        var api = root.Equals("https://github.com", StringComparison.OrdinalIgnoreCase) ? "https://api.github.com" : $"{root}/api/v3";
        return new($"{root}/login/oauth/authorize", $"{root}/login/oauth/access_token", api);
    }
}
