using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Export;

/// <summary>
/// Position embeddings of grids of any shape in a graph: <see cref="PositionEmbedding.Smooth"/> for a whole batch. The interpolation
/// weights are computed in float32 in every graph: float16 cannot represent all position numbers.
/// </summary>
internal static class PositionWriter
{
    /// <summary>The position embeddings of each image's patches; padding gets that of the first patch: (B, N, D).</summary>
    /// <param name="table">(G², D).</param>
    /// <param name="G">The table's rows and columns.</param>
    /// <param name="shapes">(B, 2), int64: the rows and columns of each image's grid.</param>
    /// <param name="count">N, (1).</param>
    internal static OnnxValue Smooth(OnnxValue table, long G, OnnxValue shapes, OnnxValue count)
    {
        var graph = table.Graph;
        var sides = graph.WholeAsFloat32(shapes).Split(2);                                  // (B, 1) each
        var (rows, columns) = (sides[0], sides[1]);
        var numbers = graph.Node("Range", graph.Integer(0), graph.Node("Squeeze", count, graph.Integers(0)), graph.Integer(1));
        var places = graph.WholeAsFloat32(numbers);                                         // (N)
        places *= graph.WholeAsFloat32(graph.Node("Less", places, rows * columns));         // (B, N)
        var row = graph.Node("Floor", places / columns);
        var down = Weights(row, rows, G).Reshape(0, 0, G, 1);
        var across = Weights(places - row * columns, columns, G).Reshape(0, 0, 1, G);
        return graph.AsFloat((down * across).Reshape(0, 0, G * G)).Times(table);            // (B, N, D)
    }

    /// <summary>
    /// The weight of each of the table's rows, or columns, for each position, (B, N, G): a triangle that reaches the larger of the two
    /// grids' steps to either side; weights sum to 1.
    /// </summary>
    /// <param name="places">(B, N), float32.</param>
    /// <param name="sides">The number of rows, or columns, of each image's grid: (B, 1), float32.</param>
    /// <param name="G">The number of rows, or columns, of the table.</param>
    private static OnnxValue Weights(OnnxValue places, OnnxValue sides, long G)
    {
        var graph = places.Graph;
        OnnxValue half = graph.Float32("half", tensor(0.5)), one = graph.Float32("one", tensor(1.0));
        var step = graph.Float32("table side", tensor((double)G)) / sides;                  // (B, 1)
        var reach = graph.Node("Max", step, one).Reshape(0, 1, 1);
        var centers = ((places + half) * step).Reshape(0, -1, 1);                           // (B, N, 1)
        var middles = graph.Float32("table middles", arange(G, dtype: float64).Plus(0.5));      // (G)
        var taken = graph.Node("Relu", one - graph.Node("Abs", middles - centers) / reach); // (B, N, G)
        return taken / graph.Node("ReduceSum", taken, graph.Integers(-1));
    }
}
