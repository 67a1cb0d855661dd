using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Inference.Prepared;
using ClipNotebooks.Clip.Tests.Inference;
using ClipNotebooks.Core.Generators;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Onnx;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace ClipNotebooks.Clip.Tests.Generators;

public sealed class GeneratorTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Texts_and_images_become_the_encoders_own_vectors()
    {
        using var encoder = RandomClip.Create();
        using var texts = new ClipTextEmbeddingGenerator(encoder, "small");
        using var images = new ClipImageEmbeddingGenerator(encoder, "small");
        // More than a batch of 64.
        string[] captions = [.. Enumerable.Range(0, 70).Select(i => $"caption {i}")];
        var pictures = Enumerable.Range(0, 3).Select(i => RandomClip.Image(i)).ToList();
        using var expectedTexts = encoder.EncodeTexts(captions);
        using var expectedImages = encoder.EncodeImages(pictures);
        var (a, b) = (await texts.GenerateAsync(captions, cancellationToken: Cancellation),
            await images.GenerateAsync(pictures.Select(picture => new DataContent(picture.ToPng(), "image/png")),
            cancellationToken: Cancellation));
        Assert.Equal(expectedTexts.data<float>().ToArray(), a.SelectMany(embedding => embedding.Vector.ToArray()));
        Assert.Equal(expectedImages.data<float>().ToArray(), b.SelectMany(embedding => embedding.Vector.ToArray()));
        Assert.All(a.Concat(b), embedding => Assert.Equal("small", embedding.ModelId));
        Assert.Empty(await texts.GenerateAsync([], cancellationToken: Cancellation));
    }

    [Fact]
    public async Task What_the_model_cannot_give_is_refused()
    {
        using var encoder = RandomClip.Create();
        using var texts = new ClipTextEmbeddingGenerator(encoder, "small");
        using var images = new ClipImageEmbeddingGenerator(encoder);
        Assert.Contains("width 512", (await Assert.ThrowsAsync<ArgumentException>(
            () => texts.GenerateAsync(["a"], new EmbeddingGenerationOptions { Dimensions = 512 }, Cancellation))).Message);
        Assert.Contains("\"large\"", (await Assert.ThrowsAsync<ArgumentException>(
            () => texts.GenerateAsync(["a"], new EmbeddingGenerationOptions { ModelId = "large" }, Cancellation))).Message);
        Assert.Contains("Input 66 is null", (await Assert.ThrowsAsync<ArgumentException>(() => texts.GenerateAsync(
            [.. Enumerable.Repeat("a", 65), null!, "b"], cancellationToken: Cancellation))).Message, StringComparison.Ordinal);
        var named = new DataContent("no picture"u8.ToArray(), "image/png") { Name = "holiday.png" };
        Assert.Contains("holiday.png", (await Assert.ThrowsAsync<InvalidDataException>(
            () => images.GenerateAsync([named], cancellationToken: Cancellation))).Message);
    }

    /// <summary>Images are embedded 64 at a time, of which the caller knows nothing.</summary>
    [Fact]
    public async Task An_image_without_a_name_is_named_by_its_place_among_all()
    {
        using var encoder = RandomClip.Create();
        using var images = new ClipImageEmbeddingGenerator(encoder);
        var sound = new DataContent(RandomClip.Image(1).ToPng(), "image/png");
        DataContent[] all = [.. Enumerable.Repeat(sound, 66), new DataContent("no picture"u8.ToArray(), "image/png"), sound];
        Assert.Contains("image 67", (await Assert.ThrowsAsync<InvalidDataException>(
            () => images.GenerateAsync(all, cancellationToken: Cancellation))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_generator_can_be_cancelled_and_disposed_and_leaves_a_borrowed_encoder()
    {
        using var encoder = RandomClip.Create();
        var texts = new ClipTextEmbeddingGenerator(encoder);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => texts.GenerateAsync(["a"], cancellationToken: new CancellationToken(true)));
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => texts.GenerateAsync(Endless(stop), cancellationToken: stop.Token));
        texts.Dispose();
        texts.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => texts.GenerateAsync(["a"], cancellationToken: Cancellation));
        using var still = encoder.EncodeTexts(["a"]);

        static IEnumerable<string> Endless(CancellationTokenSource stop)
        {
            for (int i = 0; ; i++)
            {
                if (i == 100) stop.Cancel();
                yield return $"caption {i}";
            }
        }
    }

    /// <summary>
    /// 16 threads, 15 rounds, 50 with <c>CLIP_LONG_TESTS=1</c>: memory freed under a call would end the process.
    /// </summary>
    [Fact]
    public async Task A_generator_disposed_with_its_encoder_while_threads_use_it_gives_whole_answers_or_refuses()
    {
        int rounds = Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1" ? 50 : 15;
        for (int round = 0; round < rounds; round++)
        {
            var texts = new ClipTextEmbeddingGenerator(RandomClip.Create(), ownsEncoder: true);
            using var begun = new SemaphoreSlim(0);
            var threads = Enumerable.Range(0, 16).Select(thread => Task.Run(async () =>
            {
                // One has two batches, of 64 and 1: what is under way when the generator is disposed is done to its end.
                string[] captions = [.. Enumerable.Repeat("a", thread == 0 ? 65 : 1)];
                for (begun.Release(); ;)
                {
                    try
                    {
                        Assert.Equal(captions.Length, (await texts.GenerateAsync(captions, cancellationToken: Cancellation)).Count);
                    }
                    catch (ObjectDisposedException refused)
                    {
                        return refused.ObjectName;
                    }
                }
            })).ToArray();
            await begun.WaitAsync(Cancellation);
            Thread.SpinWait(round * 10_000);
            texts.Dispose();
            // Refused by the generator, before its encoder: none broke off in between.
            string[] refusers = await Task.WhenAll(threads).WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
            Assert.All(refusers, name => Assert.EndsWith(".Generator", name));
        }
    }

    [Fact]
    public async Task Many_threads_get_what_one_gets()
    {
        using var encoder = RandomClip.Create();
        using var texts = new ClipTextEmbeddingGenerator(encoder);
        float[] alone = (await texts.GenerateAsync(["a cat"], cancellationToken: Cancellation))[0].Vector.ToArray();
        var all = await Task.WhenAll(Enumerable.Range(0, 32)
            .Select(_ => Task.Run(() => texts.GenerateAsync(["a cat"], cancellationToken: Cancellation))));
        Assert.All(all, answer => Assert.Equal(alone, answer[0].Vector.ToArray()));
    }

    [Fact]
    public async Task AddClip_gives_an_application_both_generators_over_one_model()
    {
        string folder = Path.Combine(Repository.Root, "data", "models", "tiny-clip");
        IClipEncoder encoder;
        await using (var provider = new ServiceCollection().AddClip(folder).BuildServiceProvider())
        {
            var texts = provider.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>();
            var images = provider.GetRequiredService<IEmbeddingGenerator<DataContent, Embedding<float>>>();
            encoder = provider.GetRequiredService<IClipEncoder>();
            Assert.Same(encoder, texts.GetService(typeof(IClipEncoder)));
            Assert.Same(encoder, images.GetService(typeof(IClipEncoder)));
            Assert.Equal(("clip", folder, null), About(texts));
            Assert.Same(texts, texts.GetService(typeof(ClipTextEmbeddingGenerator)));
            Assert.Null(texts.GetService(typeof(IClipEncoder), "key"));
            Assert.False(provider.GetRequiredService<LazyClipEncoder>().IsLoaded);

            // A cat's picture fits a cat's caption better than a pizza's.
            string[] captions = ["a photo of a cat", "a photo of a pizza"];
            var words = await texts.GenerateAsync(captions, cancellationToken: Cancellation);
            var cat = (await images.GenerateAsync([await DataContent.LoadFromAsync(
                Path.Combine(Repository.Root, "data", "images", "cat.png"), cancellationToken: Cancellation)],
                cancellationToken: Cancellation))[0];
            Assert.True(Dot(cat, words[0]) > Dot(cat, words[1]));
            Assert.Equal(("clip", folder, 128), About(texts));
            Assert.IsType(Tile.IsSupported ? typeof(PackedClipEncoder) : typeof(ClipEncoder), // without libtorch where that can be
                await provider.GetRequiredService<LazyClipEncoder>().LoadAsync(Cancellation));
        }
        Assert.Throws<ObjectDisposedException>(() => encoder.EmbedTexts(["a"]));

        static (string?, string?, int?) About(IEmbeddingGenerator<string, Embedding<float>> texts) =>
            texts.GetService(typeof(EmbeddingGeneratorMetadata)) is EmbeddingGeneratorMetadata about
                ? (about.ProviderName, about.DefaultModelId, about.DefaultModelDimensions) : default;

        static double Dot(Embedding<float> x, Embedding<float> y) =>
            x.Vector.ToArray().Zip(y.Vector.ToArray(), (p, q) => (double)p * q).Sum();
    }

    [Fact]
    public async Task A_configuration_names_the_model_and_logs_and_health_tell_how_it_is()
    {
        string folder = Path.Combine(Repository.Root, "data", "models", "tiny-clip");
        var values = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Clip:Model"] = folder, ["Clip:Device"] = "cpu", ["Clip:Precision"] = "Float32", ["Empty:Precision"] = "Float32",
            ["Wrong:Model"] = folder, ["Wrong:Precision"] = "Float8",
        }).Build();
        List<string> log = [];
        await using var provider = new ServiceCollection().AddClip(values.GetSection("Clip"))
            .AddSingleton<ILoggerFactory>(new Recorder(log)).AddSingleton<ClipHealthCheck>().BuildServiceProvider();
        var health = provider.GetRequiredService<ClipHealthCheck>();
        HealthCheckContext context = new() { Registration = new HealthCheckRegistration("clip", health, HealthStatus.Unhealthy, null) };
        Assert.Equal(HealthStatus.Degraded, (await health.CheckHealthAsync(context, Cancellation)).Status);
        Assert.Empty(log);

        var lazy = provider.GetRequiredService<LazyClipEncoder>();
        await lazy.LoadAsync(Cancellation);
        Assert.Equal([$"Information: The model {folder} is being opened.", $"Information: The model {folder} is open after"],
            log.Select(line => line.Split(" after")[0] + (line.Contains(" after", StringComparison.Ordinal) ? " after" : "")));
        var found = await health.CheckHealthAsync(context, Cancellation);
        Assert.Equal(HealthStatus.Healthy, found.Status);
        Assert.Contains("128", found.Description, StringComparison.Ordinal);
        lazy.Dispose();
        Assert.Equal(HealthStatus.Unhealthy, (await health.CheckHealthAsync(context, Cancellation)).Status);
        using var unused = new LazyClipEncoder(() => RandomClip.Create());
        unused.Dispose();
        Assert.Equal(HealthStatus.Unhealthy, (await new ClipHealthCheck(unused).CheckHealthAsync(context, Cancellation)).Status);

        Assert.Contains("\"Empty\" names no model", Assert.Throws<ArgumentException>(() =>
            new ServiceCollection().AddClip(values.GetSection("Empty"))).Message, StringComparison.Ordinal);
        Assert.Contains("Wrong:Precision", Assert.Throws<InvalidOperationException>(() =>
            new ServiceCollection().AddClip(values.GetSection("Wrong"))).Message, StringComparison.Ordinal);
        await using var other = new ServiceCollection().AddOnnxClip("nobody/no-such-model").BuildServiceProvider();
        Assert.False(other.GetRequiredService<LazyClipEncoder>().IsLoaded);
    }

    private sealed class Recorder(List<string> log) : ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) => log.Add($"{logLevel}: {formatter(state, exception)}");

        public void Dispose()
        {
        }
    }

    /// <summary>The Hub is not asked either: there is no model of that name.</summary>
    [Fact]
    public async Task A_model_is_opened_at_its_first_use_once_and_an_opening_that_failed_is_tried_again()
    {
        int opened = 0;
        await using var provider = new ServiceCollection().AddClip(_ => Interlocked.Increment(ref opened) == 1
            ? throw new IOException("The network is down.") : RandomClip.Create()).BuildServiceProvider();
        var texts = provider.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>();
        var lazy = provider.GetRequiredService<LazyClipEncoder>();
        Assert.Equal(0, opened);
        await Assert.ThrowsAsync<IOException>(() => texts.GenerateAsync(["a"], cancellationToken: Cancellation));
        Assert.False(lazy.IsLoaded);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => texts.GenerateAsync(["a"], cancellationToken: Cancellation)));
        Assert.Equal((2, true), (opened, lazy.IsLoaded));
        Assert.Same(await lazy.LoadAsync(Cancellation), await lazy.LoadAsync(Cancellation));
        Assert.Equal(lazy.Width, lazy.EmbedImages([RandomClip.Image(1)])[0].Length);

        await using var other = new ServiceCollection().AddClip("nobody/no-such-model").BuildServiceProvider();
        _ = other.GetRequiredService<IEmbeddingGenerator<DataContent, Embedding<float>>>();
        var unused = other.GetRequiredService<LazyClipEncoder>();
        unused.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => unused.LoadAsync(Cancellation));
    }

    [Fact]
    public async Task A_model_that_was_opened_and_disposed_is_not_given_out_again()
    {
        var lazy = new LazyClipEncoder(() => RandomClip.Create());
        await lazy.LoadAsync(Cancellation);
        lazy.Dispose();
        lazy.Dispose();
        Assert.False(lazy.IsLoaded);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => lazy.LoadAsync(Cancellation));
        Assert.Throws<ObjectDisposedException>(() => lazy.EmbedTexts(["a"]));
    }

    [Fact]
    public async Task Waiting_for_a_model_can_be_cancelled_and_it_is_opened_all_the_same()
    {
        using var gate = new ManualResetEventSlim();
        using var lazy = new LazyClipEncoder(() =>
        {
            gate.Wait(Cancellation);
            return RandomClip.Create();
        });
        using var stop = new CancellationTokenSource();
        var waiting = lazy.LoadAsync(stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        gate.Set();
        Assert.Equal(24, (await lazy.LoadAsync(Cancellation)).Width);
    }
}
