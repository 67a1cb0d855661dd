using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.Models;

/// <summary>The projection of a tower's pooled vector into the shared space: a bare matrix, a module, or neither.</summary>
internal static class Projection
{
    /// <summary>The projection's module; null for <see cref="ProjectionKind.Matrix"/> and <see cref="ProjectionKind.None"/>.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="width">D.</param>
    /// <param name="hidden">The width between the two matrices of an MLP.</param>
    /// <param name="embeddingWidth">E.</param>
    /// <param name="hiddenBias">Whether the first matrix of an MLP has a bias.</param>
    /// <param name="device">Where the weights are made.</param>
    internal static Module<Tensor, Tensor>? Module(ProjectionKind kind, int width, int hidden, int embeddingWidth, bool hiddenBias,
        Device? device) => kind switch
    {
        ProjectionKind.Affine => Linear(width, embeddingWidth, device: device),
        ProjectionKind.Mlp => Sequential(
            ("c_fc", Linear(width, hidden, hasBias: hiddenBias, device: device)),
            ("gelu", GELU()),
            ("c_proj", Linear(hidden, embeddingWidth, hasBias: false, device: device))),
        _ => null,
    };

    /// <summary>The bare matrix, (D, E), initialised as by openai/CLIP; null for the other kinds.</summary>
    internal static Parameter? Matrix(ProjectionKind kind, int width, int embeddingWidth, Device? device)
    {
        if (kind != ProjectionKind.Matrix) return null;
        var matrix = new Parameter(empty(width, embeddingWidth, device: device));
        init.normal_(matrix, 0, Math.Pow(width, -0.5));
        return matrix;
    }

    /// <summary>The parameters of the matrix or the module.</summary>
    internal static IEnumerable<Parameter> Parameters(Parameter? matrix, Module<Tensor, Tensor>? module) =>
        [.. matrix is null ? [] : new[] { matrix }, .. module?.parameters() ?? []];

    /// <summary>(…, D) → (…, E); unchanged where there is neither matrix nor module.</summary>
    internal static Tensor Apply(Tensor pooled, Parameter? matrix, Module<Tensor, Tensor>? module)
    {
        if (module is not null) return module.call(pooled);
        if (matrix is null) return pooled;
        return pooled.dim() == 2 ? pooled.mm(matrix) : functional.linear(pooled, matrix.t());
    }
}
