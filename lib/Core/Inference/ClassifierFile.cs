using System.Runtime.InteropServices;
using System.Text.Json;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Core.Inference;

/// <summary>A saved classifier: a safetensors file whose metadata hold the class names and templates.</summary>
/// <param name="ClassNames">C names.</param>
/// <param name="Templates">The sentences in which each name was embedded.</param>
/// <param name="Weights">C rows of E.</param>
/// <param name="Neutral">The embedding of the neutral name; null where classes exclude each other.</param>
/// <param name="Model">The fingerprint of the model.</param>
/// <param name="SourceStamp">The stamp of the files that the model was opened from; null where it has none.</param>
internal sealed record ClassifierFile(
    IReadOnlyList<string> ClassNames, IReadOnlyList<string> Templates, float[][] Weights, float[]? Neutral, string Model,
    string? SourceStamp)
{
    private const string Format = "clip-notebooks-classifier-1";

    internal void Write(string path)
    {
        // In the format's usual order: by name.
        List<(string Name, float[][] Rows)> tensors = [("weights", Weights)];
        if (Neutral is not null) tensors.Insert(0, ("neutral", [Neutral]));
        Dictionary<string, string> notes = new()
        {
            ["format"] = Format,
            ["class_names"] = JsonSerializer.Serialize(ClassNames),
            ["templates"] = JsonSerializer.Serialize(Templates),
            ["model"] = Model,
        };
        if (SourceStamp is not null) notes["source_stamp"] = SourceStamp;
        AtomicFile.Write(path, stream =>
        {
            SafetensorsHeader.Write(stream, tensors.Select(tensor =>
                (tensor.Name, "F32", (IReadOnlyList<long>)[tensor.Rows.Length, tensor.Rows[0].Length])), notes);
            foreach (float[] row in tensors.SelectMany(tensor => tensor.Rows)) stream.Write(MemoryMarshal.AsBytes(row.AsSpan()));
        });
    }

    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="CheckpointException">The file is damaged.</exception>
    /// <exception cref="InvalidDataException">The file is not a classifier, holds NaN, or another model made it.</exception>
    internal static ClassifierFile Read(string path, IClipEncoder encoder)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no safetensors file at {path}.", path);
        using var file = FileBytes.Open(path);
        var header = SafetensorsHeader.Read(file, path);
        if (header.Metadata.GetValueOrDefault("format") != Format)
            throw new InvalidDataException($"{path} is not a saved classifier: its header lacks \"format\": \"{Format}\".");
        string? made = header.Metadata.GetValueOrDefault("model"), stamp = header.Metadata.GetValueOrDefault("source_stamp");
        bool isKnown = made is not null && stamp is not null && stamp == encoder.SourceStamp;
        string given = isKnown ? made! : encoder.Fingerprint();
        if (made != given)
            throw new InvalidDataException($"{path} was made by another model: its fingerprint is {made}, this model's {given}. Open the " +
                $"model that made it, or make the classifier anew.");
        string[] names = Strings("class_names");
        float[][] weights = Rows("weights", names.Length);
        float[]? neutral = header.Entries.ContainsKey("neutral") ? Rows("neutral", 1)[0] : null;
        return new ClassifierFile(names, Strings("templates"), weights, neutral, given, stamp);

        string[] Strings(string key)
        {
            try
            {
                return JsonSerializer.Deserialize<string[]>(header.Metadata.GetValueOrDefault(key) ?? "null")
                    ?? throw new InvalidDataException($"{path} lacks \"{key}\" in its header.");
            }
            catch (JsonException exception)
            {
                throw new InvalidDataException($"{path}: \"{key}\" in its header is not a list of strings.", exception);
            }
        }

        float[][] Rows(string name, int count)
        {
            if (!header.Entries.TryGetValue(name, out var entry)) throw new CheckpointException($"{path} has no tensor \"{name}\".");
            if (count == 0 || entry.Type != "F32" || !entry.Shape.SequenceEqual([count, encoder.Width]))
                throw new InvalidDataException($"{path} names {names.Length} classes, and its \"{name}\" are " +
                    $"({Quote.Shape(entry.Shape)}) of {entry.Type}; ({count}, {encoder.Width}) of F32 is needed.");
            var values = new float[count * encoder.Width];
            file.Read(entry.Offset, MemoryMarshal.AsBytes(values.AsSpan()));
            if (!Array.TrueForAll(values, float.IsFinite))
                throw new InvalidDataException($"{path} holds NaN or infinity: make the classifier anew.");
            return [.. values.Chunk(encoder.Width)];
        }
    }
}
