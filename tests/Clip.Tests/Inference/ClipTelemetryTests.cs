using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using ClipNotebooks.Core.Inference;

namespace ClipNotebooks.Clip.Tests.Inference;

/// <summary>What a listener hears of a model's work.</summary>
public sealed class ClipTelemetryTests
{
    [Fact]
    public async Task Encodes_inputs_times_and_the_queue_are_measured_and_each_encode_is_an_activity()
    {
        ConcurrentQueue<(string Instrument, double Value, string? Kind)> heard = new();
        ConcurrentQueue<Activity> activities = new();
        using MeterListener meters = new()
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == ClipTelemetry.Name) listener.EnableMeasurementEvents(instrument);
            },
        };
        void Hear(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state) =>
            heard.Enqueue((instrument.Name, value, (string?)tags[0].Value));
        meters.SetMeasurementEventCallback<long>((instrument, value, tags, state) => Hear(instrument, value, tags, state));
        meters.SetMeasurementEventCallback<int>((instrument, value, tags, state) => Hear(instrument, value, tags, state));
        meters.SetMeasurementEventCallback<double>(Hear);
        meters.Start();
        using ActivityListener listener = new()
        {
            ShouldListenTo = source => source.Name == ClipTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activities.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);

        using var model = RandomClip.Create();
        await using (BatchingEncoder clip = new(model))
        {
            await clip.EmbedTextsAsync(["one", "two", "three"]);
            await clip.EmbedImageAsync(RandomClip.Image(1));
        }
        model.EncodeImages([RandomClip.Image(1), RandomClip.Image(2)]).Dispose();

        double Sum(string instrument, string kind) => heard.Where(each => each.Instrument == instrument && each.Kind == kind)
            .Sum(each => each.Value);
        Assert.Equal((1, 2), (Sum("clip.encodes", "text"), Sum("clip.encodes", "image")));
        Assert.Equal((3, 3), (Sum("clip.inputs", "text"), Sum("clip.inputs", "image")));
        Assert.Equal([3, -3, 1, -1], heard.Where(each => each.Instrument == "clip.queue.length").Select(each => each.Value));
        Assert.Equal(3, heard.Count(each => each.Instrument == "clip.encode.duration" && each.Value is > 0 and < 60));
        Assert.Equal([("clip.encode", "text", 3), ("clip.encode", "image", 1), ("clip.encode", "image", 2)], activities.Select(activity =>
            (activity.OperationName, (string)activity.GetTagItem("clip.kind")!, (int)activity.GetTagItem("clip.inputs")!)));
    }
}
