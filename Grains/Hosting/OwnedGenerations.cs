using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>What grains lay claim to, for those who remove what is left over.</summary>
internal static class OwnedGenerations
{
    /// <summary>The first generation that the grain lays claim to. A grain writes a generation down before anything of it exists: ask after you have listed, never before.</summary>
    public static async Task<long> OwnedFromAsync(this IGrainFactory grains, McpInstanceId instance)
    {
        var deployment = await grains.GetGrain<IMcpServerGrain>(instance.ToString()).GetDeployment();
        return deployment.Status is DeploymentStatus.Stopped or DeploymentStatus.Failed ? long.MaxValue : deployment.Generation;
    }
}
