using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>
/// The exercises of lesson 07: fine classes summed to coarse ones, several templates, mean per-class recall, and better prompts.
/// </summary>
public static class ZeroShotExercises
{
    /// <summary>
    /// Probabilities, (N, C), and for each of the C classes the number of its group, 0 to G − 1 → the groups' probabilities, (N, G).
    /// </summary>
    public static Exercise<Func<Tensor, int[], Tensor>> Coarse { get; } = new()
    {
        Title = Lesson.In("From coloured animals to animals", "색 있는 동물에서 동물로"),
        Reference = (probabilities, groups) => probabilities.mm(Members(groups)),
        Cases =
        [
            new(Lesson.In("2 pictures, 5 classes in groups of 3 and 2, (2, 5)", "그림 2장, 클래스 5개가 3개와 2개로 묶임, (2, 5)"),
                f => f(Inputs.Normal(73, 2, 5).softmax(1), [0, 0, 0, 1, 1])),
            new(Lesson.In("3 pictures, 6 classes in 3 groups, mixed up, (3, 6)", "그림 3장, 클래스 6개가 섞인 채 3개로 묶임, (3, 6)"),
                f => f((3 * Inputs.Normal(74, 3, 6)).softmax(1), [2, 0, 1, 0, 2, 0])),
        ],
        Mistakes =
        [
            new("mean", (probabilities, groups) => probabilities.mm(Members(groups)) / Members(groups).sum(dim: 0),
                Lesson.In("You took the mean of a group. A picture shows one of its classes or another: the probabilities of such cases "
                    + "add up.",
                    "묶음의 평균을 냈습니다. 그림은 이 클래스이거나 저 클래스입니다. 그런 경우의 확률은 더합니다.")),
            new("largest", (probabilities, groups) =>
                stack([.. Range(groups).Select(g => probabilities.masked_fill(tensor(groups).ne(g), -1).amax([1]))], 1),
                Lesson.In("You took the largest of a group. What the model is unsure of within a group still counts for the group: add up.",
                    "묶음에서 가장 큰 것을 골랐습니다. 묶음 안에서 헷갈리는 몫도 그 묶음의 것입니다. 더하십시오.")),
            new("softmax again", (probabilities, groups) => probabilities.mm(Members(groups)).softmax(1),
                Lesson.In("The sums are probabilities already, and add up to 1; a second softmax evens them out.",
                    "합은 이미 확률이고 모두 더하면 1입니다. softmax를 한 번 더 취하면 고르게 뭉개집니다.")),
            new("the answer's group", (probabilities, groups) =>
                Members([.. probabilities.argmax(1).data<long>().ToArray().Select(c => groups[c])], Range(groups).Length),
                Lesson.In("That says which group the best class belongs to, as 0 and 1. Asked for are the groups' probabilities.",
                    "그것은 가장 좋은 클래스가 어느 묶음인지를 0과 1로 말합니다. 묶음의 확률을 돌려주십시오.")),
        ],
    };

    /// <summary>
    /// Text features that are not normalised, (C, T, E): C classes in T templates → the ensemble's classifier, (C, E), rows of length
    /// 1.
    /// </summary>
    public static Exercise<Func<Tensor, Tensor>> Ensemble { get; } = new()
    {
        Title = Lesson.In("The ensemble in embedding space", "임베딩 공간의 앙상블"),
        Reference = features => Unit(Unit(features).mean([1])),
        Cases =
        [
            new(Lesson.In("3 classes in 4 templates of different lengths, (3, 4, 5)", "길이가 다른 템플릿 4개의 클래스 3개, (3, 4, 5)"),
                f => f(Inputs.Normal(71, 3, 4, 5) * tensor(new[] { 1f, 5, 20, 2 }).reshape(1, 4, 1))),
            new(Lesson.In("2 classes in 3 templates, (2, 3, 8)", "템플릿 3개의 클래스 2개, (2, 3, 8)"), f => f(Inputs.Normal(72, 2, 3, 8))),
        ],
        Mistakes =
        [
            new("not normalised before", features => Unit(features.mean([1])),
                Lesson.In("You averaged features of different lengths: a long one outweighs the others. Make each length 1 first.",
                    "길이가 다른 특징을 평균했습니다. 긴 것이 다른 것들을 누릅니다. 먼저 길이를 모두 1로 만드십시오.")),
            new("not normalised after", features => Unit(features).mean([1]),
                Lesson.In("The mean of unit vectors is shorter than 1, and the shorter the less the templates agree: classes would be "
                    + "judged by that. "
                    + "Normalise again.",
                    "단위 벡터의 평균은 1보다 짧고, 템플릿의 뜻이 갈릴수록 더 짧습니다. 클래스가 그것으로 평가받게 됩니다. 다시 정규화하십시오.")),
            new("normalised nowhere", features => features.mean([1]),
                Lesson.In("That is the bare mean: normalise each feature before it and the mean after it.",
                    "맨 평균입니다. 평균하기 전에 특징을, 평균한 뒤에 평균을 정규화하십시오.")),
            new("averaged over the classes", features => Unit(Unit(features).mean([0])),
                Lesson.In("You averaged over the classes, dimension 0: templates lie along dimension 1.",
                    "차원 0, 곧 클래스를 따라 평균했습니다. 템플릿은 차원 1에 있습니다.")),
            new("one template", features => Unit(features.select(1, 0)),
                Lesson.In("That is the first template alone: average over all of them.", "첫 템플릿 하나뿐입니다. 모두를 평균하십시오.")),
        ],
    };

