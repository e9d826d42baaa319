using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Obot.Data.Tables;

internal sealed class AccessRuleConfiguration : IEntityTypeConfiguration<AccessRuleRow>
{
    public void Configure(EntityTypeBuilder<AccessRuleRow> builder)
    {
        builder.ToTable("access_control_rules").HasKey(row => row.Id);
        builder.Property(row => row.Revision).IsConcurrencyToken();
        builder.HasIndex(row => new { row.CreatedAt, row.Id });
        builder.HasIndex(row => row.UserIds).HasMethod("gin");
        builder.HasIndex(row => row.GroupIds).HasMethod("gin");
    }
}
