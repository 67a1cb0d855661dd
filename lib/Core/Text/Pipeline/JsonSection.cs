using System.Text.Json;
using ClipNotebooks.Core.Base;

namespace ClipNotebooks.Core.Text.Pipeline;

/// <summary>
/// A part of a tokenizer's JSON file, with its place for messages. A value of another kind than requested is refused, and the message names
/// its key.
/// </summary>
/// <param name="Element">The part.</param>
/// <param name="File">The file's path.</param>
/// <param name="Key">The part's place, such as <c>normalizer.normalizers[1]</c>; empty for the whole file.</param>
internal readonly record struct JsonSection(JsonElement Element, string File, string Key)
{
    /// <summary>Reads a file that is one JSON object.</summary>
    /// <exception cref="InvalidDataException">It is not JSON, or a value in it is of the wrong kind.</exception>
    internal static T Load<T>(string path, Func<JsonSection, T> read)
    {
        ModelFile.RequireReadable(path);
        try
        {
            using var json = JsonDocument.Parse(TextFile.Read(path));
            var root = new JsonSection(json.RootElement, path, "");
            return json.RootElement.ValueKind == JsonValueKind.Object ? read(root) : throw root.Wrong("is no JSON object");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException or OverflowException)
        {
            throw new InvalidDataException($"{path} is damaged: {exception.Message} Copy it anew from where the model came from.",
                exception);
        }
    }

    /// <summary>The object's <c>type</c>.</summary>
    internal string Type => Text("type");

    internal bool Has(string key) =>
        Element.ValueKind == JsonValueKind.Object && Element.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null;

    internal JsonSection this[string key] =>
        Has(key) ? new(Element.GetProperty(key), File, Name(key)) : throw new InvalidDataException($"{File}: \"{Name(key)}\" is missing.");

    internal string Text(string key) => this[key].AsText();

    internal string? TextOrNone(string key) => Has(key) ? Text(key) : null;

    internal bool Flag(string key, bool otherwise) => !Has(key) ? otherwise : this[key] is var value && value.Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw value.Wrong("is neither true nor false"),
    };

    internal int Whole(string key) => this[key].AsWhole();

    internal string AsText() => Element.ValueKind == JsonValueKind.String ? Element.GetString()! : throw Wrong("is no text");

    internal int AsWhole() =>
        Element.ValueKind == JsonValueKind.Number && Element.TryGetInt32(out int whole)
            && whole >= 0 ? whole : throw Wrong("is no id or count");

    internal double AsNumber() => Element.ValueKind == JsonValueKind.Number ? Element.GetDouble() : throw Wrong("is no number");

    internal IEnumerable<JsonSection> Items()
    {
        if (Element.ValueKind != JsonValueKind.Array) throw Wrong("is no list");
        var (file, key) = (File, Key);
        return Element.EnumerateArray().Select((item, i) => new JsonSection(item, file, $"{key}[{i}]"));
    }

    internal IEnumerable<(string Name, JsonSection Value)> Entries()
    {
        if (Element.ValueKind != JsonValueKind.Object) throw Wrong("is no object");
        var section = this;
        return Element.EnumerateObject().Select(entry =>
            (entry.Name, new JsonSection(entry.Value, section.File, section.Name(entry.Name))));
    }

    /// <summary>Throws if there is an option outside <paramref name="keys"/>: it could change ids.</summary>
    internal void Only(params string[] keys)
    {
        foreach (var (name, value) in Entries())
            if (value.Element.ValueKind != JsonValueKind.Null && !keys.Contains(name, StringComparer.Ordinal)) throw value.Unsupported();
    }

    internal InvalidDataException Wrong(string why) =>
        new($"{File}: \"{Key}\" {why}: {Show()}. Copy the file anew from where the model came from.");

    internal NotSupportedException Unsupported(string? supported = null)
    {
        string verb = supported?.Contains(',', StringComparison.Ordinal) == true ? "are" : "is";
        return new($"{File}: \"{Key}\" is {Show()}, which is not supported{(supported is null ? "" : $"; {supported} {verb}")}.");
    }

    private string Name(string key) => Key.Length == 0 ? key : $"{Key}.{key}";

    private string Show()
    {
        string text = Element.GetRawText();
        return text.Length <= 60 ? text : text[..60] + "…";
    }
}
