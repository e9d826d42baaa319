using Obot.ConformanceServer;

var face = Face.Parse(args);
if (face is null)
{
    await Console.Error.WriteLineAsync("usage: ConformanceServer --stdio | --http PORT [--any] [--stateless]");
    return 2;
}

if (face.Port is { } port)
{
    await HttpFace.RunAsync(port, face.Stateless, face.Any);
}
else
{
    await StdioFace.RunAsync();
}

return 0;
