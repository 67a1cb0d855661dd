using ClipNotebooks.Clip.Models;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>
/// A <see cref="PackedTransformer"/> between tensors: the blocks of towers that are CLIP's in these alone. Thread-safe.
/// </summary>
internal sealed unsafe class PackedBlocks : IDisposable
{
    private readonly PackedTransformer _blocks;
    private readonly BufferPool _free;
    private readonly int _width;

    /// <param name="transformer">Blocks of CLIP's own kind.</param>
    /// <param name="shape">Theirs.</param>
    /// <param name="causal">Whether a token sees those before it alone.</param>
    internal PackedBlocks(Transformer transformer, BlockShape shape, bool causal) => (_blocks, _free, _width) =
        (Packed(transformer, shape, causal), new BufferPool(shape, inputs: 0, outputs: 0), shape.Width);

    /// <summary>Tokens → all of them after the last block.</summary>
    /// <param name="tokens">(B, N, D), float32.</param>
    /// <param name="mask">
    /// (B, 1, 1, N): minus infinity for places that hold no token. These are not computed: in the result they are zero.
    /// </param>
    /// <returns>(B, N, D), float32.</returns>
    internal Tensor Run(Tensor tokens, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        int B = (int)tokens.shape[0], N = (int)tokens.shape[1];
        var (input, output) = (tokens.detach().contiguous(), zeros(tokens.shape, float32));
        float[]? hidden = mask?.expand(B, 1, 1, N).to(float32).contiguous().data<float>().ToArray();
        // The places that hold a token, sequence by sequence.
        int[] places = [.. Enumerable.Range(0, B * N).Where(place => hidden is null || hidden[place] == 0)];
        var lengths = new int[B];
        foreach (int place in places) lengths[place / N]++;

        fixed (byte* inputBytes = input.bytes, outputBytes = output.bytes)
        {
            float* from = (float*)inputBytes, to = (float*)outputBytes;
            using var team = ThreadTeam.Begin(get_num_threads());
            for (int first = 0, done = 0; first < B;)
            {
                int[] starts = PackedTransformer.Starts(lengths, first);
                var buffers = _free.Rent(starts);
                for (int row = 0; row < starts[^1]; row++) Copy(from + (nint)places[done + row] * _width, buffers.Tokens.Row(row));
                _blocks.RunWhole(team, buffers, starts);
                for (int row = 0; row < starts[^1]; row++) Copy(buffers.Tokens.Row(row), to + (nint)places[done + row] * _width);
                _free.Return(buffers);
                (first, done) = (first + starts.Length - 1, done + starts[^1]);
            }
        }
        return output.MoveToOuterDisposeScope();
    }

    private static PackedTransformer Packed(Transformer transformer, BlockShape shape, bool causal)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        return new PackedTransformer(new ModuleWeights(transformer), "resblocks.", transformer.Blocks.Count, shape, causal, pools: false);
    }

    private void Copy(float* from, float* to) => new ReadOnlySpan<float>(from, _width).CopyTo(new Span<float>(to, _width));

    public void Dispose()
    {
        _blocks.Dispose();
        _free.Dispose();
    }
}
