namespace ClipNotebooks.Clip.Export;

/// <summary>The projection from a tower's width into the shared space (<see cref="Models.Projection"/> in a graph).</summary>
internal static class ProjectionWriter
{
    /// <summary>(B, D) → (B, E); unchanged where there is no projection.</summary>
    /// <param name="pooled">(B, D).</param>
    /// <param name="matrix">The name of the bare matrix, (D, E), where there is one.</param>
    /// <param name="head">The name of the layer in its place, where there is one.</param>
    internal static OnnxValue Write(OnnxValue pooled, string matrix, string head)
    {
        var graph = pooled.Graph;
        if (graph.Has(matrix)) return graph.Linear(pooled, matrix, graph.Parameter(matrix).t(), null);
        if (graph.Has($"{head}.weight")) return graph.Linear(pooled, head);
        if (!graph.Has($"{head}.c_fc.weight")) return pooled;
        return graph.Linear(graph.Gelu(graph.Linear(pooled, $"{head}.c_fc")), $"{head}.c_proj");
    }
}
