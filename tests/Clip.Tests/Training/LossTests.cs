using System.Text.Json;
using ClipNotebooks.Clip.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Training;

/// <summary>
/// References: loss.json (float64 arithmetic of the definition) and open_clip.json (open_clip's ClipLoss and SigLipLoss). Computed here in
/// float64 too, so 1e-9 covers what the order of summation leaves; the reference's scales are given to eight digits.
/// </summary>
public sealed class LossTests
{
    private const double Tolerance = 1e-9;

    public static TheoryData<string> LogitCases => [.. Cases().Keys];

    public static TheoryData<int> EmbeddingCases => [.. Enumerable.Range(0, Embeddings().Count)];

    [Theory]
    [MemberData(nameof(LogitCases))]
    public void Loss_and_gradient_of_logits_equal_the_reference(string name)
    {
        using var scope = NewDisposeScope();
        var expected = Cases()[name];
        var logits = Matrix(expected.GetProperty("logits_per_image")).requires_grad_();
        var loss = ContrastiveLoss.FromLogits(logits);
        loss.backward();
        AssertClose(expected.GetProperty("loss").GetDouble(), loss);
        AssertClose(Matrix(expected.GetProperty("grad_logits")), logits.grad!);
    }

    [Fact]
    public void The_documents_matrix_gives_the_worked_rows_true_values()
    {
        using var scope = NewDisposeScope();
        var row = Matrix(Cases()["given_4x4"].GetProperty("logits_per_image"))[0];
        Assert.Equal(0.828, row.softmax(0)[0].ToDouble(), 0.0005); // three digits are quoted
        Assert.Equal(0.189, -row.log_softmax(0)[0].ToDouble(), 0.0005);
    }

    [Theory]
    [MemberData(nameof(EmbeddingCases))]
    public void Contrastive_loss_of_embeddings_equals_open_clip_whole_and_in_chunks(int index)
    {
        var expected = Embeddings()[index].GetProperty("clip_loss");
        AssertLoss(index, expected, x => ContrastiveLoss.WithLogitScale(x[0], x[1], x[2]));
        foreach (int chunk in new[] { 1, 2, 3, 100 })
            AssertLoss(index, expected, x => ContrastiveLoss.Chunked(x[0], x[1], x[2], chunk));
    }

    [Theory]
    [MemberData(nameof(EmbeddingCases))]
    public void Sigmoid_loss_of_embeddings_equals_open_clip_whole_and_in_chunks(int index)
    {
        var expected = Embeddings()[index].GetProperty("siglip_loss");
        AssertLoss(index, expected, x => SigmoidLoss.WithLogitScale(x[0], x[1], x[2], x[3]));
        foreach (int chunk in new[] { 1, 2, 3, 100 })
            AssertLoss(index, expected, x => SigmoidLoss.Chunked(x[0], x[1], x[2], x[3], chunk));
    }

    [Fact]
    public void A_temperature_divides_where_a_scale_multiplies()
    {
        using var scope = NewDisposeScope();
        var (image, text) = (nn.functional.normalize(randn(5, 8, dtype: float64), p: 2, dim: -1),
            nn.functional.normalize(randn(5, 8, dtype: float64), p: 2, dim: -1));
        AssertClose(ContrastiveLoss.WithLogitScale(image, text, tensor(Math.Log(1 / 0.07))).ToDouble(),
            ContrastiveLoss.WithTemperature(image, text, 0.07));
    }

