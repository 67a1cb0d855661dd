using ClipNotebooks.Clip.Inference.Prepared;
using static TorchSharp.torch;

namespace ClipNotebooks.Cli.Measuring;

/// <summary>The prepared float32 form's products and nothing else, one after the other.</summary>
internal sealed class PackedProducts : IDisposable
{
    private readonly int _rows;
    private readonly PackedLinear[] _products;
    private readonly RowBuffer[] _inputs;
    private readonly RowBuffer _output;

    /// <param name="rows">The rows of each product.</param>
    /// <param name="shapes">
    /// The inner dimension and the columns of each product; those with the same inner dimension share their input.
    /// </param>
    internal PackedProducts(int rows, IReadOnlyList<(int Inner, int Columns)> shapes)
    {
        using var scope = NewDisposeScope();
        _rows = rows;
        _products = [.. shapes.Select(shape => new PackedLinear(
            randn(shape.Columns, shape.Inner).Values(), randn(shape.Columns).Values(), shape.Columns))];
        var inputs = shapes.Select(shape => shape.Inner).Distinct().ToDictionary(inner => inner, inner => new RowBuffer(rows, inner));
        _inputs = [.. shapes.Select(shape => inputs[shape.Inner])];
        _output = new RowBuffer(rows, shapes.Max(shape => shape.Columns));
    }

    internal void Run()
    {
        using var team = ThreadTeam.Begin(get_num_threads());
        for (int i = 0; i < _products.Length; i++) _products[i]
            .Run(team, _inputs[i], _output, _rows, follower: _products[(i + 1) % _products.Length]);
    }

    public void Dispose()
    {
        foreach (var part in new IEnumerable<IDisposable>[] { _products, _inputs.Distinct(), [_output] }.SelectMany(
            parts => parts)) part.Dispose();
    }
}