    /// <summary>
    /// Labels and predictions, N class numbers each → the mean over the classes that have images of the share predicted right, 0 to 1.
    /// </summary>
    public static Exercise<Func<int[], int[], double>> MeanRecall { get; } = new()
    {
        Title = Lesson.In("Mean per-class recall", "클래스별 재현율의 평균"),
        Reference = (labels, predictions) => labels.Distinct().Average(c => Share(labels, predictions, i => labels[i] == c)),
        Cases =
        [
            new(Lesson.In("8 images of class 0 and 2 of class 1", "클래스 0의 이미지 8장과 클래스 1의 이미지 2장"),
                f => f([0, 0, 0, 0, 0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
            new(Lesson.In("classes 0, 1 and 3; class 2 is answered but has no image", "클래스 0, 1, 3. 클래스 2는 답에 나오지만 이미지가 없음"),
                f => f([0, 0, 0, 1, 1, 3], [0, 2, 0, 1, 0, 3])),
            new(Lesson.In("one class, all wrong", "클래스 하나, 모두 틀림"), f => f([2, 2], [0, 1])),
        ],
        Mistakes =
        [
            new("accuracy", (labels, predictions) => Share(labels, predictions, _ => true),
                Lesson.In("That is plain accuracy, top-1: a class with many images counts for more in it. Take the share of each class "
                    + "first, then the "
                    + "mean of the shares.",
                    "그것은 보통의 정확도인 top-1입니다. 이미지가 많은 클래스가 더 크게 셈됩니다. 클래스마다 비율을 구한 다음 그 비율을 평균하십시오.")),
            new("precision", (labels, predictions) =>
                predictions.Distinct().Average(c => Share(labels, predictions, i => predictions[i] == c)),
                Lesson.In("You divided by how often each class was answered: that is precision. Recall divides by how many images of the "
                    + "class there are.",
                    "클래스를 답한 횟수로 나누었습니다. 그것은 정밀도입니다. 재현율은 그 클래스의 이미지 수로 나눕니다.")),
            new("classes without images", (labels, predictions) =>
                labels.Distinct().Sum(c => Share(labels, predictions, i => labels[i] == c)) / (labels.Concat(predictions).Max() + 1),
                Lesson.In("A class that has no image has no recall: leave it out of the mean instead of counting it as 0.",
                    "이미지가 없는 클래스에는 재현율이 없습니다. 0으로 세지 말고 평균에서 빼십시오.")),
        ],
    };

    /// <summary>A label as a data set writes it → the captions that stand for it.</summary>
    public static PromptExercise Prompts { get; } = new();

    /// <summary>How far the reader is.</summary>
    public static ExerciseProgress Progress => new("07-zero-shot-classification", [Coarse, Ensemble, MeanRecall, Prompts]);

    private static int[] Range(int[] groups) => [.. Enumerable.Range(0, groups.Max() + 1)];

    /// <summary>(C, G), 1 where class [row] belongs to group [column].</summary>
    private static Tensor Members(int[] groups, int count = -1) => functional.one_hot(tensor(groups).to(int64), count).to(float32);

    private static Tensor Unit(Tensor features) => functional.normalize(features, p: 2, dim: -1);

    private static double Share(int[] labels, int[] predictions, Func<int, bool> counts) =>
        Enumerable.Range(0, labels.Length).Where(counts).Select(i => labels[i] == predictions[i] ? 1.0 : 0).Average();
}
