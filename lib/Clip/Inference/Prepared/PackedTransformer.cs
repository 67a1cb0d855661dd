using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ClipNotebooks.Clip.Models;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>
/// The blocks of a <see cref="Transformer"/> in float32 on <see cref="PackedLinear"/>s: no tensor, no libtorch. Sequences of different
/// lengths lie one behind the other, without padding between them. Where one token is pooled, the last block has only what that needs.
/// </summary>
internal sealed unsafe class PackedTransformer : IDisposable
{
    /// <summary>Tokens at a time: four images of ViT-B/32 (tests/Benchmarks/README.md).</summary>
    private const int TokensAtATime = 200;

    private readonly Block[] _blocks;
    private readonly BlockShape _shape;
    private readonly bool _causal;

    /// <param name="weights">Those of blocks of CLIP's own kind.</param>
    /// <param name="prefix">What the blocks' names begin with before their number.</param>
    /// <param name="layers">How many blocks.</param>
    /// <param name="shape">Theirs.</param>
    /// <param name="causal">Whether a token sees those before it alone.</param>
    /// <param name="pools">Whether one token of the last block is wanted (<see cref="Run"/>), or all (<see cref="RunWhole"/>).</param>
    internal PackedTransformer(ITowerWeights weights, string prefix, int layers, BlockShape shape, bool causal, bool pools)
    {
        (_shape, _causal) = (shape, causal);
        _blocks = [.. Enumerable.Range(0, layers).Select(i => new Block(weights, $"{prefix}{i}.", shape, last: pools && i == layers - 1))];
    }

    /// <summary>Rows of vectors alone: a width of whole cache lines.</summary>
    internal static bool IsSupported(BlockShape shape) =>
        Tile.IsSupported && shape.Width % Tile.Lanes == 0 && PreparedTransformer.IsSupported(shape);

    /// <summary>Where sequences begin, from one of them on, and the end of the last: as many as stay near a core, at least one.</summary>
    /// <param name="lengths">The tokens of each sequence.</param>
    /// <param name="first">The first sequence.</param>
    internal static int[] Starts(int[] lengths, int first)
    {
        List<int> starts = [0, lengths[first]];
        for (int next = first + 1; next < lengths.Length && starts[^1] + lengths[next] <= TokensAtATime; next++)
            starts.Add(starts[^1] + lengths[next]);
        return [.. starts];
    }

    /// <summary>Tokens, in <see cref="Buffers.Tokens"/> → all of them after the last block, in their place.</summary>
    /// <param name="team">Who does it.</param>
    /// <param name="buffers">Made for as many tokens.</param>
    /// <param name="starts">Where each sequence begins, and the end of the last.</param>
    internal void RunWhole(ThreadTeam.Session team, Buffers buffers, int[] starts)
    {
        for (int i = 0; i < _blocks.Length; i++) RunBlock(team, buffers, starts, i);
    }

    /// <summary>
    /// Tokens, in <see cref="Buffers.Tokens"/>, which are lost → each sequence's pooled one after the last block, in
    /// <see cref="Buffers.Pooled"/>.
    /// </summary>
    /// <param name="team">Who does it.</param>
    /// <param name="buffers">Made for as many tokens and sequences.</param>
    /// <param name="starts">Where each sequence begins, and the end of the last.</param>
    /// <param name="pooled">The row of each sequence's pooled token; a causal one's last.</param>
    internal void Run(ThreadTeam.Session team, Buffers buffers, int[] starts, int[] pooled)
    {
        int rows = starts[^1], D = _shape.Width;
        var (x, normed, mixed, hidden) = (buffers.Tokens, buffers.Normed, buffers.Mixed, buffers.Hidden);
        for (int i = 0; i < _blocks.Length - 1; i++) RunBlock(team, buffers, starts, i);

        var last = _blocks[^1];
        last.Norm1.Run(team, x, normed, rows);
        last.In.Run(team, normed, buffers.Projected, rows, follower: last.Query);                                  // (rows, 2 D): k, v
        for (int i = 0; i < pooled.Length; i++)
        {
            Copy(x.Row(pooled[i]), buffers.Pooled.Row(i), D);
            Copy(normed.Row(pooled[i]), x.Row(i), D);
        }
        last.Query!.Run(team, x, normed, pooled.Length, follower: last.Out);                               // (sequences, D)
        Attend(team, buffers, normed, 0, starts);
        last.Out.Run(team, mixed, buffers.Pooled, pooled.Length, add: true, follower: last.Up);
        last.Norm2.Run(team, buffers.Pooled, normed, pooled.Length);
        last.Up.Run(team, normed, hidden, pooled.Length, follower: last.Down);
        last.Down.Run(team, hidden, buffers.Pooled, pooled.Length, add: true);
    }

