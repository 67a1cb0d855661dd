using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Inference;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Inference;

/// <summary>What is disposed while 16 threads use it: memory freed under a call ends the process, and with it this test run.</summary>
public sealed class DisposalTests
{
    private const int Threads = 16, Rounds = 50;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private static readonly string[] Captions = ["a photo of a cat", "a photo of a dog"];

    [Theory]
    [InlineData(null)]
    [InlineData(Precision.Float32)]
    [InlineData(Precision.BFloat16)]
    public void An_encoder_disposed_while_threads_encode_lets_them_end_and_refuses_later_calls(Precision? precision) => Race(() =>
    {
        var clip = Open(precision);
        var image = RandomClip.Image(1);
        return (clip,
        [
            () => clip.EncodeImages([image]), () => clip.EncodeTexts(Captions),
            () => clip.LogitsPerImage([image], Captions), () => tensor(clip.Scale),
        ]);
    });

    /// <summary>The prepared form uses the model of the encoder that made it.</summary>
    [Theory]
    [InlineData(Precision.Float32)]
    [InlineData(Precision.BFloat16)]
    public void A_prepared_form_that_threads_use_directly_outlives_its_encoder(Precision precision) => Race(() =>
    {
        var clip = RandomClip.Create();
        var prepared = clip.Prepare(precision);
        return (clip,
        [
            () => Encode(prepared.EncodeImage, clip.Processor.Images([RandomClip.Image(1)])),
            () => Encode(prepared.EncodeText, clip.Processor.Texts(Captions)),
        ]);

        static Tensor Encode(Func<Tensor, Tensor> encode, Tensor inputs)
        {
            using (inputs) return encode(inputs);
        }
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_classifier_disposed_while_threads_classify_lets_them_end_and_refuses_later_calls(bool withItsEncoder) => Race(() =>
    {
        var clip = RandomClip.Create();
        var classifier = new ZeroShotClassifier(clip, ["cat", "dog"], multiLabel: true);
        var embeddings = clip.EncodeImages([RandomClip.Image(1)]);
        IDisposable used = withItsEncoder ? clip : new Both(classifier, clip);
        return (used, [() => Close.Rows(classifier.Probabilities([RandomClip.Image(2)])), () => classifier.Probabilities(embeddings)]);
    });

    [Fact]
    public void What_is_disposed_twice_or_before_it_was_used_refuses_calls()
    {
        var clip = RandomClip.Create();
        var prepared = clip.Prepare(Precision.Float32);
        var classifier = new ZeroShotClassifier(clip, ["cat"]);
        for (int time = 0; time < 2; time++)
        {
            classifier.Dispose();
            clip.Dispose();
        }
        using var pixels = zeros(1, 3, 16, 16);
        Assert.Contains(nameof(ClipEncoder), Assert.Throws<ObjectDisposedException>(() => clip.EncodeTexts(Captions)).Message);
        Assert.Throws<ObjectDisposedException>(() => clip.EncodePixels(pixels));
        Assert.Throws<ObjectDisposedException>(() => clip.Prepare());
        Assert.Throws<ObjectDisposedException>(() => clip.Fingerprint());
        Assert.Throws<ObjectDisposedException>(() => new ZeroShotClassifier(clip, ["cat"]));
        var refused = Assert.Throws<ObjectDisposedException>(() => classifier.Probabilities([RandomClip.Image(1)]));
        Assert.Contains(nameof(ZeroShotClassifier), refused.Message);
        Assert.Contains(nameof(PreparedClip), Assert.Throws<ObjectDisposedException>(() => prepared.EncodeImage(pixels)).Message);
    }

    /// <summary>Native memory must not wait for the collector: what the last call leaves is freed with it.</summary>
    [Fact]
    public void The_last_call_under_way_frees_the_model()
    {
        var clip = RandomClip.Create();
        clip.Prepare(Precision.BFloat16);
        var weight = clip.Model.LogitScale;
        using (clip.Enter())
        {
            clip.Dispose();
            Assert.False(weight.IsInvalid);
        }
        Assert.True(weight.IsInvalid);
    }

    private static ClipEncoder Open(Precision? precision)
    {
        var clip = RandomClip.Create();
        if (precision is { } chosen) clip.Prepare(chosen);
        return clip;
    }

    /// <summary>In each round threads call until they are refused; a moment after they have begun, what they use is disposed.</summary>
    private static void Race(Func<(IDisposable Used, Func<Tensor>[] Calls)> make)
    {
        Func<Tensor>[] calls = [];
        long done = 0;
        using var start = new Barrier(Threads + 1);
        using var refused = new CountdownEvent(Threads);
        var threads = Enumerable.Range(0, Threads).Select(number => Task.Factory.StartNew(() =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                start.SignalAndWait(Limit);
                try
                {
                    for (int call = number; ; call++)
                    {
                        calls[call % calls.Length]().Dispose();
                        Interlocked.Increment(ref done);
                    }
                }
                catch (ObjectDisposedException)
                {
                    refused.Signal();
                }
            }
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
        for (int round = 0; round < Rounds; round++)
        {
            (IDisposable used, calls) = make();
            refused.Reset();
            Assert.True(start.SignalAndWait(Limit), "A thread ended.");
            Thread.SpinWait(round * 2000);
            used.Dispose();
            Assert.True(refused.Wait(Limit), "A thread was not refused.");
        }
        Task.WaitAll(threads);
        Assert.InRange(done, 1, long.MaxValue);
    }

    private sealed record Both(IDisposable First, IDisposable Second) : IDisposable
    {
        public void Dispose()
        {
            First.Dispose();
            Second.Dispose();
        }
    }
}
