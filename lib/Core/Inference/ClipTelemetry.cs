using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace ClipNotebooks.Core.Inference;

/// <summary>
/// The encoders' telemetry, for OpenTelemetry or <c>dotnet-counters</c>: activities and instruments under one name. Without a listener a
/// call costs a few nanoseconds.
/// </summary>
/// <remarks>
/// Instruments, each with the tag <c>clip.kind</c>, image or text: <c>clip.encodes</c>, calls of a model; <c>clip.inputs</c>, the images
/// and captions in them; <c>clip.encode.duration</c>, seconds per call; <c>clip.queue.length</c>, inputs that wait in a
/// <see cref="BatchingEncoder"/>. Activities: <c>clip.encode</c>, with <c>clip.kind</c> and <c>clip.inputs</c>.
/// </remarks>
public static class ClipTelemetry
{
    /// <summary>The name of the <see cref="ActivitySource"/> and of the <see cref="Meter"/>.</summary>
    public const string Name = "ClipNotebooks";

    internal const string Image = "image", Text = "text";

    private const string Kind = "clip.kind", InputsTag = "clip.inputs";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);
    private static readonly Counter<long> Encodes = Meter.CreateCounter<long>("clip.encodes", "{encode}", "Calls of a model.");
    private static readonly Counter<long> Inputs = Meter.CreateCounter<long>(InputsTag, "{input}", "Images and captions encoded.");
    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>(
        "clip.encode.duration", "s", "Time of a call of a model.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10] });
    private static readonly UpDownCounter<int> Queue = Meter.CreateUpDownCounter<int>(
        "clip.queue.length", "{input}", "Images and captions that wait to be encoded.");

    /// <summary>Begins to measure a call of a model; disposing the result ends it.</summary>
    internal static Encode Begin(string kind, int inputs) => new(kind, inputs);

    internal static void Queued(string kind, int inputs) => Queue.Add(inputs, new KeyValuePair<string, object?>(Kind, kind));

    internal readonly struct Encode : IDisposable
    {
        private readonly string _kind;
        private readonly int _inputs;
        private readonly long _began;
        private readonly Activity? _activity;

        internal Encode(string kind, int inputs)
        {
            (_kind, _inputs, _began) = (kind, inputs, Stopwatch.GetTimestamp());
            _activity = Source.StartActivity("clip.encode")?.SetTag(Kind, kind).SetTag(InputsTag, inputs);
        }

        public void Dispose()
        {
            var kind = new KeyValuePair<string, object?>(Kind, _kind);
            Encodes.Add(1, kind);
            Inputs.Add(_inputs, kind);
            Duration.Record(Stopwatch.GetElapsedTime(_began).TotalSeconds, kind);
            _activity?.Dispose();
        }
    }
}
