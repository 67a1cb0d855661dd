using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net.Http.Json;
using ClipNotebooks.Cli.Service;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Workbook;
using static ClipNotebooks.Cli.Tests.Service.Answers;

namespace ClipNotebooks.Cli.Tests.Service;

/// <summary>
/// Sixteen clients at once, each asking again as soon as it is answered: half with a picture, half with a few words. A few seconds; with
/// <c>CLIP_LONG_TESTS=1</c> five minutes, and a model of ViT-B/32's size with what comes together encoded together and one by one, in
/// turns.
/// </summary>
public sealed class LoadTests(ITestOutputHelper output)
{
    private const int Clients = 16;

    private static bool Long { get; } = Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1";

    [Fact]
    public async Task Sixteen_clients_are_answered_without_a_failure_and_what_comes_together_is_encoded_together()
    {
        await using var service = await RunningService.StartAsync();
        var load = await RunAsync(service.Client, searches: true, TimeSpan.FromSeconds(Long ? 300 : 3));
        output.WriteLine($"together: {load}");
        Assert.True(load.LargestBatch > 1, $"{load}");
        if (!Long) return;
        // The first minute makes pools as large as they need to be; of the others the medians, since the collector comes and goes.
        double[] minutes = [.. load.Memory.Chunk(load.Memory.Count / 5).Take(5)
            .Select(each => (double)each.Order().ElementAt(each.Length / 2))];
        output.WriteLine($"memory, MB, by minute: {string.Join(", ", minutes.Select(bytes => $"{bytes / (1 << 20):0}"))}");
        Assert.True(minutes[4] < 1.1 * minutes[1], string.Join(", ", minutes));
    }

    [Fact]
    public async Task Together_a_large_model_answers_more_than_one_by_one()
    {
        Assert.SkipUnless(Long, "A model of ViT-B/32's size is measured with CLIP_LONG_TESTS=1.");
        using ClipEncoder encoder = new(new ClipModel(ClipConfig.ViTB32), new ClipProcessor(
            new ClipImageTransform(new ImageTransformConfig()), ClipTokenizer.Load(Lesson.Model)));
        encoder.Prepare();
        Dictionary<int, List<double>> rates = new() { [1] = [], [32] = [] };
        for (int turn = 0; turn < 3; turn++)
            foreach (var (batch, found) in rates)
            {
                await using var server = await ApiServer.StartAsync(
                    encoder, null, new() { Port = 0, Batching = new() { MaxBatch = batch } }, CancellationToken.None);
                using HttpClient client = new() { BaseAddress = server.Address, Timeout = TimeSpan.FromMinutes(2) };
                var load = await RunAsync(client, searches: false, TimeSpan.FromSeconds(20));
                output.WriteLine($"at most {batch} together: {load}");
                found.Add(load.PerSecond);
            }
        Assert.True(rates[32].Max() > rates[1].Max());
    }

    private static async Task<Load> RunAsync(HttpClient http, bool searches, TimeSpan time)
    {
        int largest = 0;
        using MeterListener meters = new()
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument is { Meter.Name: ClipTelemetry.Name, Name: "clip.inputs" }) listener.EnableMeasurementEvents(instrument);
            },
        };
        meters.SetMeasurementEventCallback<long>((_, inputs, _, _) => largest = Math.Max(largest, (int)inputs));
        meters.Start();
        byte[] cat = await File.ReadAllBytesAsync(Path.Combine(Lesson.Data, "images", "cat.png"));
        ConcurrentBag<double> answered = [];
        List<long> memory = [];
        var clock = Stopwatch.StartNew();
        var clients = Enumerable.Range(0, Clients).Select(client => Task.Run(async () =>
        {
            while (clock.Elapsed < time)
            {
                long began = Stopwatch.GetTimestamp();
                string words = $"picture {answered.Count}";
                if (client % 2 == 0) await http.PostAsync("/v1/embeddings/images", Image(cat)).SuccessAsync();
                else if (searches) await http.SearchAsync(new { terms = new[] { new { text = words } } }).SuccessAsync();
                else await http.PostAsJsonAsync("/v1/embeddings/texts", new { texts = new[] { words } }).SuccessAsync();
                answered.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }
        })).ToArray();
        var work = Task.WhenAll(clients);
        while (await Task.WhenAny(work, Task.Delay(1000)) != work) memory.Add(Environment.WorkingSet);
        await work;
        double[] sorted = [.. answered.Order()];
        return new(sorted.Length / clock.Elapsed.TotalSeconds, sorted[sorted.Length / 2], sorted[sorted.Length * 99 / 100], largest,
            memory);
    }

    private sealed record Load(double PerSecond, double Median, double P99, int LargestBatch, List<long> Memory)
    {
        public override string ToString() =>
            $"{PerSecond:0} answers/s, median {Median:0.0} ms, 99 % within {P99:0.0} ms, batches of up to {LargestBatch}";
    }
}
