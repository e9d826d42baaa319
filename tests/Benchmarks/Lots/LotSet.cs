using Obot.Benchmarks.Fixtures;
using Obot.SystemTests.Rig;

namespace Obot.Benchmarks.Lots;

/// <summary>Everything that is measured, up at the same time and idle but for the one whose turn it is.</summary>
internal sealed class LotSet : IAsyncDisposable
{
    private readonly Stack<IAsyncDisposable> running = [];
    private readonly List<Lot> lots = [];

    public IReadOnlyList<Lot> Lots => lots;

    public Product? Product { get; private set; }

    public static async Task<LotSet> StartAsync(Scratch scratch, IReadOnlyList<string> wanted)
    {
        var set = new LotSet();
        try
        {
            await set.FillAsync(scratch, wanted);
            return set;
        }
        catch
        {
            await set.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        while (running.TryPop(out var one))
        {
            await one.DisposeAsync();
        }
    }

    private async Task FillAsync(Scratch scratch, IReadOnlyList<string> wanted)
    {
        var (_, echo) = Keep(await Child.ServeAsync("server"));
        Add(Lot.Direct, new Uri(echo, "/mcp"), []);
        await AddNginxAsync(scratch, echo, wanted);
        if (wanted.Contains(Lot.TwoYarp))
        {
            var inner = Keep(await Child.ServeAsync("yarp", "--to", echo.ToString()));
            var outer = Keep(await Child.ServeAsync("yarp", "--to", inner.Url.ToString()));
            Add(Lot.TwoYarp, new Uri(outer.Url, "/mcp"), [inner.Child, outer.Child]);
        }

        if (wanted.Contains(Lot.Governed))
        {
            Product = await Product.StartAsync(scratch);
            running.Push(Product);
            lots.Add(await Product.ServeAsync(echo));
            lots.Add(await Product.ServeExchangedAsync(echo));
            var (_, hook) = Keep(await Child.ServeAsync("hook"));
            lots.AddRange(await FilteredLots.ServeAsync(Product, echo, hook, wanted));
        }

        lots.RemoveAll(lot => !wanted.Contains(lot.Name));
    }

    private async Task AddNginxAsync(Scratch scratch, Uri echo, IReadOnlyList<string> wanted)
    {
        if (!wanted.Contains(Lot.OneNginx) && !wanted.Contains(Lot.TwoNginx))
        {
            return;
        }

        if (NginxHop.Find() is not { } nginx)
        {
            await Console.Error.WriteLineAsync("SKIPPED: nginx is not installed (Debian, Ubuntu: apt-get install nginx); its lots are left out");
            return;
        }

        var inner = Keep(await NginxHop.StartAsync(nginx, scratch, echo));
        var outer = Keep(await NginxHop.StartAsync(nginx, scratch, inner.Url));
        Add(Lot.OneNginx, new Uri(inner.Url, "/mcp"), [inner.Child]);
        Add(Lot.TwoNginx, new Uri(outer.Url, "/mcp"), [inner.Child, outer.Child]);
    }

    private (Child Child, Uri Url) Keep((Child Child, Uri Url) started)
    {
        running.Push(started.Child);
        return started;
    }

    private void Add(string name, Uri url, Child[] hops) => lots.Add(new(name, url, () => [.. hops.SelectMany(hop => hop.Pids)]));
}