    /// <summary>One block, whose tokens stay in <see cref="Buffers.Tokens"/>.</summary>
    private void RunBlock(ThreadTeam.Session team, Buffers buffers, int[] starts, int index)
    {
        int rows = starts[^1];
        var (x, normed, projected, mixed, hidden) = (buffers.Tokens, buffers.Normed, buffers.Projected, buffers.Mixed, buffers.Hidden);
        var (block, next) = (_blocks[index], index + 1 < _blocks.Length ? _blocks[index + 1].In : null);
        block.Norm1.Run(team, x, normed, rows);
        block.In.Run(team, normed, projected, rows, follower: block.Out);                                  // (rows, 3 D)
        Attend(team, buffers, projected, _shape.Width, starts);
        block.Out.Run(team, mixed, x, rows, add: true, follower: block.Up);
        block.Norm2.Run(team, x, normed, rows);
        block.Up.Run(team, normed, hidden, rows, follower: block.Down);                                    // (rows, 4 D)
        block.Down.Run(team, hidden, x, rows, add: true, follower: next);
    }

    /// <summary>softmax(q kᵀ) v of each sequence and head; 1 / √K is in q's weights.</summary>
    /// <param name="team">Who does it.</param>
    /// <param name="buffers">k and v are in <see cref="Buffers.Projected"/>, the result goes to <see cref="Buffers.Mixed"/>.</param>
    /// <param name="queries">q of all tokens, beside k and v, or of the pooled ones alone, a row a sequence: these see all of it.</param>
    /// <param name="firstKey">The column where keys begin; values do a width after it.</param>
    /// <param name="starts">Where sequences begin.</param>
    private void Attend(ThreadTeam.Session team, Buffers buffers, RowBuffer queries, int firstKey, int[] starts)
    {
        int heads = _shape.Heads;
        bool pooled = queries != buffers.Projected;
        team.For((starts.Length - 1) * heads, share =>
        {
            int sequence = share.Unit / heads, first = starts[sequence], N = starts[sequence + 1] - first,
                query = pooled ? sequence : first;
            Head(share.Unit % heads, buffers.Projected, firstKey, first, N, queries, query, pooled ? 1 : N, _causal && !pooled,
                buffers.Mixed, buffers.Scratch(share.Member).Values);
        });
    }

