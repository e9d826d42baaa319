using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Obot.Data.Tables;

/// <summary>Table <c>mcp_webhook_validations</c>: what looks at messages between clients and servers.</summary>
public sealed class FilterRow
{
    public required string Id { get; set; }
    public required string Name { get; set; }
    public required string Kind { get; set; }
    public string? Url { get; set; }

    /// <summary>Encrypted.</summary>
    public string? Secret { get; set; }

    /// <summary>MCP server whose tool <see cref="ToolName"/> is asked.</summary>
    public string? ServerId { get; set; }
    public string? ToolName { get; set; }

    /// <summary>Selector <c>*</c> among the resources, or no resources at all.</summary>
    public required bool Everything { get; set; }
    public required string[] ServerIds { get; set; }
    public required string[] EntryIds { get; set; }
    public required string[] CatalogIds { get; set; }

    /// <summary>JSON array.</summary>
    public required string Selectors { get; set; }
    public required bool OnRequest { get; set; }
    public required bool OnResponse { get; set; }
    public required bool AllowedToMutate { get; set; }
    public required bool Disabled { get; set; }

    /// <summary>Lower ones are asked first.</summary>
    public required int Position { get; set; }
    public required int TimeoutSeconds { get; set; }

    /// <summary>Id of the user who made it.</summary>
    public required string CreatedBy { get; set; }

    /// <summary>From 1, up by one with every change.</summary>
    public required long Revision { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }
}

internal sealed class FilterConfiguration : IEntityTypeConfiguration<FilterRow>
{
    public void Configure(EntityTypeBuilder<FilterRow> builder)
    {
        builder.ToTable("mcp_webhook_validations").HasKey(row => row.Id);
        builder.Property(row => row.Selectors).HasColumnType("jsonb");
        builder.Property(row => row.Revision).IsConcurrencyToken();
        builder.HasIndex(row => new { row.CreatedAt, row.Id });
    }
}
