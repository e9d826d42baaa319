using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Obot.Data.Tables;

internal sealed class ProjectConfiguration : IEntityTypeConfiguration<ProjectRow>
{
    public void Configure(EntityTypeBuilder<ProjectRow> builder)
    {
        builder.ToTable("projects").HasKey(row => row.Id);
        builder.HasIndex(row => new { row.CreatedAt, row.Id });
        builder.HasIndex(row => row.OwnerId).IsUnique().HasFilter("is_default");
    }
}

internal sealed class ProjectMemberConfiguration : IEntityTypeConfiguration<ProjectMemberRow>
{
    public void Configure(EntityTypeBuilder<ProjectMemberRow> builder)
    {
        builder.ToTable("project_members").HasKey(row => new { row.ProjectId, row.UserId });
        builder.HasOne<ProjectRow>().WithMany().HasForeignKey(row => row.ProjectId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(row => row.UserId);
    }
}

internal sealed class ToolApprovalConfiguration : IEntityTypeConfiguration<ToolApprovalRow>
{
    public void Configure(EntityTypeBuilder<ToolApprovalRow> builder)
    {
        builder.ToTable("tool_approvals").HasKey(row => new { row.ProjectId, row.UserId, row.Tool });
        builder.HasOne<ProjectRow>().WithMany().HasForeignKey(row => row.ProjectId).OnDelete(DeleteBehavior.Cascade);
    }
}

internal sealed class ConversationConfiguration : IEntityTypeConfiguration<ConversationRow>
{
    public void Configure(EntityTypeBuilder<ConversationRow> builder)
    {
        builder.ToTable("conversations").HasKey(row => row.Id);
        builder.HasOne<ProjectRow>().WithMany().HasForeignKey(row => row.ProjectId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(row => new { row.OwnerId, row.UpdatedAt, row.Id });
        builder.HasIndex(row => new { row.ProjectId, row.UpdatedAt, row.Id });
    }
}

internal sealed class ConversationMessageConfiguration : IEntityTypeConfiguration<ConversationMessageRow>
{
    public void Configure(EntityTypeBuilder<ConversationMessageRow> builder)
    {
        builder.ToTable("conversation_messages").HasKey(row => new { row.ConversationId, row.Id });
        builder.HasOne<ConversationRow>().WithMany().HasForeignKey(row => row.ConversationId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(row => new { row.ConversationId, row.ParentId });
    }
}

internal sealed class ConversationPartConfiguration : IEntityTypeConfiguration<ConversationPartRow>
{
    public void Configure(EntityTypeBuilder<ConversationPartRow> builder)
    {
        builder.ToTable("conversation_parts").HasKey(row => new { row.ConversationId, row.Id });
        builder.HasOne<ConversationMessageRow>().WithMany().HasForeignKey(row => new { row.ConversationId, row.MessageId }).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(row => new { row.ConversationId, row.MessageId, row.Number });
    }
}
