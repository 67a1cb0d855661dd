using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>The exercises of lesson 02: positions for another grid, a norm folded away, one head's share, rollout as a vector.</summary>
public static class VisionEncoderExercises
{
    /// <summary>
    /// Position embeddings, (g² + 1, D), the class token's first, and another g → those for the new grid, interpolated bilinearly.
    /// </summary>
    public static Exercise<Func<Tensor, int, Tensor>> ResizePositions { get; } = new()
    {
        Title = Lesson.In("Positions for another grid", "다른 격자의 위치"),
        Reference = (positions, grid) => cat([positions[..1], FromSquare(Bilinear(Square(positions), grid))]),
        Cases =
        [
            new(Lesson.In("positions of 2 × 2 patches, (5, 4), for 4 × 4", "패치 2 × 2개의 위치 (5, 4)를 4 × 4로"),
                f => f(Inputs.Normal(21, 5, 4), 4)),
            new(Lesson.In("positions of 4 × 4 patches, (17, 3), for 3 × 3", "패치 4 × 4개의 위치 (17, 3)을 3 × 3으로"),
                f => f(Inputs.Normal(22, 17, 3), 3)),
        ],
        Mistakes =
        [
            new("as a list", (p, grid) => cat([p[..1], functional.interpolate(
                p[1..].t().unsqueeze(0), [grid * grid], mode: InterpolationMode.Linear, align_corners: false)[0].t()]), Lesson.In(
                "You stretched the list of positions. Neighbours above and below stand g places apart in it: make a square of it first.",
                "위치의 목록을 늘였습니다. 위아래 이웃은 그 안에서 g칸 떨어져 있으니 먼저 정사각형으로 만드십시오.")),
            new("class token left out", (p, grid) => FromSquare(Bilinear(Square(p), grid)), Lesson.In(
                "The class token's position is missing: it belongs to no place in the square and stays as it is, in front.",
                "클래스 토큰의 위치가 빠졌습니다. 정사각형의 어느 자리에도 속하지 않으므로 그대로 맨 앞에 둡니다.")),
            new("transposed", (p, grid) => cat([p[..1], FromSquare(Bilinear(Square(p), grid).transpose(2, 3))]), Lesson.In(
                "Rows and columns changed places on the way back: patches are counted along the rows.",
                "되돌리는 길에 행과 열이 바뀌었습니다. 패치는 행을 따라 셉니다.")),
            new("nearest", (p, grid) => cat([p[..1], FromSquare(functional.interpolate(
                Square(p), [grid, grid], mode: InterpolationMode.Nearest))]), Lesson.In(
                "You took the nearest position each time; bilinear interpolation mixes the four around a place.",
                "매번 가장 가까운 위치를 가져왔습니다. 쌍선형 보간은 둘레의 네 위치를 섞습니다.")),
        ],
    };

    /// <summary>
    /// Gain and bias of a layer norm, (D) each, and weight, (O, D), and bias, (O), of the linear layer behind it → weight and bias of a
    /// linear layer that needs no gain and bias before it.
    /// </summary>
    public static Exercise<Func<Tensor, Tensor, Tensor, Tensor, (Tensor, Tensor)>> FoldNorm { get; } = new()
    {
        Title = Lesson.In("A norm's gain and bias folded away", "정규화의 이득과 편향을 접어 넣기"),
        Reference = (gain, bias, weight, offset) => (weight * gain, offset + weight.mv(bias)),
        Cases =
        [
            new(Lesson.In("what the folded layer of width 4 gives for 3 tokens, (3, 4)", "폭 4인 접은 층이 토큰 3개에 주는 것 (3, 4)"),
                f => Folded(f, 23, 3, 4)),
            new(Lesson.In("what the folded layer of width 6 gives for 5 tokens, (5, 6)", "폭 6인 접은 층이 토큰 5개에 주는 것 (5, 6)"),
                f => Folded(f, 24, 5, 6)),
        ],
        Mistakes =
        [
            new("bias forgotten", (gain, _, weight, offset) => (weight * gain, offset), Lesson.In(
                "The norm's bias is lost. It reaches the output through the weights: W b.",
                "정규화의 편향이 사라졌습니다. 그것은 가중치를 지나 W b로 출력에 닿습니다.")),
            new("bias past the weights", (gain, bias, weight, offset) => (weight * gain, offset + bias), Lesson.In(
                "You added the norm's bias to the output. It stands before the linear layer: multiply it by the weights first.",
                "정규화의 편향을 출력에 더했습니다. 선형층 앞에 있는 것이므로 먼저 가중치를 곱하십시오.")),
            new("rows scaled", (gain, bias, weight, offset) => (weight * gain.unsqueeze(1), offset + weight.mv(bias)), Lesson.In(
                "You scaled the rows of the weight, which are the outputs. A gain belongs to an input: scale column by column.",
                "가중치의 행을 늘였는데 행은 출력입니다. 이득은 입력의 것이므로 열마다 곱하십시오.")),
            new("bias scaled by the gain", (gain, bias, weight, offset) => (weight * gain, offset + (weight * gain).mv(bias)), Lesson.In(
                "You scaled the norm's bias by its gain too. The norm gives x · gain + bias: the bias goes through the old weights.",
                "정규화의 편향에도 이득을 곱했습니다. 정규화는 x · 이득 + 편향을 주므로, 편향은 원래 가중치를 지납니다.")),
        ],
    };

