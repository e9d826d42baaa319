using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Obot.Grains.Catalog.Files;

/// <summary>A value of a YAML document and the line it stands on.</summary>
internal abstract record YamlValue(int Line);

/// <param name="Plain">Written without quotes: may be a number, a truth value or null.</param>
internal sealed record YamlText(int Line, string Text, bool Plain) : YamlValue(Line);

internal sealed record YamlList(int Line, IReadOnlyList<YamlValue> Items) : YamlValue(Line);

/// <param name="Members">In the order of the file; names may repeat.</param>
internal sealed record YamlMap(int Line, IReadOnlyList<YamlMember> Members) : YamlValue(Line);

internal sealed record YamlMember(string Name, int Line, YamlValue Value);

/// <summary>A file that is no YAML, or more than a catalog file may be.</summary>
internal sealed class YamlTroubleException(int line, string message) : Exception(message)
{
    public int Line { get; } = line;
}

/// <summary>Reads YAML written by strangers: bounded in depth and, aliases counted as often as they are used, in size.</summary>
internal sealed class YamlTree
{
    private const int MaxDepth = 32;
    private const int MaxValues = 100_000;

    /// <summary>Of the names of fields within each other: each field of the innermost one is told by all of them.</summary>
    private const int MaxPath = 500;

    /// <summary>A longer text counts as several values.</summary>
    private const int Text = 64;
    private readonly Parser _parser;
    private readonly Dictionary<string, (YamlValue Value, int Size)> _anchors = new(StringComparer.Ordinal);
    private int _values;

    private YamlTree(string text) => _parser = new Parser(new StringReader(text));

    /// <returns>One value a document; empty documents are left out.</returns>
    /// <exception cref="YamlTroubleException">Names the line.</exception>
    public static IReadOnlyList<YamlValue> Read(string text)
    {
        try
        {
            return new YamlTree(text).Documents();
        }
        catch (YamlException e)
        {
            throw new YamlTroubleException((int)e.Start.Line, $"Not valid YAML (column {e.Start.Column}): {(e.InnerException ?? e).Message}");
        }
    }

    private List<YamlValue> Documents()
    {
        var documents = new List<YamlValue>();
        while (_parser.MoveNext())
        {
            if (_parser.Current is DocumentStart)
            {
                _anchors.Clear();
                Next();
                if (Value(0, 0) is var value && value is not YamlText { Plain: true, Text: "" })
                {
                    documents.Add(value);
                }
            }
        }

        return documents;
    }

    private YamlValue Value(int depth, int path)
    {
        var now = _parser.Current!;
        var line = (int)now.Start.Line;
        if (depth > MaxDepth)
        {
            throw new YamlTroubleException(line, $"Nested more than {MaxDepth} levels deep.");
        }

        if (path > MaxPath)
        {
            throw new YamlTroubleException(line, $"The names of fields within each other have more than {MaxPath} characters.");
        }

        Count(1, line);
        if (now is AnchorAlias alias)
        {
            if (!_anchors.TryGetValue(alias.Value.Value, out var known))
            {
                throw new YamlTroubleException(line, $"The alias '*{alias.Value.Value}' has no anchor before it.");
            }

            Count(known.Size, line);
            return known.Value;
        }

        var before = _values;
        YamlValue value = now switch
        {
            Scalar scalar => new YamlText(line, Checked(scalar, line), scalar.IsPlainImplicit && scalar.Style == ScalarStyle.Plain),
            SequenceStart => List(line, depth, path),
            MappingStart => Map(line, depth, path),
            _ => throw new YamlTroubleException(line, "Not something that a catalog file may hold."),
        };
        if (now is NodeEvent { Anchor.IsEmpty: false } anchored)
        {
            _anchors[anchored.Anchor.Value] = (value, _values - before);
        }

        return value;
    }

    private YamlList List(int line, int depth, int path)
    {
        var items = new List<YamlValue>();
        for (Next(); _parser.Current is not SequenceEnd; Next())
        {
            items.Add(Value(depth + 1, path + 8));
        }

        return new(line, items);
    }

    private YamlMap Map(int line, int depth, int path)
    {
        var members = new List<YamlMember>();
        for (Next(); _parser.Current is not MappingEnd; Next())
        {
            if (_parser.Current is not Scalar name)
            {
                throw new YamlTroubleException((int)_parser.Current!.Start.Line, "A name of a field must be a text.");
            }

            var field = Checked(name, (int)name.Start.Line);
            Next();
            members.Add(new(field, (int)name.Start.Line, Value(depth + 1, path + field.Length + 1)));
        }

        return new(line, members);
    }

    private void Next()
    {
        if (!_parser.MoveNext())
        {
            throw new YamlTroubleException(0, "The file ends in the middle of a value.");
        }
    }

    /// <summary>As the database takes it.</summary>
    private string Checked(Scalar scalar, int line)
    {
        var text = scalar.Value;
        Count(text.Length / Text, line);
        for (var i = text.AsSpan().IndexOfAnyInRange('\ud800', '\udfff'); i >= 0 && i < text.Length; i++)
        {
            if (char.IsSurrogate(text[i]) && (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[++i])))
            {
                throw new YamlTroubleException(line, "A text holds half of a character.");
            }
        }

        return text.Contains('\0', StringComparison.Ordinal) ? throw new YamlTroubleException(line, "A text holds the character NUL.") : text;
    }

    private void Count(int values, int line)
    {
        _values += values;
        if (_values > MaxValues)
        {
            throw new YamlTroubleException(line, $"More than {MaxValues} values, aliases counted as often as they are used, and a long text as many.");
        }
    }
}
