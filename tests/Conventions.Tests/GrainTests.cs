using System.Reflection;
using Orleans;
using Orleans.Runtime;
using Xunit;

namespace Obot.Conventions.Tests;

/// <summary>What keeps stored state readable: names that do not follow the code.</summary>
public sealed class GrainTests
{
    private static readonly Assembly Grains = Assembly.Load("Obot.Grains");
    private static readonly Assembly Abstractions = Assembly.Load("Obot.Grains.Abstractions");

    private static IEnumerable<Type> GrainClasses => Grains.GetTypes().Where(type => type is { IsClass: true, IsAbstract: false } && type.IsAssignableTo(typeof(Grain)));

    [Fact]
    public void Grains_HaveAnExplicitType() =>
        Assert.Empty(GrainClasses.Where(type => type.GetCustomAttribute<GrainTypeAttribute>() is null));

    [Fact]
    public void Grains_AreSealedAndInternal() =>
        Assert.Empty(GrainClasses.Where(type => !type.IsSealed || type.IsPublic));

    /// <summary>ADO.NET storage keys a row by (grain key, state name): two classes with one name would share rows.</summary>
    [Fact]
    public void StateNames_AreUnique()
    {
        var names = GrainClasses.SelectMany(type => type.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
            .SelectMany(constructor => constructor.GetParameters())
            .Select(parameter => parameter.GetCustomAttribute<PersistentStateAttribute>()?.StateName)
            .OfType<string>().ToList();
        Assert.NotEmpty(names);
        Assert.Equal(names.Distinct(StringComparer.Ordinal), names);
    }

    [Fact]
    public void GrainMethods_HaveAliases()
    {
        var methods = Grains.GetTypes().Concat(Abstractions.GetTypes())
            .Where(type => type.IsInterface && type.IsAssignableTo(typeof(IAddressable)) && type.Namespace?.StartsWith("Obot", StringComparison.Ordinal) == true)
            .SelectMany(type => type.GetMethods());
        Assert.Empty(methods.Where(method => method.GetCustomAttribute<AliasAttribute>() is null).Select(method => $"{method.DeclaringType}.{method.Name}"));
    }
}