    [Fact]
    public void Chunks_leave_a_loss_without_gradient_alone()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var (image, text, scale) = (randn(5, 8), randn(5, 8), tensor(1f));
        var loss = ContrastiveLoss.Chunked(image, text, scale, 2);
        Assert.False(loss.requires_grad);
        Close.Relative(ContrastiveLoss.WithLogitScale(image, text, scale), loss, 1e-6); // float32
    }

    [Fact]
    public void Losses_leave_no_live_tensor()
    {
        using var outer = NewDisposeScope();
        var (image, text, scale, bias) = (randn(5, 8).requires_grad_(), randn(5, 8).requires_grad_(), tensor(1f).requires_grad_(),
            tensor(-1f));
        Compute();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Compute();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);

        void Compute()
        {
            using var scope = NewDisposeScope();
            (ContrastiveLoss.Chunked(image, text, scale, 2) + SigmoidLoss.Chunked(image, text, scale, bias, 2)
                + ContrastiveLoss.WithTemperature(image, text) + SigmoidLoss.WithLogitScale(image, text, scale, bias)).backward();
        }
    }

    [Fact]
    public void Shapes_that_do_not_pair_are_refused_with_both_shapes()
    {
        using var scope = NewDisposeScope();
        Assert.Contains("(2, 3)", Assert.Throws<ArgumentException>(() => ContrastiveLoss.FromLogits(zeros(2, 3))).Message);
        Assert.Contains("(4, 8) and (5, 8)", Assert.Throws<ArgumentException>(
            () => ContrastiveLoss.WithTemperature(zeros(4, 8), zeros(5, 8))).Message);
        Assert.Contains("0", Assert.Throws<ArgumentException>(() => ContrastiveLoss.WithTemperature(zeros(4, 8), zeros(4, 8), 0)).Message);
        Assert.Contains("0", Assert.Throws<ArgumentException>(
            () => ContrastiveLoss.Chunked(zeros(4, 8), zeros(4, 8), tensor(1f), 0)).Message);
    }

    private static void AssertLoss(int index, JsonElement expected, Func<Tensor[], Tensor> lossOf)
    {
        using var scope = NewDisposeScope();
        var given = Embeddings()[index];
        // open_clip is given the factor itself, the losses here its logarithm: d/d(ln s) = s · d/ds.
        double factor = given.GetProperty("logit_scale").GetDouble();
        Tensor[] x =
        [
            Matrix(given.GetProperty("image_features")).requires_grad_(), Matrix(given.GetProperty("text_features")).requires_grad_(),
            tensor(Math.Log(factor)).requires_grad_(), tensor(given.GetProperty("logit_bias").GetDouble()).requires_grad_(),
        ];
        var loss = lossOf(x);
        (2 * loss).backward(); // a factor on the loss must reach the gradients
        AssertClose(expected.GetProperty("loss").GetDouble(), loss);
        AssertClose(2 * Matrix(expected.GetProperty("grad_image_features")), x[0].grad!);
        AssertClose(2 * Matrix(expected.GetProperty("grad_text_features")), x[1].grad!);
        AssertClose(2 * factor * expected.GetProperty("grad_logit_scale").GetDouble(), x[2].grad!);
        if (expected.TryGetProperty("grad_logit_bias", out var bias)) AssertClose(2 * bias.GetDouble(), x[3].grad!);
    }

    private static void AssertClose(double expected, Tensor actual) =>
        Assert.Equal(expected, actual.ToDouble(), Tolerance * Math.Max(1, Math.Abs(expected)));

    private static void AssertClose(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.Equal(0, (expected - actual).abs().max().ToDouble(), Tolerance * Math.Max(1, expected.abs().max().ToDouble()));
    }

    private static Tensor Matrix(JsonElement rows)
    {
        double[][] values = [.. rows.EnumerateArray().Select(r => r.EnumerateArray().Select(v => v.GetDouble()).ToArray())];
        return tensor(values.SelectMany(v => v).ToArray()).reshape(values.Length, values[0].Length);
    }

    private static Dictionary<string, JsonElement> Cases() =>
        Json("losses", "loss.json").GetProperty("cases").EnumerateArray().ToDictionary(c => c.GetProperty("name").GetString()!);

    private static List<JsonElement> Embeddings() =>
        [.. Json("models", "open_clip", "open_clip.json").GetProperty("losses").EnumerateArray()];

    private static JsonElement Json(params string[] parts) => JsonDocument.Parse(File.ReadAllText(Repository.Reference(parts))).RootElement;
}
