using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Inference.Prepared;
using ClipNotebooks.Core.Base;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Clip.Inference;

/// <summary>The parameters of a tower in a file of weights, without libtorch where that is safetensors.</summary>
/// <param name="file">The file.</param>
/// <param name="find">Where it has a parameter of a whole model.</param>
/// <param name="prefix">What the tower's names begin with in a whole model: <c>visual.</c> for an image tower.</param>
internal sealed class FileWeights(IWeightFile file, Func<string, ParameterSource> find, string prefix) : ITowerWeights
{
    private float[] _matrix = [], _turned = [];

    /// <summary>The file's names of what was read.</summary>
    internal HashSet<string> Seen { get; } = new(StringComparer.Ordinal);

    /// <summary>What was read: names in a whole model, and shapes.</summary>
    internal Dictionary<string, long[]> Shapes { get; } = new(StringComparer.Ordinal);

    public ReadOnlySpan<float> Read(string name, params ReadOnlySpan<long> shape)
    {
        var values = Stored(name, shape.ToArray(), out bool transposed);
        return transposed ? Transposed(values, (int)shape[1]) : values;
    }

    public ReadOnlySpan<float> ReadTransposed(string name, long outputs, long inner)
    {
        var values = Stored(name, [inner, outputs], out bool transposed);
        return transposed ? values : Transposed(values, (int)inner);
    }

    /// <summary>A matrix that is not transposed, in memory of its own.</summary>
    /// <exception cref="CheckpointException">The file lacks the parameter, or has it in another shape.</exception>
    internal unsafe FloatMemory ReadMemory(string name, params long[] shape)
    {
        var parts = Parts(name, shape);
        var memory = new FloatMemory(Count(shape), zero: false);
        Fill(parts, new Span<float>(memory.Values, checked((int)Count(shape))));
        return memory;
    }

    /// <summary>The values as the file has them.</summary>
    /// <exception cref="CheckpointException">The file lacks the parameter, or has it in another shape.</exception>
    private Span<float> Stored(string name, long[] shape, out bool transposed)
    {
        transposed = find(prefix + name).Transposed;
        var parts = Parts(name, shape);
        int count = checked((int)Count(shape));
        var values = shape.Length < 2 ? new float[count] : Room(ref _matrix, count);
        Fill(parts, values);
        return values;
    }

    private List<(string Key, long[] Shape)> Parts(string name, long[] shape)
    {
        Shapes[prefix + name] = shape;
        var source = find(prefix + name);
        List<(string Key, long[] Shape)> parts = [.. source.Sources.Zip(source.Shapes(shape))];
        foreach (var (key, wanted) in parts)
        {
            if (!file.Contains(key) || file.Shape(key) is var found && !found.SequenceEqual(wanted)
                && !WeightCopy.IsOneNumber(found, wanted))
                throw new CheckpointException($"{file.Path} has no {Quote.Cut(key)} of the shape ({string.Join(", ", wanted)}).");
        }
        return parts;
    }

    private void Fill(List<(string Key, long[] Shape)> parts, Span<float> values)
    {
        foreach (var (key, shape) in parts)
        {
            file.ReadInto(key, values[..(int)Count(shape)]);
            Seen.Add(key);
            values = values[(int)Count(shape)..];
        }
    }

    private static long Count(long[] shape) => shape.Aggregate(1L, (count, side) => count * side);

    /// <summary>(R, C) → (C, R).</summary>
    private Span<float> Transposed(ReadOnlySpan<float> values, int rows)
    {
        int columns = values.Length / rows;
        var turned = Room(ref _turned, values.Length);
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++) turned[column * rows + row] = values[row * columns + column];
        return turned;
    }

    /// <summary>Room that is used again and again: what a file takes beside the model is its largest matrix.</summary>
    private static Span<float> Room(ref float[] room, int count)
    {
        if (room.Length < count) room = GC.AllocateUninitializedArray<float>(count);
        return room.AsSpan(0, count);
    }
}
