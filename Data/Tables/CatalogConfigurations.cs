using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Obot.Data.Tables;

internal sealed class CatalogConfiguration : IEntityTypeConfiguration<CatalogRow>
{
    public void Configure(EntityTypeBuilder<CatalogRow> builder)
    {
        builder.ToTable("mcp_catalogs").HasKey(row => row.Id);
        builder.Property(row => row.Revision).IsConcurrencyToken();
        builder.Property(row => row.SyncReport).HasColumnType("jsonb");
        builder.HasIndex(row => new { row.CreatedAt, row.Id });
    }
}

internal sealed class CatalogEntryConfiguration : IEntityTypeConfiguration<CatalogEntryRow>
{
    public void Configure(EntityTypeBuilder<CatalogEntryRow> builder)
    {
        builder.ToTable("mcp_catalog_entries").HasKey(row => row.Id);
        builder.Property(row => row.Manifest).HasColumnType("jsonb");
        builder.Property(row => row.ToolPreview).HasColumnType("jsonb");
        builder.Property(row => row.Revision).IsConcurrencyToken();
        builder.Property(row => row.Search).HasComputedColumnSql("to_tsvector('english'::regconfig, name)", stored: true);
        builder.HasIndex(row => row.RegistryName).IsUnique();
        builder.HasIndex(row => row.CatalogId);
        builder.HasIndex(row => row.Search).HasMethod("gin");
    }
}

internal sealed class ChangeConfiguration : IEntityTypeConfiguration<ChangeRow>
{
    public void Configure(EntityTypeBuilder<ChangeRow> builder)
    {
        builder.ToTable("change_log").HasKey(row => row.Id);
        builder.Property(row => row.Details).HasColumnType("jsonb");
        builder.HasIndex(row => new { row.Kind, row.SubjectId, row.Id });
    }
}
