namespace Obot.Benchmarks.Fixtures;

/// <summary>A webhook that reads the message and accepts it: what is left is what a filter costs the guard and the wire.</summary>
internal static class HookReceiver
{
    public static async Task<int> RunAsync()
    {
        await using var app = KestrelPart.Create(0).Build();
        app.Run(async context => await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted));
        return await KestrelPart.ServeAsync(app);
    }
}
