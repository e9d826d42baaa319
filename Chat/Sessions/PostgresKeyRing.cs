using System.Xml;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Encryption;

namespace Obot.Chat.Sessions;

/// <summary>
/// Data Protection's keys in table <c>data_protection_keys</c>, so that every silo opens what another one sealed. Rows are encrypted,
/// each bound to its id; those of an older release are plain XML.
/// </summary>
internal sealed partial class PostgresKeyRing(IDbContextFactory<ObotDb> databases, IEncryption encryption, ILogger<PostgresKeyRing> logger) : IXmlRepository
{
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        using var db = databases.CreateDbContext();
        return [.. db.DataProtectionKeys.AsNoTracking().AsEnumerable().Select(Read).OfType<XElement>()];
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        using var db = databases.CreateDbContext();
        var xml = encryption.EncryptText(Place(friendlyName), element.ToString(SaveOptions.DisableFormatting));
        db.DataProtectionKeys.Add(new DataProtectionKeyRow { Id = friendlyName, Xml = xml });
        db.SaveChanges();
    }

    /// <summary>Null for a row that was tampered with: sessions under that key end, the others stay.</summary>
    private XElement? Read(DataProtectionKeyRow row)
    {
        try
        {
            return XElement.Parse(encryption.DecryptTextOrPlain(Place(row.Id), row.Xml));
        }
        catch (Exception e) when (e is CiphertextException or DataKeyUnknownException or XmlException)
        {
            Unreadable(row.Id, e.Message);
            return null;
        }
    }

    private static SecretPlace Place(string id) => new("data_protection_keys", id, "xml");

    [LoggerMessage(LogLevel.Error, "Data protection key {Id} is left out, and sessions that it sealed end: {Reason}")]
    private partial void Unreadable(string id, string reason);
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
