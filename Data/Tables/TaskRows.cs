using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Obot.Data.Tables;

/// <summary>Table <c>tasks</c>.</summary>
public sealed class TaskRow
{
    public required string Id { get; set; }
    public required string ProjectId { get; set; }
    public required string OwnerId { get; set; }
    public required string Name { get; set; }

    /// <summary>Encrypted.</summary>
    public required byte[] Prompt { get; set; }

    /// <summary>JSON array.</summary>
    public required string Parameters { get; set; }

    /// <summary>Cron, five fields.</summary>
    public string? Schedule { get; set; }

    /// <summary>IANA name.</summary>
    public string? TimeZone { get; set; }
    public string? Model { get; set; }
    public string[]? Servers { get; set; }
    public required bool Enabled { get; set; }
    public string? NotifyUrl { get; set; }
    public DateTimeOffset? NextDue { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>Table <c>task_runs</c>.</summary>
public sealed class TaskRunRow
{
    public required string Id { get; set; }
    public required string TaskId { get; set; }

    /// <summary>Null for a run on demand.</summary>
    public DateTimeOffset? DueAt { get; set; }
    public required string ConversationId { get; set; }

    /// <summary>Encrypted: with its parameters filled in; null once it is said.</summary>
    public byte[]? Prompt { get; set; }

    /// <summary><c>Starting</c>, <c>Running</c>, <c>Succeeded</c>, <c>Failed</c>, <c>Stopped</c>.</summary>
    public required string Status { get; set; }
    public string? Error { get; set; }
    public required DateTimeOffset StartedAt { get; set; }
    public DateTimeOffset? EndedAt { get; set; }
}

internal sealed class TaskConfiguration : IEntityTypeConfiguration<TaskRow>
{
    public void Configure(EntityTypeBuilder<TaskRow> builder)
    {
        builder.ToTable("tasks").HasKey(row => row.Id);
        builder.Property(row => row.Parameters).HasColumnType("jsonb");
        builder.HasOne<ProjectRow>().WithMany().HasForeignKey(row => row.ProjectId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(row => new { row.OwnerId, row.CreatedAt, row.Id });
        builder.HasIndex(row => row.ProjectId);
    }
}

internal sealed class TaskRunConfiguration : IEntityTypeConfiguration<TaskRunRow>
{
    public void Configure(EntityTypeBuilder<TaskRunRow> builder)
    {
        builder.ToTable("task_runs").HasKey(row => row.Id);
        builder.HasOne<TaskRow>().WithMany().HasForeignKey(row => row.TaskId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(row => new { row.TaskId, row.DueAt }).IsUnique();
        builder.HasIndex(row => new { row.TaskId, row.StartedAt, row.Id });
    }
}
