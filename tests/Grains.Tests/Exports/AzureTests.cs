using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Azure.Storage;
using Azure.Storage.Blobs;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Exports;
using Obot.Grains.Exports;
using Obot.SystemTests.Rig;

namespace Obot.Grains.Tests.Exports;

/// <summary>Exports to Azure Blob Storage as its vendor emulates it (npm <c>azurite</c>).</summary>
[Collection(nameof(PostgresTests))]
public sealed class AzureTests(Postgres postgres, ITestOutputHelper output)
{
    private const string Account = "obottests";
    private const string Container = "audit";
    private static readonly string Key = Convert.ToBase64String(new byte[32]);
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Export_ToAzurite_HoldsTheTablesRows_AndWhatIsWrongIsNamed()
    {
        await Npm.EnsureInstalledAsync();
        var folder = Directory.CreateTempSubdirectory("obot-azurite-");
        var port = FreePort();
        using var azurite = Start(folder.FullName, port);
        try
        {
            await UpAsync(azurite);
            var endpoint = $"http://127.0.0.1:{port}/{Account}";
            var blobs = new BlobContainerClient(new Uri($"{endpoint}/{Container}"), new StorageSharedKeyCredential(Account, Key));
            await blobs.CreateAsync(cancellationToken: Cancellation);
            await using var rig = await ExportRig.StartAsync(postgres);
            var rows = await rig.RecordsAsync(130);
            var good = new NewStorage { Name = "azure", Kind = "azure", Endpoint = endpoint, Bucket = Container, AccessKeyID = Account, SecretAccessKey = Key };

            Assert.Equal(new StorageTest(true, null, null), await rig.Storages.Test(rig.Admin, good, Cancellation));
            await FailsAsync(good with { SecretAccessKey = Convert.ToBase64String("wrong"u8) }, "AuthorizationFailure");
            Assert.Equal("secretAccessKey", (await Assert.ThrowsAsync<InvalidInputException>(() => rig.Storages.Create(rig.Admin, good with { SecretAccessKey = "***" }, Cancellation))).Field);
            await FailsAsync(good with { Bucket = "none" }, "ContainerNotFound");

            var done = await ExportAsync(good);
            Assert.Equal((ExportStates.Completed, 130L, (string?)null), (done.State, done.ExportedRows, done.Error));
            var lines = new List<string>();
            foreach (var name in done.Objects)
            {
                var content = await blobs.GetBlobClient(name).DownloadContentAsync(Cancellation);
                lines.AddRange(ExportRig.Lines(content.Value.Content.ToArray()).Select(line => line["id"]!.GetValue<string>()));
            }

            Assert.Equal(rows.OrderBy(row => row.At).ThenBy(row => row.Id).Select(row => row.Id.ToString()), lines);
            output.WriteLine($"{lines.Count} records in {done.Objects.Count} blobs");

            async Task FailsAsync(NewStorage settings, string code)
            {
                Assert.Contains(code, (await rig.Storages.Test(rig.Admin, settings, Cancellation)).Error, StringComparison.Ordinal);
                var failed = await ExportAsync(settings);
                Assert.Equal(ExportStates.Failed, failed.State);
                Assert.Contains(code, failed.Error, StringComparison.Ordinal);
            }

            async Task<ExportView> ExportAsync(NewStorage settings)
            {
                var storage = await rig.Storages.Create(rig.Admin, settings, Cancellation);
                var export = await rig.Exports.Create(rig.Admin, new() { StorageCredentialID = storage.Id, StartTime = ExportRig.Noon.AddDays(-2), EndTime = ExportRig.Noon.AddDays(1) }, Cancellation);
                await rig.Run().RunAsync(export.Id, Cancellation);
                return (await rig.Exports.Find(rig.Admin, export.Id, Cancellation))!;
            }
        }
        finally
        {
            azurite.Kill(entireProcessTree: true);
            await azurite.WaitForExitAsync(CancellationToken.None);
            folder.Delete(recursive: true);
        }
    }

    private static Process Start(string folder, int port)
    {
        var start = new ProcessStartInfo(Path.Combine(Repository.Clients, "node_modules", ".bin", "azurite-blob"), ["--blobHost", "127.0.0.1", "--blobPort", $"{port}", "--location", folder, "--skipApiVersionCheck", "--disableTelemetry"])
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["AZURITE_ACCOUNTS"] = $"{Account}:{Key}";
        return Process.Start(start)!;
    }

    private static async Task UpAsync(Process azurite)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(StartLimit);
        while (await azurite.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.Contains("successfully listen", StringComparison.OrdinalIgnoreCase))
            {
                _ = azurite.StandardOutput.ReadToEndAsync(CancellationToken.None);
                _ = azurite.StandardError.ReadToEndAsync(CancellationToken.None);
                return;
            }
        }

        throw new InvalidOperationException($"azurite: {await azurite.StandardError.ReadToEndAsync(limit.Token)}");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
