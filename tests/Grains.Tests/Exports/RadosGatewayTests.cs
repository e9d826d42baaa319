using Obot.Grains.Abstractions.Exports;
using Obot.Grains.Exports;

namespace Obot.Grains.Tests.Exports;

/// <summary>Exports to an S3 that is not ours and not the vendor's.</summary>
[Collection(nameof(PostgresTests))]
public sealed class RadosGatewayTests(Postgres postgres, ITestOutputHelper output)
{
    private static readonly DateTimeOffset Noon = ExportRig.Noon;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Export_ToCeph_HoldsTheTablesRows_AndWhatIsWrongIsNamed()
    {
        Assert.SkipWhen(RadosGateway.Missing is not null, $"LEFT OUT: {RadosGateway.Missing} is missing (apt-get install radosgw ceph-mon ceph-osd ceph-common)");
        await using var ceph = await RadosGateway.StartAsync(Cancellation);
        await using var rig = await ExportRig.StartAsync(postgres);
        var rows = await rig.RecordsAsync(130);
        var good = new NewStorage { Name = "ceph", Kind = "s3", Endpoint = ceph.Url, Bucket = RadosGateway.Bucket, AccessKeyID = RadosGateway.Key, SecretAccessKey = RadosGateway.Secret, ChecksumMode = "WHEN_REQUIRED" };

        // the SDK's own default: this release either takes it or is told apart with advice
        var standard = await rig.Storages.Test(rig.Admin, good with { ChecksumMode = "WHEN_SUPPORTED" }, Cancellation);
        output.WriteLine($"Ceph ready after {ceph.Start.TotalSeconds:0.0} s; WHEN_SUPPORTED: {(standard.Ok ? "taken" : standard.Error)}");
        Assert.True(standard.Ok || standard.Error!.Contains("WHEN_REQUIRED", StringComparison.Ordinal), standard.Error);
        var required = await rig.Storages.Test(rig.Admin, good, Cancellation);
        Assert.True(required.Ok, required.Error);

        await FailsAsync(good with { AccessKeyID = "AKIAWRONG" }, "InvalidAccessKeyId");
        await FailsAsync(good with { SecretAccessKey = "wrong" }, "SignatureDoesNotMatch");
        await FailsAsync(good with { Bucket = "none" }, "NoSuchBucket");

        var done = await ExportAsync(good);
        Assert.Equal((ExportStates.Completed, 130L, (string?)null), (done.State, done.ExportedRows, done.Error));
        using var client = ceph.Client();
        var lines = new List<string>();
        foreach (var key in done.Objects)
        {
            using var answer = await client.GetObjectAsync(RadosGateway.Bucket, key, Cancellation);
            using var content = new MemoryStream();
            await answer.ResponseStream.CopyToAsync(content, Cancellation);
            lines.AddRange(ExportRig.Lines(content.ToArray()).Select(line => line["id"]!.GetValue<string>()));
        }

        Assert.Equal(rows.OrderBy(row => row.At).ThenBy(row => row.Id).Select(row => row.Id.ToString()), lines);
        Assert.Equal(done.Objects.Order(StringComparer.Ordinal), (await client.ListObjectsV2Async(new() { BucketName = RadosGateway.Bucket }, Cancellation)).S3Objects.Select(one => one.Key).Order(StringComparer.Ordinal));
        output.WriteLine($"{lines.Count} records in {done.Objects.Count} objects");

        async Task FailsAsync(NewStorage settings, string code)
        {
            Assert.Contains(code, (await rig.Storages.Test(rig.Admin, settings, Cancellation)).Error, StringComparison.Ordinal);
            var failed = await ExportAsync(settings);
            Assert.Equal((ExportStates.Failed, 0L), (failed.State, failed.ExportedRows));
            Assert.Contains(code, failed.Error, StringComparison.Ordinal);
        }

        async Task<ExportView> ExportAsync(NewStorage settings)
        {
            var storage = await rig.Storages.Create(rig.Admin, settings, Cancellation);
            var export = await rig.Exports.Create(rig.Admin, new() { StorageCredentialID = storage.Id, StartTime = Noon.AddDays(-2), EndTime = Noon.AddDays(1) }, Cancellation);
            await rig.Run().RunAsync(export.Id, Cancellation);
            return (await rig.Exports.Find(rig.Admin, export.Id, Cancellation))!;
        }
    }
}
