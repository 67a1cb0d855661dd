using System.Globalization;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Workbook.Scenes;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>
/// "Make zero-shot better by five points with prompts": the reader turns a label, as a data set writes it, into captions. The check
/// classifies held-out drawings of three sets of classes with the embedded model, whichever model the lesson uses. It compares the result
/// with that of the unchanged label in "a photo of a {}.". Several captions of a label are averaged as <see cref="ZeroShotClassifier"/>
/// averages templates.
/// </summary>
public sealed class PromptExercise : Exercise
{
    /// <summary>How many points more than the baseline are asked for on each set.</summary>
    public const double PointsAsked = 5;

    private const int Resolution = 64;

    /// <summary>The index of the first scene: the drawings are others than the lesson's.</summary>
    private const int FirstScene = 1000;

    private static readonly Dictionary<string, string> Everyday = new()
    {
        ["automobile"] = "car",
        ["aeroplane"] = "airplane",
        ["bike"] = "bicycle",
        ["kitten"] = "cat",
        ["pony"] = "horse",
        ["locomotive"] = "train",
        ["parasol"] = "umbrella",
        ["yacht"] = "sailboat",
    };

    private static readonly string[] Animals = ["cat", "dog", "bird", "fish", "horse"];

    private static readonly Lazy<IReadOnlyList<ClassSet>> Built = new(Build);

    /// <summary>The answers of each mistake, computed when a check first needs them.</summary>
    private readonly Dictionary<string, List<long[]>> _wrong = [];

    [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
    internal PromptExercise() => Title = Lesson.In("Five points by prompts", "프롬프트로 5포인트");

    /// <summary>The sets of classes and their labels, as the reader's function gets them.</summary>
    public static IReadOnlyList<(string Name, IReadOnlyList<string> Labels)> Sets =>
        [.. Built.Value.Select(set => (set.Name, (IReadOnlyList<string>)set.Labels))];

    /// <summary>A right answer.</summary>
    public Func<string, string[]> Reference { get; } = Captions;

    /// <summary>Typical answers that gain too little on some set, each with its own hint.</summary>
    public IReadOnlyList<Mistake<Func<string, string[]>>> Mistakes { get; } =
    [
        new("the baseline", label => [PromptTemplates.Fill(PromptTemplates.Photo[0], label)],
            Lesson.In("Your captions are those of the baseline: a sentence around a bad label is still about a bad label. Mend the label "
                + "first.",
                "기준과 같은 캡션입니다. 나쁜 레이블을 문장으로 감싸도 나쁜 레이블입니다. 레이블부터 고치십시오.")),
        new("the label alone", label => [label],
            Lesson.In("You embedded the labels as they come. The model never read \"automobile\", a path or a number: say what is meant "
                + "in words "
                + "that it knows.",
                "레이블을 온 그대로 임베딩했습니다. 모델은 \"automobile\"도, 경로도, 번호도 읽은 적이 없습니다. 모델이 아는 말로 뜻을 말하십시오.")),
        new("the ensemble of templates", label => [.. PromptTemplates.Ensemble.Select(template => PromptTemplates.Fill(template, label))],
            Lesson.In("Averaging templates averages what each makes of one and the same bad label: mend the label before you fill the "
                + "templates.",
                "템플릿을 평균해도 같은 나쁜 레이블로 만든 것들의 평균입니다. 템플릿을 채우기 전에 레이블을 고치십시오.")),
        new("the last word", label => [$"a {label.Split('/', '.', '_')[^1]}"],
            Lesson.In("You kept the last word of each label: a colour without its animal, a class without its first words. Keep all of "
                + "its words, in "
                + "the order of a sentence.",
                "레이블의 마지막 낱말만 남겼습니다. 동물 없는 색, 앞 낱말 없는 클래스가 됩니다. 낱말을 모두, 문장의 순서로 남기십시오.")),
        new("spaces for signs", label => [$"a {label.Replace('/', ' ').Replace('_', ' ').Replace('.', ' ')}"],
            Lesson.In("You made spaces of the signs, but the order stayed, the numbers too, and \"automobile\" is still a word that the "
                + "model never "
                + "read: give it the name that it knows.",
                "기호를 빈칸으로 바꾸었지만 순서도 번호도 그대로이고, \"automobile\"은 여전히 모델이 읽은 적 없는 말입니다. 모델이 아는 이름을 주십시오.")),
    ];

    /// <summary>Classifies the three sets with the reader's captions and says by how many points each gains.</summary>
    /// <param name="attempt">A label → one caption or several; whatever it throws becomes part of the result.</param>
    /// <exception cref="FileNotFoundException">The embedded model, data/models/tiny-clip, is incomplete.</exception>
    public ExerciseResult Check(Func<string, string[]> attempt)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        using var scope = NewDisposeScope();
        return Last = Judge(attempt);
    }

