using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Obot.Data.Tables;

internal sealed class AuthProviderConfiguration : IEntityTypeConfiguration<AuthProviderRow>
{
    public void Configure(EntityTypeBuilder<AuthProviderRow> builder)
    {
        builder.ToTable("auth_providers").HasKey(row => row.Id);
        builder.Property(row => row.Settings).HasColumnType("jsonb");
        builder.Property(row => row.Revision).IsConcurrencyToken();
    }
}

internal sealed class UserIdentityConfiguration : IEntityTypeConfiguration<UserIdentityRow>
{
    public void Configure(EntityTypeBuilder<UserIdentityRow> builder)
    {
        builder.ToTable("user_identities").HasKey(row => new { row.ProviderId, row.Subject });
        builder.HasOne<UserRow>().WithMany().HasForeignKey(row => row.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}

internal sealed class LocalAccountConfiguration : IEntityTypeConfiguration<LocalAccountRow>
{
    public void Configure(EntityTypeBuilder<LocalAccountRow> builder)
    {
        builder.ToTable("local_accounts").HasKey(row => row.UserId);
        builder.HasOne<UserRow>().WithOne().HasForeignKey<LocalAccountRow>(row => row.UserId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(row => row.UserName).IsUnique();
    }
}

internal sealed class GroupConfiguration : IEntityTypeConfiguration<GroupRow>
{
    public void Configure(EntityTypeBuilder<GroupRow> builder)
    {
        builder.ToTable("groups").HasKey(row => row.Id);
        builder.HasIndex(row => new { row.ProviderId, row.ExternalId }).IsUnique();
    }
}

internal sealed class GroupMemberConfiguration : IEntityTypeConfiguration<GroupMemberRow>
{
    public void Configure(EntityTypeBuilder<GroupMemberRow> builder)
    {
        builder.ToTable("group_members").HasKey(row => new { row.GroupId, row.UserId });
        builder.HasOne<GroupRow>().WithMany().HasForeignKey(row => row.GroupId).OnDelete(DeleteBehavior.Cascade);
        builder.HasOne<UserRow>().WithMany().HasForeignKey(row => row.UserId).OnDelete(DeleteBehavior.Cascade);
    }
}

internal sealed class UserSessionConfiguration : IEntityTypeConfiguration<UserSessionRow>
{
    public void Configure(EntityTypeBuilder<UserSessionRow> builder)
    {
        builder.ToTable("user_sessions").HasKey(row => row.Id);
        builder.HasOne<UserRow>().WithMany().HasForeignKey(row => row.UserId).OnDelete(DeleteBehavior.Cascade);
        builder.HasIndex(row => new { row.UserId, row.CreatedAt });
        builder.HasIndex(row => row.ExpiresAt);
    }
}

internal sealed class SettingConfiguration : IEntityTypeConfiguration<SettingRow>
{
    public void Configure(EntityTypeBuilder<SettingRow> builder)
    {
        builder.ToTable("settings").HasKey(row => row.Key);
        builder.Property(row => row.Value).HasColumnType("jsonb");
    }
}
