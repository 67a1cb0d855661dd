using System.Globalization;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// One transformer block on three tokens of four numbers, with two heads, step by step with its numbers: the reader changes an input, and
/// every step follows. Its weights are small and fixed.
/// </summary>
public sealed class BlockByHand : Interactive
{
    private const int N = 3, D = 4, H = 2, M = 8;

    private static readonly double[][] X = Numbered(N, D, 0.4, 1.5), Qkv = Numbered(3 * D, D, 1.9, 0.9), Out = Numbered(D, D, 3.1, 0.9),
        Up = Numbered(M, D, 4.3, 0.9), Down = Numbered(D, M, 5.7, 0.6);

    private protected override string Script => "block";

    private protected override object Content => new { X, Heads = H, Qkv, Out, Up, Down };

    /// <inheritdoc/>
    public override string ToText() =>
        string.Join(Environment.NewLine,
        Steps().Select(step => step.Name + Environment.NewLine
        + string.Join(Environment.NewLine, step.Values.Select(row => "  " + string.Concat(row.Select(v => Number(v).PadLeft(7)))))));

    private protected override string Still() =>
        string.Concat(Steps().Select(step => $"<p style=\"margin:0.4em 0 0\">{Markup.Escape(step.Name)}</p>"
        + Markup.HeatTable([.. step.Values.Select((_, i) => (1 + (i % N)).ToString(CultureInfo.InvariantCulture))],
        [.. step.Values[0].Select(_ => "")], step.Values, Number)));

    /// <summary>The steps as TorchSharp computes them; the heads' matrices stand one below the other.</summary>
    private static List<(string Name, double[][] Values)> Steps()
    {
        using var scope = NewDisposeScope();
        Tensor Matrix(double[][] values) => tensor(values.SelectMany(row => row).ToArray(), [values.Length, values[0].Length]);
        Tensor Norm(Tensor x) => functional.layer_norm(x, [D], eps: 1e-5);
        var x = Matrix(X);                                                                  // (N, D)
        var normed = Norm(x);                                                               // (N, D)
        var qkv = normed.mm(Matrix(Qkv).t()).view(N, 3, H, D / H).permute(1, 2, 0, 3);      // (3, H, N, K)
        var scores = qkv[0].bmm(qkv[1].transpose(1, 2)) / Math.Sqrt(D / H);                 // (H, N, N)
        var attention = scores.softmax(-1);                                                 // (H, N, N)
        var mixed = attention.bmm(qkv[2]).transpose(0, 1).reshape(N, D);                    // (N, D)
        var once = x + mixed.mm(Matrix(Out).t());                                           // (N, D)
        var again = Norm(once);                                                             // (N, D)
        var wide = again.mm(Matrix(Up).t());                                                // (N, M)
        wide = wide * (1.702 * wide).sigmoid();
        var output = once + wide.mm(Matrix(Down).t());                                      // (N, D)
        return
        [
            (Lesson.In("The input, (3, 4)", "입력, (3, 4)"), X), (Lesson.In("Layer norm", "레이어 정규화"), Rows(normed)),
                (Lesson.In("Attention of the two heads, each row sums to 1", "두 헤드의 어텐션, 행마다 합이 1"),
                Rows(attention.view(H * N, N))),
            (Lesson.In("Values mixed by it", "그것으로 섞은 값"), Rows(mixed)),
                (Lesson.In("Projected and added to the input", "투영하고 입력에 더함"), Rows(once)),
                (Lesson.In("The block's output, after the MLP", "MLP를 지난 블록의 출력"), Rows(output)),
        ];
    }

    private static double[][] Rows(Tensor matrix) => [.. matrix.contiguous().data<double>().ToArray().Chunk((int)matrix.shape[1])];

    /// <summary>Fixed numbers with one decimal that look random.</summary>
    private static double[][] Numbered(int rows, int columns, double phase, double size) =>
        [.. Enumerable.Range(0, rows)
            .Select(i => Enumerable.Range(0, columns)
            .Select(j => Math.Round(size * Math.Sin(phase + (2.6 * i * (1 + (0.37 * j))) + (4.1 * j)), 1)).ToArray())];

    private static string Number(double value) => value.ToString("F2", CultureInfo.InvariantCulture);
}