    private ExerciseResult Judge(Func<string, string[]> attempt)
    {
        string[][][] captions;
        try
        {
            captions = TimeLimit.Run(() => Ask(attempt), TimeLimit.Default);
        }
        catch (NotYetAttemptedException)
        {
            return ExerciseResult.NotYet(Title);
        }
        catch (Exception exception)
        {
            return new ExerciseResult(Title, ExerciseStatus.Wrong, exception switch
            {
                UnusableException => exception.Message,
                TimeoutException => Lesson.In("your function does not end: ", "함수가 끝나지 않습니다: ") + exception.Message,
                _ => Lesson.In("your function stopped: ", "함수가 멈추었습니다: ")
                    + $"{exception.Message.Split('\n')[0].TrimEnd()} ({exception.GetType().Name})",
            }, null);
        }

        using var encoder = ClipEncoder.FromPretrained(Path.Combine(Lesson.Data, "models", "tiny-clip"), CPU);
        var before = AnswersOf(Mistakes[0], encoder);
        var after = Answers(encoder, captions);
        double[] gains = [.. Built.Value.Select((set, i) => 100 * (set.Accuracy(after[i]) - set.Accuracy(before[i])))];
        string finding = string.Join("; ", Built.Value.Select((set, i) => Lesson.In<FormattableString>(
            $"{set.Name}: {100 * set.Accuracy(before[i]):F1} % became {100 * set.Accuracy(after[i]):F1} %, {gains[i]:+0.0;-0.0;0.0} points",
            $"{set.Name}: {100 * set.Accuracy(before[i]):F1} %에서 {100 * set.Accuracy(after[i]):F1} %로, {gains[i]:+0.0;-0.0;0.0}포인트")
            .ToString(CultureInfo.InvariantCulture)));
        if (gains.All(gain => gain >= PointsAsked)) return new ExerciseResult(Title, ExerciseStatus.Done, finding, null);
        var mistake = Mistakes.FirstOrDefault(m => AnswersOf(m, encoder).Zip(after)
            .All(pair => pair.First.AsSpan().SequenceEqual(pair.Second)));
        return new ExerciseResult(Title, ExerciseStatus.Wrong,
            finding + Lesson.In($"; {PointsAsked:F0} or more are asked for on each", $"; 묶음마다 {PointsAsked:F0} 이상이어야 합니다"), mistake?.Hint);
    }

    /// <summary>The captions of every label of every set.</summary>
    private static string[][][] Ask(Func<string, string[]> attempt) => [.. Built.Value.Select(set => set.Labels.Select(label =>
        attempt(label) is { Length: > 0 } some && !some.Any(string.IsNullOrWhiteSpace) ? some : throw new UnusableException(
            Lesson.In($"for the label \"{label}\", your function gave no caption or an empty one",
                $"레이블 \"{label}\"에 캡션이 없거나 비어 있습니다"))).ToArray())];

    private List<long[]> AnswersOf(Mistake<Func<string, string[]>> mistake, ClipEncoder encoder)
    {
        if (!_wrong.TryGetValue(mistake.Name, out var answers)) _wrong[mistake.Name] = answers = Answers(encoder, Ask(mistake.Attempt));
        return answers;
    }

    private static List<long[]> Answers(ClipEncoder encoder, string[][][] captions) => [.. Built.Value.Select((set, i) =>
    {
        using var scope = NewDisposeScope();
        var rows = captions[i].Select(some => functional.normalize(encoder.EncodeTexts(some).mean([0], keepdim: true), p: 2, dim: -1))
            .ToList();
        return set.Embeddings(encoder).mm(cat(rows, 0).t()).argmax(1).data<long>().ToArray();  // (N, E) · (E, C) → (N)
    })];

    private static string[] Captions(string label)
    {
        string name = Everyday.GetValueOrDefault(label, label);
        if (label.Split('/') is [_, var animal, var color]) name = $"{color} {animal}";
        if (label.Split('.') is [_, var words]) name = words.Replace('_', ' ');
        return [$"a {name}", $"a photo of a {name}."];
    }

    private static IReadOnlyList<ClassSet> Build()
    {
        var colored = Animals.SelectMany(animal => Scenes(animal, 100).GroupBy(scene => scene.Attributes["color"])
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => ($"animal/{animal}/{group.Key}", group.Take(6)))).ToArray();
        return
        [
            new(Lesson.In("everyday names", "일상의 이름"), [.. Everyday.Select(pair => (pair.Key, Scenes(pair.Value, 10)))]),
            new(Lesson.In("paths of coloured animals", "색 있는 동물의 경로"), colored),
            new(Lesson.In("numbered folders", "번호 붙은 폴더"),
                [.. SyntheticScenes.Concepts.Select((concept, i) =>
                    ($"{i + 1:000}.{concept.Replace(' ', '_')}", Scenes(concept, 6)))]),
        ];
    }

    private static IEnumerable<Scene> Scenes(string concept, int count) =>
        Enumerable.Range(FirstScene, count).Select(i => SyntheticScenes.Create(SceneWorld.HeldOut, concept, i));

    private sealed class UnusableException(string message) : Exception(message);

    /// <summary>Labels, and held-out drawings of each, embedded once.</summary>
    private sealed class ClassSet(string name, (string Label, IEnumerable<Scene> Scenes)[] classes)
    {
        private readonly (Scene Scene, int Label)[] _images =
            [.. classes.SelectMany((c, label) => c.Scenes.Select(scene => (scene, label)))];
        private float[]? _embeddings;

        public string Name => name;

        public string[] Labels { get; } = [.. classes.Select(c => c.Label)];

        public double Accuracy(long[] answers) => _images.Zip(answers)
            .Count(pair => pair.First.Label == pair.Second) / (double)_images.Length;

        public Tensor Embeddings(ClipEncoder encoder)
        {
            if (_embeddings is null)
            {
                using var made = encoder.EncodeImages([.. _images.Select(image => image.Scene.Draw(Resolution))]);
                _embeddings = made.data<float>().ToArray();
            }
            return tensor(_embeddings, [_images.Length, _embeddings.Length / _images.Length]);                             // (N, E)
        }
    }
}
