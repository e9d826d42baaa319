using System.Text;
using System.Text.Json;
using Docker.DotNet.Models;
using Microsoft.Extensions.Options;

namespace Obot.Grains.Hosting.Docker;

/// <summary>Credentials for pulls: configuration first, then what <c>docker login</c> left. Read at each pull, so that a rotated one needs no restart.</summary>
internal sealed class RegistryCredentials(IOptionsMonitor<HostingOptions> options)
{
    private const string Hub = "docker.io";

    /// <summary>Null: anonymous.</summary>
    /// <exception cref="ServerStartException">A file of credentials cannot be read.</exception>
    public AuthConfig? For(string image)
    {
        var server = ServerOf(image);
        var docker = options.CurrentValue.Docker;
        if (docker.Registries.FirstOrDefault(registry => Normal(registry.Server) == server) is { } configured)
        {
            return new() { ServerAddress = server, Username = configured.Username, Password = Password(configured) };
        }

        var file = docker.RegistryConfigFile.Length > 0
            ? docker.RegistryConfigFile
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".docker", "config.json");
        try
        {
            return File.Exists(file) ? FromFile(File.ReadAllText(file), server) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or FormatException)
        {
            throw new ServerStartException($"the registry credentials in {file} cannot be read ({e.GetType().Name}): set Obot:Hosting:Docker:RegistryConfigFile to a file that docker login wrote");
        }
    }

    /// <summary>The first part of an image's name is a registry when it has a dot or a port, or is localhost.</summary>
    internal static string ServerOf(string image)
    {
        var slash = image.IndexOf('/', StringComparison.Ordinal);
        var first = slash < 0 ? "" : image[..slash];
        return first.Contains('.', StringComparison.Ordinal) || first.Contains(':', StringComparison.Ordinal) || first == "localhost" ? Normal(first) : Hub;
    }

    internal static AuthConfig? FromFile(string json, string server)
    {
        using var document = JsonDocument.Parse(json);
        if (!document.RootElement.TryGetProperty("auths", out var auths))
        {
            return null;
        }

        foreach (var entry in auths.EnumerateObject().Where(entry => Normal(entry.Name) == server))
        {
            var token = entry.Value.TryGetProperty("identitytoken", out var identity) ? identity.GetString() : null;
            if (entry.Value.TryGetProperty("auth", out var auth) && auth.GetString() is { Length: > 0 } encoded)
            {
                var pair = Encoding.UTF8.GetString(Convert.FromBase64String(encoded)).Split(':', 2);
                return new() { ServerAddress = server, Username = pair[0], Password = pair.Length > 1 ? pair[1].TrimEnd('\0') : "", IdentityToken = token };
            }

            if (token is not null)
            {
                return new() { ServerAddress = server, IdentityToken = token };
            }
        }

        return null;
    }

    private static string Password(RegistryOptions registry)
    {
        if (registry.PasswordFile.Length == 0)
        {
            return registry.Password;
        }

        try
        {
            return File.ReadAllText(registry.PasswordFile).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ServerStartException($"the password of registry {registry.Server} cannot be read from {registry.PasswordFile}: {e.Message}");
        }
    }

    /// <summary>"https://index.docker.io/v1/" is Docker Hub's old name.</summary>
    private static string Normal(string server)
    {
        var name = server.Contains("://", StringComparison.Ordinal) ? server[(server.IndexOf("://", StringComparison.Ordinal) + 3)..] : server;
        name = name.Split('/')[0].ToLowerInvariant();
        return name is "index.docker.io" or "registry-1.docker.io" ? Hub : name;
    }
}
