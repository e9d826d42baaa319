using Obot.Shim.Boot;
using Obot.Shim.Bridge;
using Obot.Shim.Guard;
using Obot.Shim.Guard.Filters;
using Obot.Shim.Guard.Pool;

return args switch
{
    ["bridge", "--boot", var file] => await BridgeHost.RunAsync(new BootFile(file), Console.OpenStandardOutput(), TimeProvider.System),
    ["guard", "--boot", var file] => await GuardHost.RunAsync(new BootFile(file), Console.OpenStandardOutput(), TimeProvider.System),
    ["listen", var port] => await PortProbe.RunAsync(port),
    ["bridge", ..] => await BridgeHost.RunAsync(Console.OpenStandardInput(), Console.OpenStandardOutput(), TimeProvider.System),
    ["guard", "--pool"] => await PoolHost.RunAsync(Console.OpenStandardInput(), Console.OpenStandardOutput(), TimeProvider.System),
    ["guard", ..] => await GuardHost.RunAsync(Console.OpenStandardInput(), Console.OpenStandardOutput(), TimeProvider.System),
    ["filter", ..] => await FilterTrialHost.RunAsync(Console.OpenStandardInput(), Console.OpenStandardOutput(), TimeProvider.System),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: Obot.Shim bridge|guard [--pool | --boot FILE]|filter|listen PORT   (the boot document is read from standard input, or from FILE)");
    return 2;
}
