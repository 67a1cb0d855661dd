using ClipNotebooks.Clip.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Clip.FineTuning;

/// <summary>A low-rank addition to one matrix: W + scale · B · A.</summary>
internal sealed class LowRankAdapter : IDisposable
{
    private readonly Parameter _weight;
    private readonly long _row;

    /// <param name="place">The matrix that is adapted.</param>
    /// <param name="rank">r.</param>
    /// <param name="scale">The factor.</param>
    internal LowRankAdapter(LowRankPlace place, int rank, double scale)
    {
        (Place, _weight, _row, Scale) = (place, place.Weight, place.Row, scale);
        var device = _weight.device;
        A = new Parameter(empty(rank, place.Weight.shape[1], device: device));
        B = new Parameter(zeros(place.Rows, rank, device: device));
        init.kaiming_uniform_(A, Math.Sqrt(5));
    }

    internal LowRankPlace Place { get; }

    /// <summary>(r, in), as peft's <c>lora_A</c>: random at first.</summary>
    internal Parameter A { get; }

    /// <summary>(out, r), as peft's <c>lora_B</c>: 0 at first, so that the model begins unchanged.</summary>
    internal Parameter B { get; }

    internal double Scale { get; }

    /// <summary>(…, in) → (…, out): the term added to the matrix's product.</summary>
    internal Tensor Of(Tensor input)
    {
        using var scope = NewDisposeScope();
        return functional.linear(functional.linear(input, A), B).Times(Scale).MoveToOuterDisposeScope();
    }

    /// <summary>Adds B · A to the matrix itself, with the given sign: 1 merges it, −1 removes it again.</summary>
    internal void AddTo(double sign)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        _weight.narrow(0, _row, Place.Rows).Accumulate(B.mm(A).Times(sign * Scale));
    }

    public void Dispose()
    {
        A.Dispose();
        B.Dispose();
    }
}
