using Obot.Shim.Bridge;

return args switch
{
    ["bridge", ..] => await BridgeHost.RunAsync(),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: Obot.Shim bridge|guard   (the boot document is read from standard input)");
    return 2;
}
