using System.Diagnostics;
using System.Globalization;
using ClipNotebooks.Clip.FineTuning;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.FineTuning;

/// <summary>What a step with low-rank adapters takes beside one of everything, ViT-B/32 at its full size, for lib/Clip/README.md.</summary>
public sealed class LowRankCostTests
{
    private const int Pairs = 16, Tokens = 32, Steps = 4;

    [Fact]
    public void A_step_of_adapters_takes_less_time_and_memory_than_one_of_all_weights()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1", "A measurement: CLIP_LONG_TESTS=1.");
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Memory is read from /proc.");
        manual_seed(1);
        using var model = new ClipModel(ClipConfig.ViTB32);
        double before = Resident();
        var (low, lowBytes) = Step(LowRankAdapters.Attach(model, new LowRankOptions { Targets = LowRankTargets.All }));
        var (full, fullBytes) = Step(null);
        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Pairs} pairs: adapters {low:f2} s and {lowBytes:f0} MB a step, all weights {full:f2} s and {fullBytes:f0} MB"));
        Assert.True(low < full && lowBytes < fullBytes);

        (double Seconds, double Megabytes) Step(LowRankAdapters? adapters)
        {
            using var _ = adapters;
            using var trainer = new ClipTrainer(model, new TrainerOptions { Steps = 100, WarmupSteps = 1, LearningRate = 1e-6 },
                adapters?.Parameters);
            using var batch = new TrainingBatch(randn(Pairs, 3, 224, 224), randint(1, 40000, [Pairs, Tokens], dtype: ScalarType.Int64));
            double fastest = double.MaxValue;
            for (int i = 0; i < Steps; i++)
            {
                var clock = Stopwatch.StartNew();
                trainer.TrainStep(batch);
                fastest = Math.Min(fastest, clock.Elapsed.TotalSeconds);
            }
            return (fastest, Resident() - before);
        }
    }

    private static double Resident()
    {
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line["VmRSS:".Length..^"kB".Length], CultureInfo.InvariantCulture) / 1024;
    }
}
