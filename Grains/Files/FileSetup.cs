using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Files;
using Obot.Grains.Files.Directory;
using Obot.Grains.Files.S3;

namespace Obot.Grains.Files;

internal static class FileSetup
{
    public static IServiceCollection AddFiles(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<FileStorageOptions>().Bind(configuration.GetSection("Obot:Files"))
            .PostConfigure(options => options.DirectoryPath = options.DirectoryPath.Length > 0 ? options.DirectoryPath : Path.Combine(configuration["Obot:DataFolder"] ?? ".obot", "files")).ValidateOnStart();
        services.AddSingleton<IValidateOptions<FileStorageOptions>, FileStorageOptionsValidator>();
        services.AddSingleton<IFileStore>(provider => provider.GetRequiredService<IOptions<FileStorageOptions>>().Value.Storage == "s3"
            ? ActivatorUtilities.CreateInstance<S3Store>(provider)
            : ActivatorUtilities.CreateInstance<DirectoryStore>(provider));
        services.AddSingleton<IWorkspaceFiles, StoredFiles>();
        services.AddSingleton<FileSweep>().AddSingleton<IHostedService>(provider => provider.GetRequiredService<FileSweep>());
        return services;
    }
}
