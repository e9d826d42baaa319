using Obot.Benchmarks;
using Obot.Benchmarks.Audit;
using Obot.Benchmarks.Fixtures;
using Obot.Benchmarks.Llm;
using Obot.Benchmarks.Load;
using Obot.Benchmarks.Storage;

// one program in several parts, each in a process of its own
var arguments = new Arguments(args);
return args switch
{
    ["server", ..] => await EchoServer.RunAsync(),
    ["hook", ..] => await HookReceiver.RunAsync(),
    ["yarp", ..] => await YarpHop.RunAsync(arguments),
    ["growth", ..] => await GrowthCommand.RunAsync(arguments, TimeProvider.System),
    ["storage", ..] => await StorageCommand.RunAsync(arguments),
    ["llm-server", ..] => await ModelServer.RunAsync(),
    ["llm", ..] => await LlmBench.RunAsync(arguments, TimeProvider.System),
    ["load", ..] => LoadCommand.Run(arguments),
    _ => await Bench.RunAsync(arguments, TimeProvider.System),
};
