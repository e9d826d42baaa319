using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Obot.Data;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Encryption;
using Obot.Grains.Encryption.Columns;
using Obot.Grains.Encryption.Keys;
using Obot.Grains.Encryption.Local;

namespace Obot.Grains.Tests.Encryption;

/// <summary>Encryption as one silo has it; two of them over one database are two silos.</summary>
internal sealed class TestSilo : IDisposable
{
    public static readonly byte[] LocalKey = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    private readonly List<Action<SecurityChange>> handlers = [];

    private readonly TimeProvider time;

    private TestSilo(IDbContextFactory<ObotDb> databases, EncryptionOptions options, IEnumerable<IKeyWrapper> wrappers, TimeProvider time, ISecurityFeed? feed)
    {
        this.time = time;
        var accessor = Options.Create(options);
        Wrappers = new(wrappers, accessor, time);
        Table = new(databases, Wrappers, time);
        Keys = new(Table, Wrappers, feed ?? new Feed(handlers), accessor, time, NullLogger<DataKeys>.Instance);
        Encryption = new(Keys, accessor);
    }

    public KeyWrappers Wrappers { get; }

    public DataKeyTable Table { get; }

    public DataKeys Keys { get; }

    public Envelope Encryption { get; }

    public static async Task<TestSilo> StartAsync(
        IDbContextFactory<ObotDb> databases, EncryptionOptions? options = null, IEnumerable<IKeyWrapper>? wrappers = null, TimeProvider? time = null, ISecurityFeed? feed = null)
    {
        var silo = new TestSilo(databases, options ?? new(), wrappers ?? [new LocalKeyWrapper(LocalKey)], time ?? TimeProvider.System, feed);
        await silo.Keys.StartingAsync(default);
        await silo.Keys.StartAsync(default);
        return silo;
    }

    public Reencryption Reencryption(TestDatabase database) => new(database.DataSource, Encryption, Keys, Table, time, NullLogger<Reencryption>.Instance);

    public IEncryptionKeys Admin(TestDatabase database) => Admin(database.DataSource);

    public IEncryptionKeys Admin(NpgsqlDataSource database) => new EncryptionKeys(database, Table, Wrappers);

    public void Publish(SecurityChange change) => handlers.ForEach(handler => handler(change));

    public void Dispose() => Keys.Dispose();

    private sealed class Feed(List<Action<SecurityChange>> handlers) : ISecurityFeed, IDisposable
    {
        public long Revision => 0;

        public TimeSpan Staleness => TimeSpan.Zero;

        public IDisposable Subscribe(Action<SecurityChange> handler)
        {
            handlers.Add(handler);
            return this;
        }

        public void Dispose()
        {
        }
    }
}
