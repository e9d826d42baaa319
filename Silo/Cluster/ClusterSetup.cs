using Microsoft.Extensions.Options;
using Npgsql;
using Obot.Data;
using Obot.Grains.Hosting;
using Obot.Grains.Storage;
using Obot.Silo.Configuration;
using Orleans.Configuration;
using Orleans.Runtime.MembershipService.SiloMetadata;

namespace Obot.Silo.Cluster;

/// <summary>Orleans on PostgreSQL. Why these values: docs/cluster.md.</summary>
internal static class ClusterSetup
{
    public const string ServiceId = "obot";
    private const string Invariant = "Npgsql";

    public static WebApplicationBuilder AddObotSilo(this WebApplicationBuilder builder, ObotOptions options, string connectionString)
    {
        builder.UseOrleans(silo =>
        {
            // One pool for the three providers: what they do is short.
            var dataSource = NpgsqlDataSource.Create(DataServices.ForOrleans(connectionString));
            silo.UseAdoNetClustering(clustering => (clustering.Invariant, clustering.DataSource) = (Invariant, dataSource));
            silo.UseAdoNetReminderService(reminders => (reminders.Invariant, reminders.DataSource) = (Invariant, dataSource));
            silo.AddEncryptedGrainStorage(storage =>
            {
                (storage.Invariant, storage.DataSource) = (Invariant, dataSource);
                storage.DeleteStateOnClear = true;
            });
            silo.ConfigureEndpoints(options.Silo.Address, options.Silo.SiloPort, options.Silo.GatewayPort);
            silo.Configure<ClusterOptions>(cluster => (cluster.ServiceId, cluster.ClusterId) = (ServiceId, options.ClusterId));
            silo.Configure<ClusterMembershipOptions>(Membership);
            silo.Configure<SiloMessagingOptions>(messaging => messaging.ResponseTimeout = TimeSpan.FromSeconds(5));
            silo.Configure<ConnectionOptions>(connections =>
            {
                connections.OpenConnectionTimeout = TimeSpan.FromSeconds(1);
                connections.ConnectionRetryDelay = TimeSpan.FromMilliseconds(200);
            });
            silo.UseSiloMetadata(options.HasRole(SiloRoles.Gateway) ? ControlListenerCard.Of(options.Guard.ControlUrl, options.Guard.ContainerControlUrl) : []);
            if (!options.HasRole(SiloRoles.Grains))
            {
                silo.Services.PostConfigure<GrainTypeOptions>(types => types.Classes.RemoveWhere(type => type.Assembly == typeof(ObotStateSerializer).Assembly));
            }
        });
        return builder;
    }

    private static void Membership(ClusterMembershipOptions membership)
    {
        membership.ProbeTimeout = TimeSpan.FromSeconds(1);
        membership.MinProbeTimeout = TimeSpan.FromMilliseconds(500);
        membership.MaxProbeTimeout = TimeSpan.FromSeconds(1);
        membership.NumMissedProbesLimit = 2;
        membership.TableRefreshTimeout = TimeSpan.FromSeconds(5);
        membership.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
        membership.ExtendProbeTimeoutDuringDegradation = false;
        membership.DefunctSiloExpiration = TimeSpan.FromDays(1);
        membership.DefunctSiloCleanupPeriod = TimeSpan.FromHours(1);
    }
}
