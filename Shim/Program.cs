using Obot.Shim.Bridge;
using Obot.Shim.Guard;
using Obot.Shim.Guard.Filters;
using Obot.Shim.Guard.Pool;

return args switch
{
    ["bridge", ..] => await BridgeHost.RunAsync(Console.OpenStandardInput(), Console.OpenStandardOutput(), TimeProvider.System),
    ["guard", "--pool"] => await PoolHost.RunAsync(Console.OpenStandardInput(), Console.OpenStandardOutput(), TimeProvider.System),
    ["guard", ..] => await GuardHost.RunAsync(Console.OpenStandardInput(), Console.OpenStandardOutput(), TimeProvider.System),
    ["filter", ..] => await FilterTrialHost.RunAsync(Console.OpenStandardInput(), Console.OpenStandardOutput(), TimeProvider.System),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: Obot.Shim bridge|guard [--pool]|filter   (the boot document is read from standard input)");
    return 2;
}
