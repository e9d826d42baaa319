using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Obot.Data.Tables;

internal sealed class ThirdPartyClientConfiguration : IEntityTypeConfiguration<ThirdPartyClientRow>
{
    public void Configure(EntityTypeBuilder<ThirdPartyClientRow> builder)
    {
        builder.ToTable("third_party_clients").HasKey(row => new { row.ServerId, row.Kind });
        builder.HasOne<ServerRow>().WithMany().HasForeignKey(row => row.ServerId).OnDelete(DeleteBehavior.Cascade);
    }
}

internal sealed class ThirdPartyConnectionConfiguration : IEntityTypeConfiguration<ThirdPartyConnectionRow>
{
    public void Configure(EntityTypeBuilder<ThirdPartyConnectionRow> builder)
    {
        builder.ToTable("third_party_connections").HasKey(row => new { row.ServerId, row.UserId });
        builder.HasOne<ServerRow>().WithMany().HasForeignKey(row => row.ServerId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(row => row.UserId);
    }
}

internal sealed class ThirdPartyServerConfiguration : IEntityTypeConfiguration<ThirdPartyServerRow>
{
    public void Configure(EntityTypeBuilder<ThirdPartyServerRow> builder)
    {
        builder.ToTable("third_party_servers").HasKey(row => row.ServerId);
        builder.HasOne<ServerRow>().WithMany().HasForeignKey(row => row.ServerId).OnDelete(DeleteBehavior.Cascade);
    }
}
