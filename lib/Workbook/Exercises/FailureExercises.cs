using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>
/// The exercises of lesson 11: a confidence interval, captions with things exchanged, the counting loss, and the inverted softmax.
/// </summary>
public static class FailureExercises
{
    /// <summary>The two-sided 95 % quantile of the normal distribution.</summary>
    private const double Z = 1.96;

    /// <summary>
    /// How many answers are right, and n, the number of all → the lower and the upper end, 0 to 1, of Wilson's 95 % interval for the share
    /// (Wilson 1927).
    /// </summary>
    public static Exercise<Func<int, int, double[]>> Interval { get; } = new()
    {
        Title = Lesson.In("An honest interval", "정직한 구간"),
        Reference = (right, n) => Wilson(right, n, Z),
        Cases =
        [
            new(Lesson.In("5 right of 55", "55개 가운데 5개 정답"), f => f(5, 55)),
            new(Lesson.In("0 right of 20", "20개 가운데 0개 정답"), f => f(0, 20)),
            new(Lesson.In("417 right of 417", "417개 가운데 417개 정답"), f => f(417, 417)),
        ],
        Mistakes =
        [
            new("the simple margin", (right, n) => Simple(right, n),
                Lesson.In("That is p ± 1.96 √(p(1−p)/n). At 0 or n right it has no width at all, as if nothing were uncertain, and near "
                    + "them it leaves 0 to 1.",
                    "p ± 1.96 √(p(1−p)/n)입니다. 0개나 n개가 맞으면 폭이 없어져 불확실한 것이 없는 듯하고, 그 가까이에서는 0과 1 밖으로 나갑니다.")),
            new("one standard deviation", (right, n) => Wilson(right, n, 1),
                Lesson.In("You took z = 1: the truth lies within that in only two of three cases. For 95 % z is 1.96.",
                    "z = 1을 썼습니다. 참값이 그 안에 드는 것은 세 번 가운데 두 번뿐입니다. 95 %라면 z는 1.96입니다.")),
            new("counts", (right, n) => [.. Wilson(right, n, Z).Select(share => share * n)],
                Lesson.In("Those are counts; asked for are shares, 0 to 1: divide by n.", "그것은 개수입니다. 0에서 1까지의 비율이어야 하니 n으로 나누십시오.")),
            new("around the share", (right, n) => Around(right, n),
                Lesson.In("The half width is right, the middle is not: Wilson's interval lies around (p + z²/2n) / (1 + z²/n), which is "
                    + "nearer to one half than p is.",
                    "반폭은 맞지만 가운데가 다릅니다. 윌슨 구간의 가운데는 (p + z²/2n) / (1 + z²/n)이고, p보다 2분의 1에 가깝습니다.")),
            new("the ends exchanged", (right, n) => [.. Wilson(right, n, Z).Reverse()],
                Lesson.In("The upper end comes first: return the lower one first.", "위 끝이 먼저 왔습니다. 아래 끝을 먼저 돌려주십시오.")),
        ],
    };

    /// <summary>
    /// A caption such as "a red circle above an orange star" → the same words with the two things exchanged: "an orange star above a red
    /// circle".
    /// </summary>
    public static Exercise<Func<string, string>> Exchange { get; } = new()
    {
        Title = Lesson.In("A hard negative", "어려운 오답"),
        Reference = caption => Exchanged(caption, (first, second) => (second, first), relation => relation),
        Cases =
        [
            new("\"a red circle above a blue square\"", f => f("a red circle above a blue square")),
            new("\"a green star left of an orange triangle\"", f => f("a green star left of an orange triangle")),
            new("\"an orange square below a pink circle\"", f => f("an orange square below a pink circle")),
        ],
        Mistakes =
        [
            new("the relation too", caption => Exchanged(caption, (first, second) => (second, first), Turned),
                Lesson.In("You turned the relation round as well, so the sentence is true again: a circle above a square is a square "
                    + "below a circle. As a negative it would teach the model something false.",
                    "관계까지 뒤집어서 다시 참인 문장이 되었습니다. 네모 위의 동그라미는 동그라미 아래의 네모입니다. 오답으로 쓰면 모델에게 거짓을 가르칩니다.")),
            new("the relation alone", caption => Exchanged(caption, (first, second) => (first, second), Turned),
                Lesson.In("You turned the relation round and left the things: false as it should be, but with another word in it. The "
                    + "same words in another order were asked for.",
                    "사물은 두고 관계만 뒤집었습니다. 거짓이기는 하지만 낱말이 바뀌었습니다. 같은 낱말의 순서만 바꾸어야 합니다.")),
            new("the colours alone", caption => Exchanged(caption, Recolored, relation => relation),
                Lesson.In("You exchanged the colours and left the shapes where they were: exchange the whole things.",
                    "도형은 제자리에 두고 색만 맞바꾸었습니다. 사물을 통째로 맞바꾸십시오.")),
            new("not the article", Unarticled,
                Lesson.In("The article stayed behind: \"a orange star\". It belongs to the thing and moves with it.",
                    "관사가 제자리에 남아 \"a orange star\"가 되었습니다. 관사는 사물에 딸린 것이니 함께 옮기십시오.")),
            new("backwards", caption => string.Join(' ', caption.Split(' ').Reverse()),
                Lesson.In("You reversed all words. No caption reads like that, so a model needs no picture to tell it: exchange the two "
                    + "things alone.",
                    "낱말을 모두 거꾸로 놓았습니다. 그런 캡션은 없으니 모델은 그림을 보지 않고도 가려냅니다. 두 사물만 맞바꾸십시오.")),
        ],
    };