    /// <summary>One head of one sequence, a tile's rows of queries at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Head(int head, RowBuffer projected, int firstKey, int first, int N, RowBuffer queries, int firstQuery, int count,
        bool causal, RowBuffer mixed, float* scratch)
    {
        int D = _shape.Width, K = D / _shape.Heads, strideScores = RoundUp(N) + Tile.Lanes, strideMixed = RoundUp(K) + Tile.Lanes;
        float* keys = scratch, scores = keys + (nint)RoundUp(N) * K, part = scores + Tile.Rows * strideScores,
            values = projected.Row(first) + firstKey + D + head * K;
        // Half of these rows were written by another core: asked for all at once, they come in a fraction of the time that they take one
        // after the other.
        for (int n = 0; n < N; n++) Fetch(projected.Row(first + n) + firstKey + head * K, D, K);
        for (int n = 0; n < count; n++) Fetch(queries.Row(firstQuery + n) + head * K, 0, K);
        for (int n = 0; n < N; n++)                                                                        // (N / C, K, C)
        {
            float* key = projected.Row(first + n) + firstKey + head * K,
                to = keys + (nint)(n / Tile.Columns) * Tile.Columns * K + n % Tile.Columns;
            for (int k = 0; k < K; k++) to[k * Tile.Columns] = key[k];
        }

        for (int query = 0; query < count; query += Tile.Rows)
        {
            int here = Math.Min(Tile.Rows, count - query), seen = causal ? query + here : N;
            for (int n = 0; n < seen; n += Tile.Columns)                                                   // (R, N)
                Tile.Multiply(queries.Row(firstQuery + query) + head * K, queries.Stride, keys + (nint)n * K, Tile.Columns, K, scores + n,
                    strideScores, null, false, (byte*)scores, 0);
            for (int row = 0; row < here; row++) Softmax(scores + row * strideScores, causal ? query + row + 1 : N, RoundUp(seen));
            for (int k = 0; k < K; k += Tile.Columns)                                                      // (R, K)
                Tile.Multiply(scores, strideScores, values + k, projected.Stride, seen, part + k, strideMixed, null, false, (byte*)scores,
                    0);
            for (int row = 0; row < here; row++) Copy(part + row * strideMixed, mixed.Row(firstQuery + query + row) + head * K, K);
        }
    }

    /// <summary>In place over the first values, those that are seen; zero for the rest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Softmax(float* values, int seen, int columns)
    {
        for (int n = seen; n < columns; n++) values[n] = float.NegativeInfinity;
        var largest = Vector512.Load(values);
        for (int n = Tile.Lanes; n < columns; n += Tile.Lanes) largest = Vector512.Max(largest, Vector512.Load(values + n));
        var (top, sum) = (Vector512.Create(VectorMath.Largest(largest)), Vector512<float>.Zero);
        for (int n = 0; n < columns; n += Tile.Lanes)
        {
            var e = VectorMath.Exp(Vector512.Load(values + n) - top);
            sum += e;
            e.Store(values + n);
        }
        var inverse = Vector512.Create(1 / Vector512.Sum(sum));
        for (int n = 0; n < columns; n += Tile.Lanes) (inverse * Vector512.Load(values + n)).Store(values + n);
    }

    /// <summary>Asks for a head's part of a row, and for the one a distance further on.</summary>
    private static void Fetch(float* part, int distance, int K)
    {
        for (int k = 0; k < K; k += Tile.Lanes)
        {
            Sse.Prefetch0(part + k);
            Sse.Prefetch0(part + distance + k);
        }
    }

    private static int RoundUp(int columns) => (columns + Tile.Columns - 1) / Tile.Columns * Tile.Columns;

    private static void Copy(float* from, float* to, int count) => new ReadOnlySpan<float>(from, count).CopyTo(new Span<float>(to, count));

    public void Dispose()
    {
        foreach (var block in _blocks) block.Dispose();
    }

    /// <summary>Where the activations of one forward are kept.</summary>
    internal sealed class Buffers : IDisposable
    {
        private readonly ConcurrentDictionary<int, FloatMemory> _scratch = [];
        private readonly long _scratchSize;

        private readonly int _tokens, _sequences, _longest;

        /// <param name="shape">Of the blocks.</param>
        /// <param name="inputs">Width of what becomes tokens; 0 where nothing is multiplied for that.</param>
        /// <param name="outputs">Width of the embeddings.</param>
        /// <param name="tokens">Of all sequences.</param>
        /// <param name="sequences">How many.</param>
        /// <param name="longest">The tokens of the longest.</param>
        internal Buffers(BlockShape shape, int inputs, int outputs, int tokens, int sequences, int longest)
        {
            int D = shape.Width, K = D / shape.Heads;
            (_tokens, _sequences, _longest) = (tokens, sequences, longest);
            (Inputs, Outputs) = (new RowBuffer(inputs == 0 ? 0 : tokens, inputs), new RowBuffer(sequences, outputs));
            (Tokens, Normed, Mixed, Pooled) = (new RowBuffer(tokens, D), new RowBuffer(tokens, D), new RowBuffer(tokens, D),
                new RowBuffer(sequences, D));
            (Projected, Hidden) = (new RowBuffer(tokens, 3 * D), new RowBuffer(tokens, shape.MlpWidth));
            _scratchSize = (long)RoundUp(longest) * K + Tile.Rows * (RoundUp(longest) + RoundUp(K) + 2 * Tile.Lanes);
        }

        internal RowBuffer Inputs { get; }

        internal RowBuffer Tokens { get; }

        internal RowBuffer Normed { get; }

        internal RowBuffer Projected { get; }

        internal RowBuffer Mixed { get; }

        internal RowBuffer Hidden { get; }

        internal RowBuffer Pooled { get; }

        internal RowBuffer Outputs { get; }

        internal bool Fits(int tokens, int sequences, int longest) => tokens <= _tokens && sequences <= _sequences && longest <= _longest;

        /// <summary>One member's own, for the keys and scores of a head.</summary>
        internal FloatMemory Scratch(int member) => _scratch.GetOrAdd(member, _ => new FloatMemory(_scratchSize));

        public void Dispose()
        {
            foreach (var part in new[] { Inputs, Tokens, Normed, Projected, Mixed, Hidden, Pooled, Outputs }) part.Dispose();
            foreach (var part in _scratch.Values) part.Dispose();
        }
    }

    /// <summary>The weights of one block; of the last, the query's by themselves.</summary>
    private sealed class Block : IDisposable
    {
        internal Block(ITowerWeights weights, string prefix, BlockShape shape, bool last)
        {
            var (D, hidden) = (shape.Width, shape.MlpWidth);
            float quick = shape.Activation == Activation.QuickGelu ? (float)BlockWeights.QuickGeluFactor : 1,
                slow = shape.Activation == Activation.QuickGelu ? (float)(1 / BlockWeights.QuickGeluFactor) : 1,
                query = (float)(1 / Math.Sqrt(D / shape.Heads));
            Norm1 = PackedNorm.Of(weights, $"{prefix}ln_1", shape);
            ReadOnlySpan<float> joint = weights.Read($"{prefix}attn.in_proj_weight", 3 * D, D),
                bias = weights.Read($"{prefix}attn.in_proj_bias", 3 * D);
            if (last)
            {
                Query = new PackedLinear(joint[..(D * D)], bias[..D], D, weightFactor: query, biasFactor: query);
                In = new PackedLinear(joint[(D * D)..], bias[D..], 2 * D);
            }
            else
            {
                In = new PackedLinear(joint, bias, 3 * D,
                    scale: [.. Enumerable.Repeat(query, D), .. Enumerable.Repeat(1f, 2 * D)]);
            }
            Out = Linear("attn.out_proj", D, D, scale: "ls_1.gamma");
            Norm2 = PackedNorm.Of(weights, $"{prefix}ln_2", shape);
            Up = Linear("mlp.c_fc", hidden, D, shape.Activation, quick, quick);
            Down = Linear("mlp.c_proj", D, hidden, weightFactor: slow, scale: "ls_2.gamma");

            PackedLinear Linear(string name, int outputs, int inner, Activation? then = null, float weightFactor = 1, float biasFactor = 1,
                string? scale = null) => new(weights.Read($"{prefix}{name}.weight", outputs, inner),
                weights.Read($"{prefix}{name}.bias", outputs), outputs, then, weightFactor, biasFactor,
                scale is not null && shape.LayerScale is not null ? weights.Read($"{prefix}{scale}", outputs) : default);
        }

        internal PackedNorm Norm1 { get; }

        internal PackedLinear? Query { get; }

        internal PackedLinear In { get; }

        internal PackedLinear Out { get; }

        internal PackedNorm Norm2 { get; }

        internal PackedLinear Up { get; }

        internal PackedLinear Down { get; }

        public void Dispose()
        {
            foreach (var part in new IDisposable?[] { Norm1, Query, In, Out, Norm2, Up, Down }) part?.Dispose();
        }
    }
}
