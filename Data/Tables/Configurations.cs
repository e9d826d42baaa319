using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Obot.Data.Tables;

internal sealed class UserConfiguration : IEntityTypeConfiguration<UserRow>
{
    public void Configure(EntityTypeBuilder<UserRow> builder)
    {
        builder.ToTable("users").HasKey(row => row.Id);
        builder.Property(row => row.Kind).HasDefaultValue("Person");
        builder.Property(row => row.Auditor).HasDefaultValue(false);
        builder.HasIndex(row => row.EmailIndex);
        builder.HasIndex(row => new { row.CreatedAt, row.Id });
    }
}

internal sealed class ServerConfiguration : IEntityTypeConfiguration<ServerRow>
{
    public void Configure(EntityTypeBuilder<ServerRow> builder)
    {
        builder.ToTable("mcp_servers").HasKey(row => row.Id);
        builder.Property(row => row.Manifest).HasColumnType("jsonb");
        builder.Property(row => row.Revision).IsConcurrencyToken();
        builder.HasIndex(row => new { row.OwnerId, row.CreatedAt });
        builder.HasIndex(row => row.CatalogEntryId).IsUnique();
    }
}

internal sealed class ServerValueConfiguration : IEntityTypeConfiguration<ServerValueRow>
{
    public void Configure(EntityTypeBuilder<ServerValueRow> builder)
    {
        builder.ToTable("mcp_server_values").HasKey(row => row.Instance);
        builder.HasOne<ServerRow>().WithMany().HasForeignKey(row => row.ServerId).OnDelete(DeleteBehavior.Cascade);
    }
}

internal sealed class ServerInstanceConfiguration : IEntityTypeConfiguration<ServerInstanceRow>
{
    public void Configure(EntityTypeBuilder<ServerInstanceRow> builder)
    {
        builder.ToTable("mcp_server_instances").HasKey(row => row.Instance);
        builder.HasOne<ServerRow>().WithMany().HasForeignKey(row => row.ServerId).OnDelete(DeleteBehavior.Cascade);
    }
}

internal sealed class ApiKeyConfiguration : IEntityTypeConfiguration<ApiKeyRow>
{
    public void Configure(EntityTypeBuilder<ApiKeyRow> builder)
    {
        builder.ToTable("api_keys").HasKey(row => row.Id);
        builder.HasIndex(row => row.Hash).IsUnique();
        builder.HasIndex(row => new { row.UserId, row.CreatedAt });
    }
}

internal sealed class ClusterKeyConfiguration : IEntityTypeConfiguration<ClusterKeyRow>
{
    public void Configure(EntityTypeBuilder<ClusterKeyRow> builder) => builder.ToTable("cluster_keys").HasKey(row => row.Id);
}

internal sealed class SecurityEventConfiguration : IEntityTypeConfiguration<SecurityEventRow>
{
    public void Configure(EntityTypeBuilder<SecurityEventRow> builder)
    {
        builder.ToTable("security_events").HasKey(row => row.Revision);
        builder.Property(row => row.Revision).ValueGeneratedNever();
    }
}

internal sealed class DataProtectionKeyConfiguration : IEntityTypeConfiguration<DataProtectionKeyRow>
{
    public void Configure(EntityTypeBuilder<DataProtectionKeyRow> builder) =>
        builder.ToTable("data_protection_keys").HasKey(row => row.Id);
}

internal sealed class SignInCodeConfiguration : IEntityTypeConfiguration<SignInCodeRow>
{
    public void Configure(EntityTypeBuilder<SignInCodeRow> builder) => builder.ToTable("sign_in_codes").HasKey(row => row.Hash);
}

internal sealed class DataKeyConfiguration : IEntityTypeConfiguration<DataKeyRow>
{
    public void Configure(EntityTypeBuilder<DataKeyRow> builder)
    {
        builder.ToTable("data_keys").HasKey(row => row.Id);
        builder.HasIndex(row => row.Purpose).IsUnique().HasFilter("superseded_at IS NULL");
    }
}
