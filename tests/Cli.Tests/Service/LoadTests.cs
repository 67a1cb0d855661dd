using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using ClipNotebooks.Core.Inference;
using static ClipNotebooks.Cli.Tests.Service.Answers;

namespace ClipNotebooks.Cli.Tests.Service;

/// <summary>
/// Sixteen clients at once, each asking again as soon as it is answered: half embed a picture, half search by words. A few seconds; with
/// <c>CLIP_LONG_TESTS=1</c> five minutes, and beside it the same with each input encoded by itself.
/// </summary>
public sealed class LoadTests(ITestOutputHelper output)
{
    private const int Clients = 16;

    private static bool Long { get; } = Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1";

    [Fact]
    public async Task Sixteen_clients_are_answered_without_a_failure_and_what_comes_together_is_encoded_together()
    {
        await using var service = await RunningService.StartAsync();
        var load = await RunAsync(service, TimeSpan.FromSeconds(Long ? 300 : 3));
        output.WriteLine($"together: {load}");
        Assert.True(load.LargestBatch > 1, $"{load}");
        if (!Long) return;
        // The first minute makes pools as large as they need to be.
        long[] memory = [.. load.Memory];
        long settled = memory[memory.Length / 5], most = memory[(memory.Length / 5)..].Max();
        output.WriteLine($"memory, MB: {settled >> 20} after a minute, then at most {most >> 20}");
        Assert.True(most < 1.15 * settled, $"{settled} {most}");
        for (int turn = 0; turn < 2; turn++)
            foreach (int batch in new[] { 1, 32 })
            {
                await using var each = await RunningService.StartAsync(new() { Batching = new() { MaxBatch = batch } });
                output.WriteLine($"at most {batch} together: {await RunAsync(each, TimeSpan.FromSeconds(30))}");
            }
    }

    private static async Task<Load> RunAsync(RunningService service, TimeSpan time)
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
        byte[] cat = service.Picture("cat.png");
        ConcurrentBag<double> answered = [];
        List<long> memory = [];
        var clock = Stopwatch.StartNew();
        var clients = Enumerable.Range(0, Clients).Select(client => Task.Run(async () =>
        {
            while (clock.Elapsed < time)
            {
                long began = Stopwatch.GetTimestamp();
                if (client % 2 == 0) await service.Client.PostAsync("/v1/embeddings/images", Image(cat)).SuccessAsync();
                else await service.Client.SearchAsync(new { terms = new[] { new { text = $"picture {answered.Count}" } } }).SuccessAsync();
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
