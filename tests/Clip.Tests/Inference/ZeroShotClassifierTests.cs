using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Inference;

public sealed class ZeroShotClassifierTests : IDisposable
{
    private static readonly string[] Names = ["cat", "dog", "red circle", "sunset over the ocean"];

    private readonly ClipEncoder _clip = RandomClip.Create();
    private readonly string _folder = Directory.CreateTempSubdirectory("classifier").FullName;

    public void Dispose()
    {
        _clip.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Templates_are_averaged_among_unit_vectors_and_the_mean_is_one_again()
    {
        string[] templates = ["a photo of a {}.", "{} at night"];
        using var classifier = new ZeroShotClassifier(_clip, Names, templates);
        using var scope = NewDisposeScope();
        var image = _clip.EncodeImages([RandomClip.Image(1)]);                                       // (1, E)
        var rows = Names.Select(name =>
        {
            var mean = _clip.EncodeTexts([$"a photo of a {name}.", $"{name} at night"]).mean([0]);   // (E)
            return mean / mean.norm();
        }).ToArray();
        var expected = (_clip.Scale * image.mm(stack(rows).T)).softmax(1);
        // The same sums in another order: float32's last digits.
        Close.Relative(expected, Close.Rows(classifier.Probabilities([RandomClip.Image(1)])), 1e-5);
    }

    [Fact]
    public void Many_classes_times_templates_give_the_rows_that_each_class_gives_alone()
    {
        string[] names = [.. Enumerable.Range(0, 120).Select(i => $"cat {i}")];
        using var together = new ZeroShotClassifier(_clip, names, PromptTemplates.Ensemble);
        using var alone = new ZeroShotClassifier(_clip, [names[^1], "dog"], PromptTemplates.Ensemble);
        using var scope = NewDisposeScope();
        together.Save(Path.Combine(_folder, "together"));
        alone.Save(Path.Combine(_folder, "alone"));
        using var first = Clip.Checkpoints.SafetensorsFile.Open(Path.Combine(_folder, "together"));
        using var second = Clip.Checkpoints.SafetensorsFile.Open(Path.Combine(_folder, "alone"));
        Close.Relative(second.Read("weights")[0], first.Read("weights")[-1], 1e-5);
    }

    [Fact]
    public void Probabilities_come_sorted_and_sum_to_one()
    {
        using var classifier = new ZeroShotClassifier(_clip, Names);
        var ranked = classifier.Classify(RandomClip.Image(2));
        Assert.Equal(Names.Order(), ranked.Select(pair => pair.ClassName).Order());
        Assert.Equal(ranked.OrderByDescending(pair => pair.Probability), ranked);
        Assert.Equal(1, ranked.Sum(pair => pair.Probability), 1e-5);
    }

    [Fact]
    public async Task Streams_give_what_single_images_give_in_their_order()
    {
        using var classifier = new ZeroShotClassifier(_clip, Names);
        RasterImage[] images = [.. Enumerable.Range(0, 7).Select(i => RandomClip.Image(i))];
        var single = images.Select(image => classifier.Classify(image)).ToList();
        var stream = classifier.Classify(images, batchSize: 3).ToList();
        var later = await classifier.ClassifyAsync(images.ToAsyncEnumerable(), batchSize: 3).ToListAsync();
        Assert.Equal(7, stream.Count);
        for (int i = 0; i < images.Length; i++)
            foreach (var ranked in new[] { stream[i], later[i] })
            {
                Assert.Equal(single[i].Select(pair => pair.ClassName), ranked.Select(pair => pair.ClassName));
                // A batch of three takes other kernels than one of one.
                Assert.All(single[i].Zip(ranked), pair => Assert.Equal(pair.First.Probability, pair.Second.Probability, 1e-5));
            }
    }

    [Fact]
    public void A_stream_is_read_a_batch_at_a_time()
    {
        using var classifier = new ZeroShotClassifier(_clip, Names);
        int read = 0;
        var stream = classifier.Classify(Enumerable.Range(0, 100).Select(i => { read++; return RandomClip.Image(i); }), batchSize: 4);
        Assert.Equal(0, read);
        Assert.Equal(2, stream.Take(2).Count());
        Assert.Equal(4, read);
    }

    [Fact]
    public async Task A_cancelled_stream_stops_between_batches()
    {
        using var classifier = new ZeroShotClassifier(_clip, Names);
        using var stop = new CancellationTokenSource();
        int answers = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in classifier.ClassifyAsync(
                Enumerable.Range(0, 100).Select(i => RandomClip.Image(i)).ToAsyncEnumerable(), 2, stop.Token))
                if (++answers == 4) await stop.CancelAsync();
        });
        Assert.Equal(4, answers);
    }

    [Fact]
    public void Multi_label_probabilities_of_a_class_do_not_depend_on_the_other_classes()
    {
        using var many = new ZeroShotClassifier(_clip, Names, multiLabel: true);
        using var few = new ZeroShotClassifier(_clip, [Names[1]], multiLabel: true);
        using var scope = NewDisposeScope();
        RasterImage[] images = [RandomClip.Image(3), RandomClip.Image(4)];
        var all = Close.Rows(many.Probabilities(images));
        Close.Relative(Close.Rows(few.Probabilities(images)).squeeze(1), all[TensorIndex.Colon, 1], 1e-5);
        // The neutral name itself is as likely as not.
        using var neutral = new ZeroShotClassifier(_clip, ["thing"], multiLabel: true);
        Close.Relative(full([2, 1], 0.5f), Close.Rows(neutral.Probabilities(images)), 1e-5);
    }

    [Fact]
    public void Embeddings_of_any_element_type_are_read_as_the_numbers_they_are()
    {
        using var classifier = new ZeroShotClassifier(_clip, Names);
        using var scope = NewDisposeScope();
        var embeddings = _clip.EncodeImages([RandomClip.Image(3), RandomClip.Image(4)]);
        var expected = classifier.Probabilities(embeddings);
        Close.Relative(expected, classifier.Probabilities(embeddings.to(ScalarType.Float64)), 1e-6);
        Close.Relative(expected, classifier.Probabilities(embeddings.to(ScalarType.BFloat16)), 0.1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_saved_classifier_comes_back_the_same(bool multiLabel)
    {
        string path = Path.Combine(_folder, "classifier.safetensors");
        using var scope = NewDisposeScope();
        using var classifier = new ZeroShotClassifier(_clip, Names, ["a {}", "the {}"], multiLabel);
        classifier.Save(path);
        using var loaded = ZeroShotClassifier.Load(path, _clip);
        Assert.Equal(Names, loaded.ClassNames);
        Assert.Equal(["a {}", "the {}"], loaded.Templates);
        Assert.Equal(multiLabel, loaded.MultiLabel);
        Assert.Equal(classifier.Probabilities([RandomClip.Image(5)]), loaded.Probabilities([RandomClip.Image(5)]));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_saved_classifier_is_refused_by_another_model_and_another_file_by_its_name()
    {
        string path = Path.Combine(_folder, "classifier.safetensors");
        using (var classifier = new ZeroShotClassifier(_clip, Names)) classifier.Save(path);
        using var other = RandomClip.Create(seed: 2);
        Assert.Contains("made by another model", Assert.Throws<InvalidDataException>(() => ZeroShotClassifier.Load(path, other)).Message,
            StringComparison.Ordinal);

        using var tensor = zeros(2);
        Clip.Checkpoints.SafetensorsFile.Write(path, [new("weights", tensor)]);
        Assert.Contains("is not a saved classifier",
            Assert.Throws<InvalidDataException>(() => ZeroShotClassifier.Load(path, _clip)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_keeps_its_fingerprint_in_bfloat16_and_loses_it_with_a_weight()
    {
        string before = _clip.Fingerprint();
        Assert.Matches("^[0-9a-f]{64}$", before);
        using (no_grad()) _clip.Model.Text.parameters().First().mul_(1.01);
        string after = _clip.Fingerprint();
        Assert.NotEqual(before, after);
        _clip.Model.to(ScalarType.BFloat16);
        Assert.Equal(after, _clip.Fingerprint());
    }

    /// <summary>
    /// Fingerprints are stored with indexes, so that rounding to bfloat16 is for good; by way of float16 a number is rounded twice, and
    /// what lies beside the middle of two in bfloat16 may fall on it.
    /// </summary>
    [Fact]
    public void A_model_keeps_its_fingerprint_in_float16_where_float16_holds_its_weights()
    {
        using var scope = NewDisposeScope();
        var twice = tensor(0.02898891270160675f);
        Assert.NotEqual(twice.to(bfloat16).ToDouble(), twice.to(float16).to(bfloat16).ToDouble());
        string exact = _clip.Fingerprint();
        _clip.Model.to(ScalarType.Float16);
        string rounded = _clip.Fingerprint();
        Assert.NotEqual(exact, rounded);
        _clip.Model.to(ScalarType.Float32);
        Assert.Equal(rounded, _clip.Fingerprint());
    }

    [Fact]
    public void Wrong_classes_templates_and_embeddings_are_refused()
    {
        Assert.Contains("named 2 times", Assert.Throws<ArgumentException>(() => new ZeroShotClassifier(_clip, ["cat", "cat"])).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new ZeroShotClassifier(_clip, []));
        Assert.Throws<ArgumentException>(() => new ZeroShotClassifier(_clip, ["cat", " "]));
        Assert.Throws<ArgumentException>(() => new ZeroShotClassifier(_clip, Names, ["a photo"]));
        using var classifier = new ZeroShotClassifier(_clip, Names);
        using var wrong = zeros(2, 7);
        Assert.Contains("(N, 24) is needed", Assert.Throws<ArgumentException>(() => classifier.Probabilities(wrong)).Message,
            StringComparison.Ordinal);
        Assert.Contains("has 7 values; the classifier's have 24", Assert.Throws<ArgumentException>(
            () => classifier.Probabilities([new float[7]])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => _clip.EncodePixels(wrong));
    }

    [Fact]
    public void Pixels_prepared_elsewhere_give_the_images_embeddings()
    {
        using var scope = NewDisposeScope();
        RasterImage[] images = [RandomClip.Image(6), RandomClip.Image(7)];
        Close.Relative(_clip.EncodeImages(images), _clip.EncodePixels(_clip.Processor.Images(images)), 0);
    }

    [Fact]
    public void No_tensor_is_left_behind()
    {
        using (var warm = new ZeroShotClassifier(_clip, Names, multiLabel: true)) warm.Classify(RandomClip.Image(1));
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (var classifier = new ZeroShotClassifier(_clip, Names, PromptTemplates.Ensemble, multiLabel: true))
        {
            classifier.Save(Path.Combine(_folder, "c"));
            Assert.Equal(3, classifier.Classify([RandomClip.Image(1), RandomClip.Image(2), RandomClip.Image(3)], 2).Count());
            using var loaded = ZeroShotClassifier.Load(Path.Combine(_folder, "c"), _clip);
            using var embeddings = _clip.EncodeImages([RandomClip.Image(1)]);
            loaded.Probabilities(embeddings).Dispose();
        }
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }
}
