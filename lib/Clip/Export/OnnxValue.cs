namespace ClipNotebooks.Clip.Export;

/// <summary>A value of a graph that is being written; its operators add nodes to the graph.</summary>
/// <param name="Graph">The graph.</param>
/// <param name="Name">The value's name there; empty for an optional input that is left out.</param>
internal readonly record struct OnnxValue(OnnxGraph Graph, string Name)
{
    public static OnnxValue operator +(OnnxValue x, OnnxValue y) => x.Graph.Node("Add", x, y);

    public static OnnxValue operator +(OnnxValue x, double y) => x + x.Graph.Number(y);

    public static OnnxValue operator -(OnnxValue x, OnnxValue y) => x.Graph.Node("Sub", x, y);

    public static OnnxValue operator *(OnnxValue x, OnnxValue y) => x.Graph.Node("Mul", x, y);

    public static OnnxValue operator *(OnnxValue x, double y) => x * x.Graph.Number(y);

    public static OnnxValue operator /(OnnxValue x, OnnxValue y) => x.Graph.Node("Div", x, y);

    public static OnnxValue operator /(OnnxValue x, double y) => x / x.Graph.Number(y);

    /// <summary>The matrix product.</summary>
    internal OnnxValue Times(OnnxValue y) => Graph.Node("MatMul", this, y);

    /// <summary>The same values in another shape: 0 keeps a dimension, −1 infers it.</summary>
    internal OnnxValue Reshape(params long[] shape) => Graph.Node("Reshape", this, Graph.Integers(shape));

    /// <summary>The axes in another order.</summary>
    internal OnnxValue Transpose(params long[] order) => Graph.Node("Transpose", [this], ("perm", order));

    /// <summary>The part from <paramref name="start"/> on along an axis.</summary>
    internal OnnxValue From(long start, long axis) => Slice(Graph.Integers(start), Graph.Integers(long.MaxValue), axis);

    /// <summary>The first <paramref name="count"/>, (1), along an axis.</summary>
    internal OnnxValue First(OnnxValue count, long axis) => Slice(Graph.Integers(0), count, axis);

    /// <summary>The part at one position along an axis, which is removed.</summary>
    internal OnnxValue Select(long place, long axis) => Graph.Node("Gather", [this, Graph.Integer(place)], ("axis", axis));

    /// <summary>The size of one dimension, (1).</summary>
    internal OnnxValue Side(long axis) => Graph.Node("Shape", [this], ("start", axis), ("end", axis + 1));

    /// <summary>Parts of equal size along the last axis.</summary>
    internal OnnxValue[] Split(int parts) => Graph.Nodes("Split", [this], parts, ("axis", -1L));

    /// <summary>The softmax over the last axis.</summary>
    internal OnnxValue Softmax() => Graph.Node("Softmax", [this], ("axis", -1L));

    /// <summary>The mean over axes, which are removed.</summary>
    internal OnnxValue Mean(params long[] axes) => Graph.Node("ReduceMean", [this], ("axes", axes), ("keepdims", 0L));

    /// <summary>Each row of the last axis scaled to length 1.</summary>
    internal OnnxValue Unit() => this / Graph.Node("ReduceL2", [this], ("axes", new long[] { -1 }), ("keepdims", 1L));

    private OnnxValue Slice(OnnxValue start, OnnxValue end, long axis) => Graph.Node("Slice", this, start, end, Graph.Integers(axis));
}