    /// <summary>
    /// The cosines of N pictures with their captions, (N), and with the same captions naming another number, (N), and the scale → the mean
    /// of −ln p, where p is what a softmax over the two gives the true caption (Paiss et al. 2023, the counting loss).
    /// </summary>
    public static Exercise<Func<Tensor, Tensor, double, double>> CountingLoss { get; } = new()
    {
        Title = Lesson.In("A loss that counts", "세는 손실"),
        Reference = (own, other, scale) => functional.softplus(scale * (other - own)).mean().ToDouble(),
        Cases =
        [
            new(Lesson.In("1 picture, cosines 0.8 and 0.7, scale 10", "그림 1장, 코사인 0.8과 0.7, 스케일 10"),
                f => f(tensor(new[] { 0.8f }), tensor(new[] { 0.7f }), 10)),
            new(Lesson.In("4 pictures, (4) and (4), scale 2", "그림 4장, (4)와 (4), 스케일 2"),
                f => f(Inputs.Normal(111, 4), Inputs.Normal(112, 4), 2)),
            new(Lesson.In("6 pictures, (6) and (6), scale 5", "그림 6장, (6)과 (6), 스케일 5"),
                f => f(Inputs.Normal(113, 6), Inputs.Normal(114, 6), 5)),
        ],
        Mistakes =
        [
            new("the wrong one", (own, other, scale) => functional.softplus(scale * (own - other)).mean().ToDouble(),
                Lesson.In("You reward the false caption: the share of the true one has to grow.", "거짓 캡션에 상을 줍니다. 참인 쪽의 몫이 커져야 합니다.")),
            new("no scale", (own, other, _) => functional.softplus(other - own).mean().ToDouble(),
                Lesson.In("The scale is left out: bare cosines differ by so little that the loss stays near ln 2.",
                    "스케일이 빠졌습니다. 코사인만으로는 차이가 작아 손실이 ln 2 근처에 머뭅니다.")),
            new("the sum", (own, other, scale) => functional.softplus(scale * (other - own)).sum().ToDouble(),
                Lesson.In("You summed over the pictures: with a batch twice as large the loss would double. Take the mean.",
                    "그림에 대해 더했습니다. 배치가 두 배면 손실도 두 배가 됩니다. 평균하십시오.")),
            new("all the others", (own, other, scale) => AgainstAll(own, other, scale),
                Lesson.In("You set each picture against the false captions of all pictures. Its own alone counts: \"six dogs\" against "
                    + "\"three dogs\", and not against cats.",
                    "그림마다 모든 그림의 거짓 캡션과 견주었습니다. 자기 것만 봅니다. \"개 여섯 마리\"의 상대는 \"개 세 마리\"이지 고양이가 아닙니다.")),
            new("no logarithm", (own, other, scale) => (scale * (own - other)).sigmoid().mean().ToDouble(),
                Lesson.In("That is the share itself, which should be large. The loss is minus its logarithm.",
                    "그것은 몫 자체이고 클수록 좋습니다. 손실은 그 로그에 음의 부호를 붙인 것입니다.")),
        ],
    };

