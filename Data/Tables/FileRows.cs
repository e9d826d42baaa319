using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Obot.Data.Tables;

/// <summary>Table <c>workspace_files</c>.</summary>
public sealed class WorkspaceFileRow
{
    public required string Id { get; set; }
    public required string ProjectId { get; set; }

    /// <summary>Null for the project's own.</summary>
    public string? ConversationId { get; set; }
    public required string Path { get; set; }
    public required long Size { get; set; }
    public required string ContentType { get; set; }
    public required byte[] Sha256 { get; set; }
    public required string ObjectKey { get; set; }
    public required string CreatedBy { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
}

/// <summary>Table <c>file_removals</c>: objects that nobody refers to.</summary>
public sealed class FileRemovalRow
{
    public required string ObjectKey { get; set; }
    public required DateTimeOffset DueAt { get; set; }
}

internal sealed class WorkspaceFileConfiguration : IEntityTypeConfiguration<WorkspaceFileRow>
{
    public void Configure(EntityTypeBuilder<WorkspaceFileRow> builder)
    {
        builder.ToTable("workspace_files").HasKey(row => row.Id);
        builder.HasOne<ProjectRow>().WithMany().HasForeignKey(row => row.ProjectId).OnDelete(DeleteBehavior.Cascade);
        builder.HasOne<ConversationRow>().WithMany().HasForeignKey(row => row.ConversationId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(row => new { row.ProjectId, row.ConversationId, row.Path }).IsUnique().AreNullsDistinct(false);
        builder.HasIndex(row => row.ConversationId);
    }
}

internal sealed class FileRemovalConfiguration : IEntityTypeConfiguration<FileRemovalRow>
{
    public void Configure(EntityTypeBuilder<FileRemovalRow> builder)
    {
        builder.ToTable("file_removals").HasKey(row => row.ObjectKey);
        builder.HasIndex(row => row.DueAt);
    }
}