    /// <summary>
    /// Normalised tokens, (N, D), the fused weights of queries, keys and values, (3D, D), the output weights after the attention, (D, D),
    /// the number of heads and one head → what that head adds to the tokens, (N, D). Without biases.
    /// </summary>
    public static Exercise<Func<Tensor, Tensor, Tensor, int, int, Tensor>> OneHead { get; } = new()
    {
        Title = Lesson.In("What one head adds", "헤드 하나가 더하는 것"),
        Reference = (x, fused, output, heads, head) => Added(x, fused, output, heads, head, Math.Sqrt(x.shape[1] / heads)),
        Cases =
        [
            new(Lesson.In("5 tokens of width 8, head 1 of 2", "폭 8인 토큰 5개, 헤드 2개 가운데 1번"),
                f => f(Inputs.Normal(25, 5, 8), Inputs.Normal(26, 24, 8), Inputs.Normal(27, 8, 8), 2, 1)),
            new(Lesson.In("4 tokens of width 6, head 0 of 3", "폭 6인 토큰 4개, 헤드 3개 가운데 0번"),
                f => f(Inputs.Normal(28, 4, 6), Inputs.Normal(29, 18, 6), Inputs.Normal(30, 6, 6), 3, 0)),
        ],
        Mistakes =
        [
            new("all heads", (x, fused, output, heads, _) => Enumerable.Range(0, heads)
                .Select(head => Added(x, fused, output, heads, head, Math.Sqrt(x.shape[1] / heads))).Aggregate((a, b) => a + b), Lesson.In(
                "That is what all heads add together. One head has K rows of the queries, of the keys and of the values to itself.",
                "그것은 모든 헤드가 함께 더하는 것입니다. 헤드 하나의 몫은 query, key, value에서 각각 K행입니다.")),
            new("scaled by the width",
                (x, fused, output, heads, head) => Added(x, fused, output, heads, head, Math.Sqrt(x.shape[1])), Lesson.In(
                "You divided the scores by the root of D. A head's queries have K = D / H numbers: divide by the root of K.",
                "점수를 D의 제곱근으로 나누었습니다. 헤드의 query는 수 K = D / H개이므로 K의 제곱근으로 나누십시오.")),
            new("not scaled", (x, fused, output, heads, head) => Added(x, fused, output, heads, head, 1), Lesson.In(
                "The scores are not divided by the root of K: the softmax becomes too sure of itself.",
                "점수를 K의 제곱근으로 나누지 않았습니다. softmax가 지나치게 확신합니다.")),
            new("output's rows",
                (x, fused, output, heads, head) => Added(x, fused, output.t(), heads, head, Math.Sqrt(x.shape[1] / heads)), Lesson.In(
                "You cut rows from the last matrix. Its inputs are the heads' values, one behind the other: the head has K of its columns.",
                "마지막 행렬에서 행을 잘랐습니다. 그 입력이 헤드들의 값을 이어 놓은 것이므로 헤드의 몫은 열 K개입니다.")),
            new("values alone",
                (x, fused, output, heads, head) => Part(x, fused, heads, head, 2).mm(Columns(output, heads, head)), Lesson.In(
                "Each token kept its own value. The head mixes the values of all tokens, weighted by its attention.",
                "토큰마다 자기 값을 그대로 가졌습니다. 헤드는 모든 토큰의 값을 어텐션으로 가중해 섞습니다.")),
        ],
    };

