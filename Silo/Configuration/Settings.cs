using System.Security.Cryptography;
using System.Text;

namespace Obot.Silo.Configuration;

/// <summary>Turns command line, environment and defaults into one checked configuration.</summary>
internal static class Settings
{
    private static readonly Dictionary<string, string> Switches = new(StringComparer.OrdinalIgnoreCase) { ["--url"] = "Obot:Url", ["--data"] = "Obot:DataFolder" };

    /// <summary>Binds section <c>Obot</c>, fills in what follows from other keys and writes it back, so that every part reads the same.</summary>
    /// <returns>Null when the configuration is wrong; everything wrong has been printed then.</returns>
    public static ObotOptions? BindObot(this WebApplicationBuilder builder, string[] args)
    {
        builder.Configuration.AddCommandLine(args, Switches);
        var options = new ObotOptions();
        try
        {
            builder.Configuration.GetSection(ObotOptions.Section).Bind(options);
        }
        catch (InvalidOperationException exception)
        {
            return Refuse([exception.InnerException?.Message is { } inner ? $"{exception.Message} {inner}" : exception.Message]);
        }

        if (ObotOptionsValidator.Failures(options) is { Count: > 0 } failures)
        {
            return Refuse(failures);
        }

        options.Url = options.Url.TrimEnd('/');
        options.PublicUrl = options.PublicUrl.Length > 0 ? options.PublicUrl.TrimEnd('/') : options.Url;
        options.DataFolder = Path.GetFullPath(options.DataFolder);
        Directory.CreateDirectory(options.DataFolder);
        if (options.Guard.ControlUrl.Length == 0 && options.HasRole(SiloRoles.Gateway))
        {
            options.Guard.ControlUrl = $"wss://{Bracketed(options.Silo.AdvertisedAddress)}:{options.Guard.ListenPort}/control";
        }

        ContainerReach.Complete(options, builder.Configuration["Obot:Hosting:Backend"] ?? "");
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["Obot:Url"] = options.Url,
            ["Obot:PublicUrl"] = options.PublicUrl,
            ["Obot:DataFolder"] = options.DataFolder,
            ["Obot:ClusterId"] = options.ClusterId,
            ["Obot:Hosting:DataPath"] = options.DataFolder,
            ["Obot:Conversations:GatewayUrl"] = builder.Configuration["Obot:Conversations:GatewayUrl"] is { Length: > 0 } gateway ? gateway.TrimEnd('/') : options.HasRole(SiloRoles.Gateway) ? OwnUrl(options.Url) : options.PublicUrl,
            ["Obot:Guard:ControlUrl"] = options.Guard.ControlUrl,
            ["Obot:Guard:ContainerControlUrl"] = options.Guard.ContainerControlUrl,
            ["Obot:Auth:BootstrapTokenIsGenerated"] = builder.Configuration["Obot:Auth:BootstrapToken"] is { Length: > 0 } ? "false" : "true",
            ["Obot:Auth:BootstrapToken"] = builder.Configuration["Obot:Auth:BootstrapToken"] is { Length: > 0 } token ? token : OwnToken(options.DataFolder),
            ["Obot:Encryption:Local:Key"] = options.Encryption.Local.Key is { Length: > 0 } key ? key : OwnKey(options),
        });
        return options;
    }

    /// <summary>The public listener as this silo itself reaches it.</summary>
    private static string OwnUrl(string url) =>
        new Uri(url) is { DnsSafeHost: "0.0.0.0" or "::" or "*" or "+" } any ? $"http://127.0.0.1:{any.Port}" : url;

    private static string Bracketed(string address) => address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address;

    /// <summary>The bootstrap token of this data folder, made on first use; silos that start at once agree by the file's exclusive creation.</summary>
    private static string OwnToken(string folder)
    {
        var path = Path.Combine(folder, "bootstrap-token");
        try
        {
            PrivateFile.Create(path, Encoding.ASCII.GetBytes("obt_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24)) + "\n"));
        }
        catch (IOException) when (File.Exists(path))
        {
        }

        return File.ReadAllText(path).Trim();
    }

    /// <summary>
    /// The local encryption key of this data folder, made on first use. With another provider an existing one is still read: data keys
    /// from before the change are wrapped with it.
    /// </summary>
    private static string? OwnKey(ObotOptions options)
    {
        var path = Path.Combine(options.DataFolder, "encryption-key");
        if (string.Equals(options.Encryption.Provider, "local", StringComparison.OrdinalIgnoreCase))
        {
            try
            {
                PrivateFile.Create(path, Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)) + "\n"));
            }
            catch (IOException) when (File.Exists(path))
            {
            }
        }

        return File.Exists(path) ? File.ReadAllText(path).Trim() : null;
    }

    private static ObotOptions? Refuse(IReadOnlyList<string> failures)
    {
        foreach (var failure in failures)
        {
            Console.Error.WriteLine(failure);
        }

        return null;
    }
}
