using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Obot.Data.Tables;

internal sealed class StorageConfiguration : IEntityTypeConfiguration<StorageRow>
{
    public void Configure(EntityTypeBuilder<StorageRow> builder)
    {
        builder.ToTable("storage_credentials").HasKey(row => row.Id);
        builder.Property(row => row.Settings).HasColumnType("jsonb");
        builder.Property(row => row.Revision).IsConcurrencyToken();
    }
}

internal sealed class ExportScheduleConfiguration : IEntityTypeConfiguration<ExportScheduleRow>
{
    public void Configure(EntityTypeBuilder<ExportScheduleRow> builder)
    {
        builder.ToTable("scheduled_audit_log_exports").HasKey(row => row.Id);
        builder.Property(row => row.Filters).HasColumnType("jsonb");
        builder.Property(row => row.Revision).IsConcurrencyToken();
    }
}

internal sealed class ExportConfiguration : IEntityTypeConfiguration<ExportRow>
{
    public void Configure(EntityTypeBuilder<ExportRow> builder)
    {
        builder.ToTable("audit_log_exports").HasKey(row => row.Id);
        builder.Property(row => row.Filters).HasColumnType("jsonb");
        builder.HasIndex(row => new { row.CreatedAt, row.Id });
    }
}
