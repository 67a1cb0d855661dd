using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;

namespace ClipNotebooks.Clip.Tests.Inference;

/// <summary>What comes together is encoded together, and nobody but the one concerned notices a fault or a caller who is gone.</summary>
public sealed class BatchingEncoderTests : IAsyncDisposable
{
    /// <summary>Sums of a batch are added up in another order than those of a single row: a few units of float32's last place.</summary>
    private const float Rounding = 1e-5f;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly WatchedEncoder _model = new(RandomClip.Create());
    private readonly BatchingEncoder _clip;

    public BatchingEncoderTests() => _clip = new(_model, new() { MaxBatch = 8, MaxQueue = 16 });

    public async ValueTask DisposeAsync()
    {
        _model.Gate.Set();
        await _clip.DisposeAsync();
        _model.Dispose();
    }

    [Fact]
    public async Task What_comes_while_the_model_is_busy_is_encoded_together_and_each_gets_its_own_embedding()
    {
        string[] texts = [.. Enumerable.Range(0, 12).Select(i => $"picture number {i}")];
        RasterImage[] images = [.. Enumerable.Range(0, 12).Select(i => RandomClip.Image(i))];
        float[][] textsAlone = [.. texts.Select(text => _model.EmbedTexts([text])[0])];
        float[][] imagesAlone = [.. images.Select(image => _model.EmbedImages([image])[0])];
        _model.Batches.Clear();
        _model.Gate.Reset();
        var texted = texts.Select(text => _clip.EmbedTextsAsync([text])).ToArray();
        var pictured = images.Select(image => _clip.EmbedImageAsync(image)).ToArray();
        await WaitUntilAsync(() => _clip.Waiting + _model.Batches.Sum() == 24);
        _model.Gate.Set();
        for (int i = 0; i < texts.Length; i++)
        {
            Close(textsAlone[i], (await texted[i].WaitAsync(Soon))[0]);
            Close(imagesAlone[i], await pictured[i].WaitAsync(Soon));
        }
        Assert.Equal(24, _model.Batches.Sum());
        Assert.InRange(_model.Batches.Count, 4, 12);
        Assert.Equal(8, _model.Batches.Max());
        Assert.Equal(0, _clip.Waiting);
    }

    [Fact]
    public async Task A_request_of_many_goes_in_batches_and_keeps_its_order()
    {
        string[] texts = [.. Enumerable.Range(0, 50).Select(i => string.Join(' ', Enumerable.Repeat("word", i % 7 + 1)) + $" {i}")];
        float[][] together = await _clip.EmbedTextsAsync(texts).WaitAsync(Soon);
        Assert.Equal([8, 8, 8, 8, 8, 8, 2], _model.Batches);
        foreach (int i in new[] { 0, 7, 8, 31, 49 }) Close(_model.EmbedTexts([texts[i]])[0], together[i]);
    }

    /// <summary>Nine images are two batches, whose names are cut into batches as they are.</summary>
    [Theory]
    [InlineData(8)]
    [InlineData(10)]
    public async Task As_many_names_as_images_are_asked_for(int names)
    {
        float[][] pixels = [.. Enumerable.Range(0, 9).Select(i => _model.Processor.Transform.Apply(RandomClip.Image(i)))];
        var error = await Assert.ThrowsAsync<ArgumentException>(
            () => _clip.EmbedPixelsAsync(pixels, [.. Enumerable.Range(0, names).Select(i => $"{i}")]));
        Assert.Contains($"There are 9 images and {names} names.", error.Message, StringComparison.Ordinal);
        Assert.Equal(9, (await _clip.EmbedPixelsAsync(pixels, [.. pixels.Select((_, i) => $"{i}")])).Length);
    }

    [Fact]
    public async Task The_fault_of_one_is_that_one_s_alone()
    {
        _model.Bad = "bad";
        _model.Gate.Reset();
        var first = _clip.EmbedTextsAsync(["first"]);
        await WaitUntilAsync(() => !_model.Batches.IsEmpty);
        var asked = new[] { "good", "bad", "fine" }.Select(text => _clip.EmbedTextsAsync([text])).ToArray();
        _model.Gate.Set();
        await first.WaitAsync(Soon);
        Close(_model.EmbedTexts(["good"])[0], (await asked[0].WaitAsync(Soon))[0]);
        Assert.Contains("bad", (await Assert.ThrowsAsync<NonFiniteException>(() => asked[1].WaitAsync(Soon))).Message);
        Close(_model.EmbedTexts(["fine"])[0], (await asked[2].WaitAsync(Soon))[0]);
    }

