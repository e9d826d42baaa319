using System.Globalization;

namespace Obot.Benchmarks;

/// <summary>Options of the form <c>--name value</c>.</summary>
internal sealed class Arguments(IReadOnlyList<string> arguments)
{
    public string? Find(string name) =>
        arguments.SkipWhile(argument => argument != name).Skip(1).FirstOrDefault();

    public string Text(string name) => Find(name) ?? throw new InvalidOperationException($"{name} is missing");

    public double Number(string name, double otherwise) => Find(name) is { } text ? double.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    public IReadOnlyList<string> List(string name, params string[] otherwise) => Find(name)?.Split(',') ?? otherwise;
}