    /// <summary>
    /// Attention maps of all blocks, (L, H, N, N), the first block first → the class token's row of attention rollout, (N) (Abnar and
    /// Zuidema 2020, section 3).
    /// </summary>
    public static Exercise<Func<Tensor, Tensor>> ClassRollout { get; } = new()
    {
        Title = Lesson.In("Rollout of the class token alone", "클래스 토큰만의 롤아웃"),
        Reference = maps => Rolled([.. maps.mean([1]).unbind(0).Select(HalfStay)])[0],
        Cases =
        [
            new(Lesson.In("3 blocks, 2 heads, 4 tokens, (3, 2, 4, 4)", "블록 3개, 헤드 2개, 토큰 4개, (3, 2, 4, 4)"),
                f => f(Inputs.Normal(33, 3, 2, 4, 4).softmax(-1))),
            new(Lesson.In("2 blocks, 1 head, 5 tokens, (2, 1, 5, 5)", "블록 2개, 헤드 1개, 토큰 5개, (2, 1, 5, 5)"),
                f => f((2 * Inputs.Normal(34, 2, 1, 5, 5)).softmax(-1))),
        ],
        Mistakes =
        [
            new("first block first", maps => Rolled([.. maps.mean([1]).unbind(0).Select(HalfStay).Reverse()])[0], Lesson.In(
                "The wrong way round: the class token's row begins with the last block and is carried down to the first.",
                "거꾸로입니다. 클래스 토큰의 행은 마지막 블록에서 시작해 첫 블록으로 내려갑니다.")),
            new("no way past", maps => Rolled(maps.mean([1]).unbind(0))[0], Lesson.In(
                "You left the residual connections out: a token also keeps itself. Mix each block's map half and half with the identity.",
                "잔차 연결을 빠뜨렸습니다. 토큰은 자기 자신도 지킵니다. 블록마다 지도를 단위행렬과 반반 섞으십시오.")),
            new("not halved", maps => Rolled([.. maps.mean([1]).unbind(0).Select(map => map + eye(map.shape[0]))])[0], Lesson.In(
                "With the identity added, rows sum to 2, and after L blocks to 2 to the power of L: halve the sum.",
                "단위행렬을 더하면 행의 합이 2가 되고, 블록 L개 뒤에는 2의 L제곱이 됩니다. 합을 반으로 나누십시오.")),
            new("last block", maps => HalfStay(maps[-1].mean([0]))[0], Lesson.In(
                "That is the last block alone: carry its row down through the blocks below.",
                "그것은 마지막 블록뿐입니다. 그 행을 아래 블록들로 내려보내십시오.")),
            new("down the column", maps => Rolled([.. maps.mean([1]).unbind(0).Select(HalfStay)]).select(1, 0), Lesson.In(
                "That is the column: how much each token asks the class token. The row says whom the class token asks.",
                "그것은 열, 곧 토큰마다 클래스 토큰에 얼마나 묻는가입니다. 클래스 토큰이 누구에게 묻는지는 행입니다.")),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("02-vision-encoder", [ResizePositions, FoldNorm, OneHead, ClassRollout]);

    /// <summary>Positions without the class token's as a picture, (g² + 1, D) → (1, D, g, g).</summary>
    private static Tensor Square(Tensor positions)
    {
        long g = (long)Math.Sqrt(positions.shape[0] - 1);
        return positions[1..].reshape(1, g, g, -1).permute(0, 3, 1, 2);
    }

    private static Tensor FromSquare(Tensor square) => square.permute(0, 2, 3, 1).flatten(0, 2);                             // (g², D)

    private static Tensor Bilinear(Tensor square, long grid) =>
        functional.interpolate(square, [grid, grid], mode: InterpolationMode.Bilinear, align_corners: false);          // (1, D, g, g)

    private static Tensor Folded(Func<Tensor, Tensor, Tensor, Tensor, (Tensor, Tensor)> fold, ulong seed, long tokens, long width)
    {
        var (weight, bias) = fold(
            Inputs.Normal(seed + 10, width), Inputs.Normal(seed + 20, width),
            Inputs.Normal(seed + 30, width, width), Inputs.Normal(seed + 40, width));
        return functional.linear(functional.layer_norm(Inputs.Normal(seed, tokens, width), [width]), weight, bias);          // (N, D)
    }

    private static Tensor Added(Tensor x, Tensor fused, Tensor output, int heads, int head, double divisor)
    {
        var (q, k, v) = (Part(x, fused, heads, head, 0), Part(x, fused, heads, head, 1), Part(x, fused, heads, head, 2));    // (N, K)
        return (q.mm(k.t()) / divisor).softmax(-1).mm(v).mm(Columns(output, heads, head));                                   // (N, D)
    }

    private static Tensor Part(Tensor x, Tensor fused, int heads, int head, int which)
    {
        long width = x.shape[1], headWidth = width / heads;
        return x.mm(fused.narrow(0, (which * width) + (head * headWidth), headWidth).t());
    }

    private static Tensor Columns(Tensor output, int heads, int head) =>
        output.narrow(1, head * (output.shape[1] / heads), output.shape[1] / heads).t();                                     // (K, D)

    private static Tensor HalfStay(Tensor map) => (map + eye(map.shape[0])) / 2;

    private static Tensor Rolled(Tensor[] maps) => maps.Aggregate((below, map) => map.mm(below));
}