    [Fact]
    public async Task Who_gives_up_is_let_go_at_once_and_not_encoded()
    {
        _model.Gate.Reset();
        var first = _clip.EmbedTextsAsync(["first"]);
        await WaitUntilAsync(() => !_model.Batches.IsEmpty);
        using CancellationTokenSource gone = new();
        var left = _clip.EmbedTextsAsync(["left", "behind"], gone.Token);
        var stays = _clip.EmbedTextsAsync(["stays"]);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left.WaitAsync(Soon));
        Assert.False(first.IsCompleted);
        _model.Gate.Set();
        await Task.WhenAll(first, stays).WaitAsync(Soon);
        Assert.Equal([1, 1], _model.Batches);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _clip.EmbedTextsAsync(["late"], gone.Token));
    }

    [Fact]
    public async Task More_than_may_wait_is_refused_and_what_waits_is_answered()
    {
        _model.Gate.Reset();
        var first = _clip.EmbedTextsAsync(["first"]);
        await WaitUntilAsync(() => !_model.Batches.IsEmpty);
        var waiting = Enumerable.Range(0, 16).Select(i => _clip.EmbedTextsAsync([$"{i}"])).ToArray();
        var full = await Assert.ThrowsAsync<QueueFullException>(() => _clip.EmbedTextsAsync(["one more"]));
        Assert.Contains("16", full.Message);
        _model.Gate.Set();
        await Task.WhenAll([first, .. waiting]).WaitAsync(Soon);
        Assert.Single(await _clip.EmbedTextsAsync(["again"]).WaitAsync(Soon));
    }

    [Fact]
    public async Task Disposed_it_answers_what_waits_and_takes_no_more()
    {
        _model.Gate.Reset();
        var asked = Enumerable.Range(0, 5).Select(i => _clip.EmbedTextsAsync([$"{i}"])).ToArray();
        var ended = _clip.DisposeAsync().AsTask();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => _clip.EmbedTextsAsync(["late"]));
        Assert.False(ended.IsCompleted);
        _model.Gate.Set();
        await Task.WhenAll([.. asked, ended]).WaitAsync(Soon);
        Assert.Single(_model.EmbedTexts(["the model stays"]));
    }

    /// <summary>The queue's hour does not pass within the test. If it has to, the test fails and leaves the queue behind.</summary>
    [Fact]
    public async Task A_full_batch_does_not_wait_for_more()
    {
        BatchingEncoder patient = new(_model, new() { MaxBatch = 3, MaxQueue = 3, MaxWait = TimeSpan.FromHours(1) });
        for (int round = 1; round <= 2; round++)
        {
            var first = patient.EmbedTextsAsync(["first"]);
            // So that the queue has begun to wait; one that is not full goes on with it.
            await Task.Delay(200);
            var second = patient.EmbedTextsAsync(["second"]);
            await Task.Delay(50);
            Assert.Equal(2, patient.Waiting);
            var third = patient.EmbedTextsAsync(["third"]);
            await Task.WhenAll(first, second, third).WaitAsync(Soon);
            Assert.Equal(Enumerable.Repeat(3, round), _model.Batches);
        }
        await patient.DisposeAsync().AsTask().WaitAsync(Soon);
    }

    [Fact]
    public async Task Disposed_it_waits_for_no_others()
    {
        BatchingEncoder patient = new(_model, new() { MaxBatch = 3, MaxQueue = 3, MaxWait = TimeSpan.FromHours(1) });
        var asked = patient.EmbedTextsAsync(["alone"]);
        await Task.Delay(200);
        Assert.False(asked.IsCompleted);
        await patient.DisposeAsync().AsTask().WaitAsync(Soon);
        Close(_model.EmbedTexts(["alone"])[0], (await asked.WaitAsync(Soon))[0]);
    }

    [Fact]
    public async Task Bounds_that_make_no_sense_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new BatchingEncoder(_model, new() { MaxBatch = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BatchingEncoder(_model, new() { MaxBatch = 8, MaxQueue = 7 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BatchingEncoder(_model, new() { MaxWait = TimeSpan.FromTicks(-1) }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BatchingEncoder(_model, new() { MaxWait = TimeSpan.MaxValue }));
        await Assert.ThrowsAsync<ArgumentException>(() => _clip.EmbedTextsAsync([]));
        await Assert.ThrowsAsync<ArgumentException>(() => _clip.EmbedPixelsAsync([new float[3]]));
    }

    private static void Close(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, Rounding));
    }

    private static async Task WaitUntilAsync(Func<bool> holds)
    {
        for (int i = 0; i < 3000 && !holds(); i++) await Task.Delay(10);
        Assert.True(holds());
    }
}
