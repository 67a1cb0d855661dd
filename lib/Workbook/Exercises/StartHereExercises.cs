using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>The exercises of lesson 00: from two vectors to an answer, or to no answer.</summary>
public static class StartHereExercises
{
    /// <summary>Two vectors, (E) and (E) → their cosine similarity, a scalar.</summary>
    public static Exercise<Func<Tensor, Tensor, Tensor>> CosineSimilarity { get; } = new()
    {
        Title = Lesson.In("Cosine similarity of two vectors", "두 벡터의 코사인 유사도"),
        Reference = (a, b) => functional.cosine_similarity(a.unsqueeze(0), b.unsqueeze(0), 1).squeeze(),
        Cases =
        [
            new(Lesson.In("two vectors of length 5 and 1", "길이가 5와 1인 두 벡터"), f => f(tensor(new[] { 3f, 4f }), tensor(new[] { 1f, 0f }))),
            new(Lesson.In("two random vectors of shape (8)", "모양이 (8)인 무작위 벡터 둘"), f => f(Inputs.Normal(1, 8), Inputs.Normal(2, 8))),
            new(Lesson.In("a vector and its opposite, of shape (8)", "모양이 (8)인 벡터와 그 반대 벡터"),
                f => f(Inputs.Normal(1, 8), -Inputs.Normal(1, 8))),
        ],
        Mistakes =
        [
            new("dot product", (a, b) => a.dot(b), Lesson.In(
                "That is the dot product: it grows with the lengths of the vectors. Divide it by both norms.",
                "그것은 내적이라서 벡터가 길수록 커집니다. 두 벡터의 길이로 모두 나누십시오.")),
            new("one norm only", (a, b) => a.dot(b) / a.norm(), Lesson.In(
                "You divided by the length of the first vector only; the second one has a length too.",
                "첫 벡터의 길이로만 나누었습니다. 둘째 벡터에도 길이가 있습니다.")),
            new("distance", (a, b) => 1 - (a.dot(b) / (a.norm() * b.norm())), Lesson.In(
                "That is the cosine distance, 1 − cos: it is 0 for equal directions. The similarity is 1 for them.",
                "그것은 코사인 거리, 곧 1 − cos이고 방향이 같을 때 0입니다. 유사도는 그때 1입니다.")),
        ],
    };

    /// <summary>Logits, (N, N), image i belonging to caption i → the rank of each image's own caption, (N), int64; 1 is the best.</summary>
    public static Exercise<Func<Tensor, Tensor>> OwnRank { get; } = new()
    {
        Title = Lesson.In("The rank of the own caption", "자기 캡션의 순위"),
        Reference = logits => logits.gt(logits.diag().unsqueeze(1)).sum(1) + 1,
        Cases =
        [
            new(Lesson.In("logits of 4 pairs, (4, 4)", "네 쌍의 로짓 (4, 4)"), f => f(Inputs.Normal(3, 4, 4))),
            new(Lesson.In("logits of 7 pairs, (7, 7)", "일곱 쌍의 로짓 (7, 7)"), f => f(Inputs.Normal(4, 7, 7))),
        ],
        Mistakes =
        [
            new("from 0", logits => logits.gt(logits.diag().unsqueeze(1)).sum(1), Lesson.In(
                "You counted the captions that are better than its own; where none is, the rank is 1, not 0.",
                "자기 캡션보다 나은 캡션의 수를 셌습니다. 하나도 없을 때의 순위는 0이 아니라 1입니다.")),
            new("itself counted", logits => logits.ge(logits.diag().unsqueeze(1)).sum(1) + 1, Lesson.In(
                "The own caption is not better than itself: it was counted along, and every rank is one too high.",
                "자기 캡션은 자기 자신보다 낫지 않습니다. 그것까지 세어서 순위가 모두 하나씩 높습니다.")),
            new("down the columns", logits => logits.gt(logits.diag().unsqueeze(0)).sum(0) + 1, Lesson.In(
                "That is the rank of each caption's image. A row holds one image and all captions: compare along dimension 1.",
                "그것은 캡션마다 자기 이미지의 순위입니다. 한 행이 이미지 하나와 모든 캡션이므로 차원 1을 따라 견주십시오.")),
            new("the best caption", logits => logits.argmax(1), Lesson.In(
                "That is which caption wins. Asked for is at which place the own one comes in, whoever wins.",
                "그것은 이긴 캡션의 번호입니다. 물은 것은 누가 이기든 자기 캡션이 몇 등인가입니다.")),
            new("from the bottom", logits => logits.lt(logits.diag().unsqueeze(1)).sum(1) + 1, Lesson.In(
                "You counted the captions that are worse: a larger logit is a better fit, and rank 1 is the best.",
                "더 못한 캡션을 셌습니다. 로짓이 클수록 잘 맞고, 1등이 가장 좋은 것입니다.")),
        ],
    };

    /// <summary>Logits, (N, M), and a threshold → the best caption of each image, (N), int64; −1 where its logit is below it.</summary>
    public static Exercise<Func<Tensor, double, Tensor>> OrNone { get; } = new()
    {
        Title = Lesson.In("An answer, or none", "답, 아니면 답 없음"),
        Reference = (logits, threshold) => logits.argmax(1).masked_fill(logits.amax([1]).lt(threshold), -1),
        Cases =
        [
            new(Lesson.In("logits of 5 images and 3 captions, (5, 3), threshold 0.8", "이미지 5장과 캡션 3개의 로짓 (5, 3), 문턱 0.8"),
                f => f(Inputs.Normal(5, 5, 3), 0.8)),
            new(Lesson.In("logits up to 30, (4, 6), threshold 20", "30까지의 로짓 (4, 6), 문턱 20"), f => f(15 * Inputs.Normal(6, 4, 6), 20)),
        ],
        Mistakes =
        [
            new("always an answer", (logits, _) => logits.argmax(1), Lesson.In(
                "You answered for every image. Where even the best logit is below the threshold, the answer is −1.",
                "모든 이미지에 답했습니다. 가장 큰 로짓조차 문턱보다 작으면 답은 −1입니다.")),
            new("probabilities", (logits, t) => logits.argmax(1).masked_fill(logits.softmax(1).amax([1]).lt(t), -1), Lesson.In(
                "You compared probabilities with the threshold. They say which of these captions is best; the logit says how well it fits.",
                "확률을 문턱과 견주었습니다. 확률은 이 캡션들 가운데 무엇이 나은지만 말합니다. 얼마나 맞는지는 로짓이 말합니다.")),
            new("the wrong ones", (logits, t) => logits.argmax(1).masked_fill(logits.amax([1]).ge(t), -1), Lesson.In(
                "The wrong way round: you left out the images whose best caption fits.",
                "거꾸로입니다. 맞는 캡션이 있는 이미지를 뺐습니다.")),
            new("best image of each caption", (logits, t) => logits.argmax(0).masked_fill(logits.amax([0]).lt(t), -1), Lesson.In(
                "You looked down the columns: that is the best image of each caption. The captions lie along dimension 1.",
                "열을 따라 내려갔습니다. 그것은 캡션마다 가장 맞는 이미지입니다. 캡션은 차원 1에 놓여 있습니다.")),
        ],
    };

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("00-start-here", [CosineSimilarity, OwnRank, OrNone]);
}
