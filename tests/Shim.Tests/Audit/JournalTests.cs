using Obot.Shim.Contracts.Audit;

namespace Obot.Shim.Tests.Audit;

public sealed class JournalTests : IDisposable
{
    private static readonly byte[] Key = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private readonly string _root = Directory.CreateTempSubdirectory("obot-journal-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Record_WrittenAndRead_IsTheSame()
    {
        var record = Record(1) with
        {
            Duration = TimeSpan.FromMicroseconds(1234), UserId = "u", CredentialId = "k", ClientName = "Klient ä", ClientVersion = "1", Identifier = "e\0cho", Status = 499, Error = "weg", SessionId = "s",
            TraceId = "t", ClientIp = "::1", RequestBytes = 10_000_000_000, ResponseBytes = 3, Filters = [new("f", FilterOutcomes.Mutated, "two names"), new("g", FilterOutcomes.Accepted)],
        };
        var writer = new FrameWriter();
        writer.Begin(record);
        writer.BeginDetail();
        writer.RequestHeader("Accept", "*/*");
        writer.ResponseHeader("X", "ü");
        writer.RequestBody("question"u8);
        writer.ResponseBody(new byte[100_000]);
        writer.EndDetail();
        var frame = writer.End().ToArray();

        var read = Assert.Single(Frames.Read(frame, out var damaged));
        Assert.Equal(0, damaged);
        Assert.Equal(record with { Detail = read.Detail, Filters = read.Filters }, read);
        Assert.Equal(record.Filters, read.Filters);
        var detail = AuditDetail.Read(read.Detail);
        Assert.Equal(new("Accept", "*/*"), Assert.Single(detail.RequestHeaders));
        Assert.Equal(new("X", "ü"), Assert.Single(detail.ResponseHeaders));
        Assert.Equal("question"u8.ToArray(), detail.RequestBody.ToArray());
        Assert.Equal(100_000, detail.ResponseBody.Length);
        frame[60] ^= 1;
        Assert.Empty(Frames.Read(frame, out damaged));
        Assert.Equal(1, damaged);
    }

    [Fact]
    public async Task Journal_OfManySegments_IsReadInOrder_AndDeletedAsItIsAcknowledged()
    {
        using var journal = Journal.Open(_root, Key, maxBytes: 1000, segmentBytes: 500);
        for (var i = 0; i < 100; i++)
        {
            Append(journal, i);
        }

        await journal.WaitAsync(TestContext.Current.CancellationToken);
        Assert.True(journal.IsFull);
        var buffer = new byte[16];
        var at = journal.Acknowledged;
        var seen = new List<int>();
        while (journal.Read(at, 16, ref buffer, out at) is > 0 and var bytes)
        {
            seen.AddRange(Frames.Read(buffer.AsMemory(0, bytes), out _).Select(record => record.Status));
            journal.Acknowledge(at);
        }

        Assert.Equal(Enumerable.Range(0, 100), seen);
        Assert.Equal(0, journal.Waiting);
        Assert.Single(Directory.GetFiles(_root, "*.wal", SearchOption.AllDirectories));
        journal.Dispose();
        Assert.Empty(Directory.GetDirectories(_root));
    }

    /// <summary>Its lock ends with its process, which a disposed journal stands for here; the rest of the last write is torn.</summary>
    [Fact]
    public void Journal_LeftBehind_IsReadUpToTheTornEnd_AndOneThatLivesIsLeftAlone()
    {
        using var alive = Journal.Open(_root, Key, 1000);
        Append(alive, 7);
        var others = Directory.GetFiles(_root, "*.wal", SearchOption.AllDirectories);
        var dead = Journal.Open(_root, Key, 1000, segmentBytes: 300);
        Enumerable.Range(0, 20).ToList().ForEach(i => Append(dead, i));
        dead.Dispose();
        var last = Directory.GetFiles(_root, "*.wal", SearchOption.AllDirectories).Except(others, StringComparer.Ordinal).Order(StringComparer.Ordinal).Last();
        using (var file = File.OpenWrite(last))
        {
            file.SetLength(file.Length - 3);
        }

        var found = AbandonedJournal.FindAll(_root).ToList();
        using var left = Assert.Single(found);
        Assert.Empty(AbandonedJournal.FindAll(_root));
        Assert.Equal(Enumerable.Range(0, 19), left.Read(Key, 64).SelectMany(batch => Frames.Read(batch, out _)).Select(record => record.Status));
        Assert.True(left.Torn > 0);
        left.Remove();
        Assert.Single(Directory.GetDirectories(_root));
    }

    [Fact]
    public void Journal_OnDisk_ShowsNothing_AndAnotherKeyReadsNothing()
    {
        const string Words = "the quarter's figures";
        var journal = Journal.Open(_root, Key, 100_000);
        var writer = new FrameWriter();
        writer.Begin(Record(1) with { UserId = Words });
        writer.BeginDetail();
        writer.RequestBody(System.Text.Encoding.UTF8.GetBytes(Words));
        writer.EndDetail();
        journal.Append(writer.End());
        journal.Append(writer.End());
        var buffer = new byte[16];
        var bytes = journal.Read(journal.Acknowledged, 10_000, ref buffer, out _);
        Assert.Equal(2, Frames.Read(buffer.AsMemory(0, bytes), out _).Count(record => record.UserId == Words));
        journal.Dispose();

        var segment = File.ReadAllBytes(Assert.Single(Directory.GetFiles(_root, "*.wal", SearchOption.AllDirectories)));
        Assert.Equal(-1, segment.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(Words)));
        Assert.Equal(-1, segment.AsSpan().IndexOf("tools/call"u8));

        // the same frame twice is not the same twice
        Assert.NotEqual(segment[44..100], segment[(44 + ((segment.Length - 40) / 2))..(100 + ((segment.Length - 40) / 2))]);
        using var left = Assert.Single(AbandonedJournal.FindAll(_root).ToList());
        Assert.Throws<System.Security.Cryptography.CryptographicException>(() => left.Read(new byte[32], 64).ToList());
        Assert.Equal(2, left.Read(Key, 64).Sum(batch => Frames.Read(batch, out _).Count));
    }

