using System.Diagnostics;
using Obot.Grains.Abstractions.Exports;
using Obot.Grains.Exports;

namespace Obot.Grains.Tests.Exports;

/// <summary>A disk that is full in the middle of an export.</summary>
[Collection(nameof(PostgresTests))]
public sealed class FullDiskTests(Postgres postgres, ITestOutputHelper output)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Directory_OnAFullDisk_FailsWithoutHalves_AndGoesOnWhenThereIsRoom()
    {
        var disk = Directory.CreateTempSubdirectory("obot-disk-").FullName;
        Assert.SkipUnless(Run("mount", "-t", "tmpfs", "-o", "size=128k,mode=700", "obot-tests", disk), "LEFT OUT: a small disk cannot be mounted here (needs root)");
        try
        {
            await using var rig = await ExportRig.StartAsync(postgres);
            rig.Options.MaxAttempts = 2;
            var rows = await rig.RecordsAsync(130);
            var storage = await rig.Storages.Create(rig.Admin, new() { Name = "small", Kind = "directory", Directory = $"{disk}/exports" }, Cancellation);
            var ballast = Path.Combine(disk, "ballast");
            var export = await rig.Exports.Create(rig.Admin, new() { StorageCredentialID = storage.Id, StartTime = ExportRig.Noon.AddDays(-2), EndTime = ExportRig.Noon.AddDays(1) }, Cancellation);
            await File.WriteAllBytesAsync(ballast, new byte[116 * 1024], Cancellation);
            await rig.Run().RunAsync(export.Id, Cancellation);
            var failed = await FindAsync();
            output.WriteLine($"{failed.Objects.Count} objects before the disk was full: {failed.Error}");
            Assert.Equal(ExportStates.Failed, failed.State);
            Assert.Contains("No space left", failed.Error, StringComparison.Ordinal);
            Assert.True(failed.ExportedRows < 130);
            Assert.Equal(failed.Objects.Count, Directory.GetFiles(Path.Combine(disk, "exports"), "*", SearchOption.AllDirectories).Length);

            File.Delete(ballast);
            await rig.Exports.Retry(rig.Admin, export.Id, Cancellation);
            await rig.Run().RunAsync(export.Id, Cancellation);
            var done = await FindAsync();
            Assert.Equal(ExportStates.Completed, done.State);
            var ids = done.Objects.SelectMany(name => ExportRig.Lines(File.ReadAllBytes(Path.Combine(disk, "exports", name)))).Select(line => line["id"]!.GetValue<string>());
            Assert.Equal(rows.OrderBy(row => row.At).ThenBy(row => row.Id).Select(row => row.Id.ToString()), ids);

            async Task<ExportView> FindAsync() => (await rig.Exports.Find(rig.Admin, export.Id, Cancellation))!;
        }
        finally
        {
            Run("umount", disk);
            Directory.Delete(disk);
        }
    }

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false });
        process?.WaitForExit();
        return process?.ExitCode == 0;
    }
}
