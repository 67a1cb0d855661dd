using System.Text.Json;
using System.Text.Json.Nodes;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Core.Hub;

/// <summary>One object of a configuration file. Values are read one by one, and each error names its key.</summary>
internal sealed class ConfigSection
{
    private readonly JsonObject _values;
    private readonly string _prefix;

    private ConfigSection(JsonObject values, string prefix) => (_values, _prefix) = (values, prefix);

    /// <summary>
    /// Reads a file and builds a result from it. Every fault becomes a <see cref="CheckpointException"/> that names the file.
    /// </summary>
    internal static T Load<T>(string path, Func<ConfigSection, T> make)
    {
        try
        {
            if (ModelFile.Fault(path) is { } fault) throw new FormatException(fault);
            // The longest published configuration has a few thousand characters.
            if (new FileInfo(path).Length > 10_000_000) throw new FormatException("it is larger than 10 MB");
            return make(new ConfigSection(JsonNode.Parse(File.ReadAllBytes(path)) as JsonObject
                ?? throw new FormatException("it is not a JSON object"), ""));
        }
        catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException or ArgumentException
            or NotSupportedException)
        {
            string cure = exception is NotSupportedException ? "" : " Correct it, or copy it anew from where the model came from.";
            throw new CheckpointException($"{path} does not describe a CLIP that can be built: " +
                $"{(exception is JsonException ? "it is not JSON. " : "")}{exception.Message.TrimEnd('.')}.{cure}", exception);
        }
    }

    /// <summary>An empty section, for one that a file leaves out.</summary>
    internal static ConfigSection Empty(string prefix) => new([], prefix);

    /// <summary>A section over values that are already parsed.</summary>
    internal static ConfigSection Of(JsonObject values, string prefix) => new(values, prefix);

    /// <summary>A key as messages name it, with the sections around it.</summary>
    internal string Name(string key) => _prefix + key;

    internal bool Has(string key) => _values[key] is not null;

    internal bool IsWord(string key) => _values[key] is JsonValue value && value.TryGetValue(out string? _);

    /// <summary>Whether a key is there and says null.</summary>
    internal bool IsNull(string key) => _values.ContainsKey(key) && _values[key] is null;

    /// <summary>The nested object under <paramref name="instead"/>, if there is one; otherwise that under <paramref name="key"/>.</summary>
    internal ConfigSection Section(string key, string? instead = null)
    {
        if (instead is not null && _values[instead] is JsonObject other) return new ConfigSection(other, $"{_prefix}{instead}.");
        if (_values[key] is not JsonObject inner) throw new FormatException(
            $"\"{_prefix}{key}\" is {(_values.ContainsKey(key) ? "not an object" : "missing")}");
        return new ConfigSection(inner, $"{_prefix}{key}.");
    }

    /// <summary>The error for a valid file that asks for what this library cannot build.</summary>
    internal static NotSupportedException Unsupported(string what) =>
        new($"{what}. The Python package that the model was published for (transformers, open_clip) runs it");

    /// <summary>A whole number from 1 to <paramref name="largest"/>, which limits what a faulty configuration can ask for.</summary>
    internal int Count(string key, int otherwise, int largest = 65536)
    {
        if (_values[key] is not { } node) return otherwise;
        return node is JsonValue value && value.TryGetValue(out int number) && number >= 1 && number <= largest
            ? number
            : throw new FormatException($"\"{_prefix}{key}\" is {Show(node)}; a whole number from 1 to {largest} is needed");
    }

    /// <summary>A token's id.</summary>
    internal int Id(string key, int otherwise)
    {
        if (_values[key] is not { } node) return otherwise;
        return node is JsonValue value && value.TryGetValue(out int number) && number >= 0
            ? number
            : throw new FormatException($"\"{_prefix}{key}\" is {Show(node)}; a token's id is needed");
    }

    internal double Number(string key, double otherwise)
    {
        if (_values[key] is not { } node) return otherwise;
        return node is JsonValue value && value.TryGetValue(out double number) && double.IsFinite(number)
            ? number
            : throw new FormatException($"\"{_prefix}{key}\" is {Show(node)}, not a number");
    }

    internal string Word(string key, string otherwise)
    {
        if (_values[key] is not { } node) return otherwise;
        return node is JsonValue value && value.TryGetValue(out string? word) && word.Length <= Quote.Longest ? word :
            throw new FormatException($"\"{_prefix}{key}\" is {Show(node)}, not a word");
    }

    /// <summary>One of several words; the first if the key is missing.</summary>
    internal string Choice(string key, params string[] words)
    {
        string word = Word(key, words[0]);
        return words.Contains(word) ? word
            : throw Unsupported($"\"{_prefix}{key}\" is " +
            $"\"{word}\"; {string.Join(", ", words.Where(known => known.Length > 0).Distinct().Select(known => $"\"{known}\""))} are " +
            $"supported");
    }

    /// <summary>The side of a square, given as a number or as two equal ones.</summary>
    internal int? Side(string key, int? otherwise)
    {
        if (Counts(key) is not { } sides) return Has(key) ? Count(key, 1) : otherwise;
        return sides is [var height, var width] && height == width ? height
            : throw Unsupported($"\"{_prefix}{key}\" is {Show(_values[key]!)}; a square is supported, as [16, 16]");
    }

    internal bool Flag(string key)
    {
        if (_values[key] is not { } node) return false;
        return node is JsonValue value && value.TryGetValue(out bool flag) ? flag
            : throw new FormatException($"\"{_prefix}{key}\" is {Show(node)}; true or false is needed");
    }

    /// <summary>The whole numbers in a list; null if the value is not a list.</summary>
    internal int[]? Counts(string key) => _values[key] is JsonArray list
        ? [.. list.Select(item => item is JsonValue value && value.TryGetValue(out int number) && number is >= 1 and <= 65536
            ? number
            : throw new FormatException($"\"{_prefix}{key}\" is {Show(list)}; whole numbers are needed"))]
        : null;

    /// <summary>
    /// Throws, naming the key, if a key outside <paramref name="known"/> has a value other than null, false, or an empty object or list.
    /// </summary>
    internal void RefuseOthers(IReadOnlyCollection<string> known) => Refuse(key => !known.Contains(key));

    /// <summary>Throws, naming the key, if one of the given keys has a value other than null, false, or an empty object or list.</summary>
    internal void Refuse(params string[] keys) => Refuse(keys.Contains);

    /// <summary>Throws unless a word is missing or is the supported one.</summary>
    internal void Only(string key, string supported)
    {
        string value = Word(key, supported);
        if (value != supported) throw Unsupported($"\"{_prefix}{key}\" is \"{value}\"; \"{supported}\" is supported");
    }

    private void Refuse(Func<string, bool> isRefused)
    {
        foreach (var (key, node) in _values)
        {
            bool asks = node switch
            {
                null => false,
                JsonObject inner => inner.Count > 0,
                JsonArray list => list.Count > 0,
                JsonValue value => !(value.TryGetValue(out bool flag) && !flag),
                _ => true,
            };
            if (asks && isRefused(key)) throw Unsupported($"\"{_prefix}{Quote.Cut(key)}\" is {Show(node!)}, which is not supported");
        }
    }

    private static string Show(JsonNode node)
    {
        string text = node.ToJsonString();
        return text.Length <= 60 ? text : text[..60] + "…";
    }
}
