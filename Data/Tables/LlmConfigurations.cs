using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Obot.Data.Tables;

internal sealed class ModelProviderConfiguration : IEntityTypeConfiguration<ModelProviderRow>
{
    public void Configure(EntityTypeBuilder<ModelProviderRow> builder)
    {
        builder.ToTable("model_providers").HasKey(row => row.Id);
        builder.Property(row => row.Settings).HasColumnType("jsonb");
        builder.Property(row => row.Revision).IsConcurrencyToken();
    }
}

internal sealed class ModelConfiguration : IEntityTypeConfiguration<ModelRow>
{
    public void Configure(EntityTypeBuilder<ModelRow> builder)
    {
        builder.ToTable("models").HasKey(row => row.Id);
        builder.Property(row => row.Prices).HasColumnType("jsonb");
        builder.HasOne<ModelProviderRow>().WithMany().HasForeignKey(row => row.ProviderId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(row => new { row.ProviderId, row.Target }).IsUnique();
        builder.HasIndex(row => new { row.CreatedAt, row.Id });
    }
}

internal sealed class ModelAliasConfiguration : IEntityTypeConfiguration<ModelAliasRow>
{
    public void Configure(EntityTypeBuilder<ModelAliasRow> builder)
    {
        builder.ToTable("model_aliases").HasKey(row => row.Alias);
        builder.Property(row => row.Targets).HasColumnType("jsonb");
    }
}

internal sealed class ModelAccessPolicyConfiguration : IEntityTypeConfiguration<ModelAccessPolicyRow>
{
    public void Configure(EntityTypeBuilder<ModelAccessPolicyRow> builder)
    {
        builder.ToTable("model_access_policies").HasKey(row => row.Id);
        builder.Property(row => row.Revision).IsConcurrencyToken();
        builder.HasIndex(row => new { row.CreatedAt, row.Id });
    }
}

internal sealed class LlmBudgetConfiguration : IEntityTypeConfiguration<LlmBudgetRow>
{
    public void Configure(EntityTypeBuilder<LlmBudgetRow> builder)
    {
        builder.ToTable("llm_budgets").HasKey(row => row.Id);
        builder.Property(row => row.Definition).HasColumnType("jsonb");
        builder.Property(row => row.Revision).IsConcurrencyToken();
    }
}

internal sealed class LlmMessagePolicyConfiguration : IEntityTypeConfiguration<LlmMessagePolicyRow>
{
    public void Configure(EntityTypeBuilder<LlmMessagePolicyRow> builder)
    {
        builder.ToTable("llm_message_policies").HasKey(row => row.Id);
        builder.Property(row => row.Definition).HasColumnType("jsonb");
        builder.Property(row => row.Revision).IsConcurrencyToken();
    }
}
