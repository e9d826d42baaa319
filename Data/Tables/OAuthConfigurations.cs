using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using OpenIddict.EntityFrameworkCore.Models;

namespace Obot.Data.Tables;

/// <summary>OpenIddict's entities under our names; client ids may be URLs (client id metadata documents).</summary>
internal static class OAuthTables
{
    private const int MaxClientId = 2048;

    public static void Configure(ModelBuilder model)
    {
        model.UseOpenIddict();
        var application = model.Entity<OpenIddictEntityFrameworkCoreApplication>().ToTable("oauth_applications");
        application.Property(row => row.ClientId).HasMaxLength(MaxClientId);
        model.Entity<OpenIddictEntityFrameworkCoreScope>().ToTable("oauth_scopes");
        model.Entity<OpenIddictEntityFrameworkCoreAuthorization>().ToTable("oauth_authorizations").HasIndex(row => row.Subject);
        model.Entity<OpenIddictEntityFrameworkCoreToken>().ToTable("oauth_tokens");
    }
}

internal sealed class UsedAssertionConfiguration : IEntityTypeConfiguration<UsedAssertionRow>
{
    public void Configure(EntityTypeBuilder<UsedAssertionRow> builder) => builder.ToTable("used_assertions").HasKey(row => row.Hash);
}

internal sealed class RateWindowConfiguration : IEntityTypeConfiguration<RateWindowRow>
{
    public void Configure(EntityTypeBuilder<RateWindowRow> builder) => builder.ToTable("rate_windows").HasKey(row => row.Key);
}