    /// <summary>
    /// The cosines of Q questions with N pictures, (Q, N), those of M other questions (the bank) with the same pictures, (M, N), and the
    /// scale → (Q, N): the exponential of the scaled cosine divided, for each picture, by the sum of the bank's (Smith et al. 2017, the
    /// inverted softmax).
    /// </summary>
    public static Exercise<Func<Tensor, Tensor, double, Tensor>> InvertedSoftmax { get; } = new()
    {
        Title = Lesson.In("The inverted softmax", "뒤집은 소프트맥스"),
        Reference = (cosines, bank, scale) => (scale * cosines).exp() / (scale * bank).exp().sum(dim: 0),
        Cases =
        [
            new(Lesson.In("1 question, 3 pictures, a bank of 2", "질문 1개, 그림 3장, 은행 2개"),
                f => f(Inputs.Normal(115, 1, 3), Inputs.Normal(116, 2, 3), 1)),
            new(Lesson.In("4 questions, 4 pictures, a bank of 4, scale 2", "질문 4개, 그림 4장, 은행 4개, 스케일 2"),
                f => f(Inputs.Normal(117, 4, 4), Inputs.Normal(118, 4, 4), 2)),
            new(Lesson.In("5 questions, 3 pictures, a bank of 7, scale 3", "질문 5개, 그림 3장, 은행 7개, 스케일 3"),
                f => f(Inputs.Normal(119, 5, 3), Inputs.Normal(120, 7, 3), 3)),
        ],
        Mistakes =
        [
            new("not inverted", (cosines, _, scale) => (scale * cosines).softmax(1),
                Lesson.In("That is the ordinary softmax, over the pictures of a question: it changes no order, so every hub stays one. "
                    + "Divide by a sum over questions, for each picture.",
                    "그것은 질문마다 그림에 대해 내는 보통 소프트맥스입니다. 순서를 바꾸지 않으니 허브는 그대로입니다. 그림마다 질문에 대한 합으로 나누십시오.")),
            new("its own questions", (cosines, _, scale) => (scale * cosines).softmax(0),
                Lesson.In("You summed over the questions that are to be answered: alone, a question would then get 1 for every picture. "
                    + "Sum over the bank.",
                    "답할 질문들에 대해 더했습니다. 질문이 하나뿐이면 모든 그림이 1을 받습니다. 은행에 대해 더하십시오.")),
            new("no scale", (cosines, bank, _) => cosines.exp() / bank.exp().sum(dim: 0),
                Lesson.In("The scale is left out, above and below: without it all of the bank counts nearly alike.",
                    "위아래에서 스케일이 빠졌습니다. 그러면 은행의 질문이 거의 똑같이 셈됩니다.")),
            new("the mean", (cosines, bank, scale) => (scale * cosines).exp() / (scale * bank).exp().mean([0]),
                Lesson.In("You took the bank's mean. It orders the pictures alike, but asked for is the sum.",
                    "은행의 평균을 냈습니다. 순서는 같지만 물은 것은 합입니다.")),
            new("one sum", (cosines, bank, scale) => (scale * cosines).exp() / (scale * bank).exp().sum(),
                Lesson.In("You divided by one number for all pictures, which leaves the order as it was: keep the pictures apart, dim: 0.",
                    "모든 그림을 수 하나로 나누었습니다. 순서가 그대로입니다. dim: 0으로 그림마다 따로 더하십시오.")),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("11-where-clip-fails", [Interval, Exchange, CountingLoss, InvertedSoftmax]);

    private static double HalfWidth(double p, int n, double z) =>
        z * Math.Sqrt((p * (1 - p) / n) + (z * z / (4.0 * n * n))) / (1 + (z * z / n));

    private static double[] Wilson(int right, int n, double z)
    {
        double p = (double)right / n, middle = (p + (z * z / (2 * n))) / (1 + (z * z / n)), half = HalfWidth(p, n, z);
        return [middle - half, middle + half];
    }

    private static double[] Simple(int right, int n)
    {
        double p = (double)right / n, margin = Z * Math.Sqrt(p * (1 - p) / n);
        return [p - margin, p + margin];
    }

    private static double[] Around(int right, int n)
    {
        double p = (double)right / n, half = HalfWidth(p, n, Z);
        return [p - half, p + half];
    }

    private static double AgainstAll(Tensor own, Tensor other, double scale)
    {
        var sum = (scale * own).exp() + (scale * other).exp().sum();                            // (N)
        return ((scale * own).exp() / sum).log().neg().mean().ToDouble();
    }

    /// <summary>A caption is article, colour and shape, the relation, and again article, colour and shape.</summary>
    private static string Exchanged(string caption, Func<string, string, (string First, string Second)> things,
        Func<string, string> relation)
    {
        string[] words = caption.Split(' ');
        var (first, second) = things(string.Join(' ', words[..3]), string.Join(' ', words[^3..]));
        return $"{first} {relation(string.Join(' ', words[3..^3]))} {second}";
    }

    private static string Turned(string relation) =>
        relation switch { "above" => "below", "below" => "above", "left of" => "right of", _ => "left of" };

    private static (string First, string Second) Recolored(string first, string second)
    {
        string[] one = first.Split(' '), other = second.Split(' ');
        return ($"{other[0]} {other[1]} {one[2]}", $"{one[0]} {one[1]} {other[2]}");
    }

    private static string Unarticled(string caption)
    {
        string[] words = caption.Split(' ');
        (words[1], words[2], words[^2], words[^1]) = (words[^2], words[^1], words[1], words[2]);
        return string.Join(' ', words);
    }
}