    [Fact]
    public void Journal_WithADamagedRecord_GivesTheOthers()
    {
        var journal = Journal.Open(_root, Key, 100_000);
        Enumerable.Range(0, 9).ToList().ForEach(i => Append(journal, i));
        journal.Dispose();
        var path = Assert.Single(Directory.GetFiles(_root, "*.wal", SearchOption.AllDirectories));
        var bytes = File.ReadAllBytes(path);
        bytes[40 + (4 * (bytes.Length - 40) / 9) + 30] ^= 1;
        File.WriteAllBytes(path, bytes);

        using var left = Assert.Single(AbandonedJournal.FindAll(_root).ToList());
        Assert.Equal([0, 1, 2, 3, 5, 6, 7, 8], left.Read(Key, 64).SelectMany(batch => Frames.Read(batch, out _)).Select(record => record.Status));
        Assert.Equal((bytes.Length - 40) / 9, left.Torn);
    }

    /// <summary>As a guard of an earlier version left it: frames as they are, under a lock of another name.</summary>
    [Fact]
    public void Journal_ThatIsNotEncrypted_IsStillRead()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_root, "0123")).FullName;
        File.WriteAllText(Path.Combine(folder, "lock"), "");
        var writer = new FrameWriter();
        writer.Begin(Record(5));
        File.WriteAllBytes(Path.Combine(folder, "00000001.wal"), [.. writer.End(), .. writer.Written, 1, 2, 3]);

        using var left = Assert.Single(AbandonedJournal.FindAll(_root).ToList());
        Assert.Equal([5, 5], left.Read(Key, 64).SelectMany(batch => Frames.Read(batch, out _)).Select(record => record.Status));
        Assert.Equal(3, left.Torn);
    }

    [Fact]
    public void Id_OfACall_HasItsMicrosecond_AndSortsByIt()
    {
        var start = DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_123);
        var ids = Enumerable.Range(0, 2000).Select(i => CallId.New(start.AddMicroseconds(i))).ToList();
        Assert.Equal(Enumerable.Range(0, 2000).Select(i => (DateTimeOffset?)start.AddMicroseconds(i)), ids.Select(CallId.TimeOf));
        Assert.Equal(ids, ids.OrderBy(id => id.ToString(), StringComparer.Ordinal));
        Assert.Null(CallId.TimeOf(Guid.NewGuid()));
    }

    [Fact]
    public void Frames_OfRubbish_AreNone()
    {
        var random = new Random(1);
        for (var i = 0; i < 200; i++)
        {
            var rubbish = new byte[random.Next(300)];
            random.NextBytes(rubbish);
            Assert.Empty(Frames.Read(rubbish, out _));
        }
    }

    private static AuditRecord Record(int number) => new()
    {
        Id = Guid.CreateVersion7(), At = DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_000 + number), Method = "tools/call", Status = number,
    };

    private static void Append(Journal journal, int number)
    {
        var writer = new FrameWriter();
        writer.Begin(Record(number));
        journal.Append(writer.End());
    }
}
