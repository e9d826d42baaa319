using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Obot.Data;
using Obot.Data.Tables;

namespace Obot.Chat.Sessions;

/// <summary>Data Protection's keys in table <c>data_protection_keys</c>, so that every silo opens what another one sealed.</summary>
internal sealed class PostgresKeyRing(IDbContextFactory<ObotDb> databases) : IXmlRepository
{
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        using var db = databases.CreateDbContext();
        return [.. db.DataProtectionKeys.AsNoTracking().Select(row => row.Xml).AsEnumerable().Select(XElement.Parse)];
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        using var db = databases.CreateDbContext();
        db.DataProtectionKeys.Add(new DataProtectionKeyRow { Id = friendlyName, Xml = element.ToString(SaveOptions.DisableFormatting) });
        db.SaveChanges();
    }
}

/// <summary>
/// Makes the first key under a lock: silos that start at once on an empty database would each make one and not know the other's
/// for a day.
/// </summary>
internal sealed class KeyRingStart(IDbContextFactory<ObotDb> databases, IDataProtectionProvider protection) : IHostedService
{
    /// <summary>"keys" in ASCII.</summary>
    private const long Lock = 0x6b657973;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({Lock})", cancellationToken);
        protection.CreateProtector("obot-start").Protect([1]);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
