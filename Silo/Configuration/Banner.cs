namespace Obot.Silo.Configuration;

/// <summary>What was decided, in a few lines, without secrets.</summary>
internal static partial class Banner
{
    public static void Print(ILogger logger, ObotOptions options)
    {
        var version = typeof(Banner).Assembly.GetName().Version?.ToString(3) ?? "";
        LogStart(logger, version, string.Join(", ", options.RoleNames), options.Url, options.PublicUrl);
        LogPlace(
            logger,
            options.ClusterId,
            $"{options.Silo.AdvertisedAddress}:{options.Silo.SiloPort}",
            options.Database.ConnectionString.Length > 0 ? "PostgreSQL by connection string" : "own PostgreSQL",
            options.DataFolder);
    }

    [LoggerMessage(LogLevel.Information, "Obot {Version}: roles {Roles}; listening on {Url}, reached at {PublicUrl}")]
    private static partial void LogStart(ILogger logger, string version, string roles, string url, string publicUrl);

    [LoggerMessage(LogLevel.Information, "Cluster {Cluster}, silo {Silo}; {Database}; data in {DataFolder}")]
    private static partial void LogPlace(ILogger logger, string cluster, string silo, string database, string dataFolder);
}
