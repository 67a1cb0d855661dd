using System.Text.Json;
using System.Text.Json.Nodes;

namespace ClipNotebooks.Clip.Checkpoints;

/// <summary>One object of a configuration file, read value by value, each fault naming its key.</summary>
internal sealed class ConfigSection
{
    private readonly JsonObject _values;
    private readonly string _prefix;

    private ConfigSection(JsonObject values, string prefix) => (_values, _prefix) = (values, prefix);

    internal IEnumerable<string> Keys => _values.Select(pair => pair.Key);

    /// <summary>Reads a file and makes something of it, every fault becoming one exception that names the file.</summary>
    internal static T Load<T>(string path, Func<ConfigSection, T> make)
    {
        try
        {
            // The longest published configuration has a few thousand characters.
            if (new FileInfo(path).Length > 10_000_000) throw new FormatException("it is larger than 10 MB");
            return make(new ConfigSection(JsonNode.Parse(File.ReadAllBytes(path)) as JsonObject ?? throw new FormatException("it is not a JSON object"), ""));
        }
        catch (Exception exception) when (exception is JsonException or FormatException or InvalidOperationException or ArgumentException)
        {
            throw new CheckpointException($"{path} does not describe a CLIP that can be built: {exception.Message.TrimEnd('.')}.", exception);
        }
    }

    /// <summary>A key as messages name it, with the sections around it.</summary>
    internal string Name(string key) => _prefix + key;

    internal bool Has(string key) => _values[key] is not null;

    /// <summary>An object inside; its values yield to those of <paramref name="overrides"/> where that is an object too.</summary>
    internal ConfigSection Section(string key, string? overrides = null)
    {
        if (_values[key] is not JsonObject inner) throw new FormatException($"\"{_prefix}{key}\" is {(_values.ContainsKey(key) ? "not an object" : "missing")}");
        if (overrides is not null && _values[overrides] is JsonObject over)
        {
            inner = (JsonObject)inner.DeepClone();
            foreach (var (name, value) in over) inner[name] = value?.DeepClone();
        }
        return new ConfigSection(inner, $"{_prefix}{key}.");
    }

    /// <summary>A whole number from 1 to <paramref name="largest"/>, which bounds what a false configuration can ask for.</summary>
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
        return node is JsonValue value && value.TryGetValue(out string? word) ? word : throw new FormatException($"\"{_prefix}{key}\" is {Show(node)}, not a word");
    }

    internal bool Flag(string key)
    {
        if (_values[key] is not { } node) return false;
        return node is JsonValue value && value.TryGetValue(out bool flag) ? flag : throw new FormatException($"\"{_prefix}{key}\" is {Show(node)}; true or false is needed");
    }

    /// <summary>Whole numbers, where the value is a list; none where it is anything else.</summary>
    internal int[]? Counts(string key) => _values[key] is JsonArray list
        ? [.. list.Select(item => item is JsonValue value && value.TryGetValue(out int number) && number is >= 1 and <= 65536
            ? number
            : throw new FormatException($"\"{_prefix}{key}\" is {Show(list)}; whole numbers are needed"))]
        : null;

    /// <summary>Refuses, by name, each value that asks for something else than the usual: all but null, false, an empty object or list, and what <paramref name="known"/> has.</summary>
    internal void RefuseOthers(IReadOnlyCollection<string> known)
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
            if (asks && !known.Contains(key)) throw new FormatException($"\"{_prefix}{key}\" is {Show(node!)}, which is not supported");
        }
    }

    private static string Show(JsonNode node)
    {
        string text = node.ToJsonString();
        return text.Length <= 60 ? text : text[..60] + "…";
    }
}
