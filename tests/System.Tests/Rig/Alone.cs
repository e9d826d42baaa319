namespace Obot.SystemTests.Rig;

/// <summary>Tests that kill silos, cut connections or measure time: nothing runs beside them, and they come last.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}
