using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using TorchSharp;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

/// <summary>
/// How fast and in how much memory a checkpoint of full size is read, of CLIP and of other families, in either layout and either format of
/// weights; the long form only, for it measures and needs a quiet machine.
/// </summary>
public sealed class LoadingTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("ViT-B/32")]
    [InlineData("SigLIP-B/16")]
    [InlineData("EVA02-B/16 as OpenCLIP holds it")]
    [InlineData("EVA02-B/16 as a PyTorch file")]
    public void A_full_size_checkpoint_loads_at_the_pace_of_reading_it_and_in_little_more_than_its_size(string size)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("CLIP_LONG_TESTS") == "1" && OperatingSystem.IsLinux(),
            "It takes 2 GB and a quiet machine, and reads Linux's memory figures: set CLIP_LONG_TESTS=1.");
        string folder = Directory.CreateTempSubdirectory("loading").FullName;
        try
        {
            string file = Write(size, folder);
            long bytes = new FileInfo(file).Length;
            double read = Best(() => Read(file)), load = Best(() => ClipCheckpoint.FromPretrained(folder).Dispose());

            // What the allocator has kept of earlier models would hide what this one takes.
            _ = Trim(0);
            File.WriteAllText("/proc/self/clear_refs", "5");
            long before = Status("VmRSS:");
            using (ClipCheckpoint.FromPretrained(folder))
            {
                double memory = (Status("VmHWM:") - before) / (double)bytes;
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{size}, {bytes / 1e6:f0} MB: read in {read:f2} s, " +
                    $"loaded in {load:f2} s ({load / read:f2} times), peak {memory:f2} times its size"));
                Assert.True(load <= 1.5 * read, $"loading takes {load:f2} s, reading from the page cache {read:f2} s");
                Assert.True(memory <= 1.2, $"the peak is {memory:f2} times the weights");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>A model with fresh weights; its file of weights.</summary>
    private static string Write(string size, string folder)
    {
        if (!size.StartsWith("EVA02", StringComparison.Ordinal))
        {
            using var siglip = new ClipModel(size == "ViT-B/32" ? ClipConfig.ViTB32 : ClipConfig.SiglipBasePatch16);
            ClipCheckpoint.SavePretrained(siglip, folder);
            return Path.Combine(folder, "model.safetensors");
        }
        var vision = TimmArchitecture.All["eva02_base_patch16_clip_224"].Shape with { ImageSize = 224, Projection = ProjectionKind.Affine };
        var config = ClipConfig.ViTB16 with
        {
            Vision = vision with { MlpWidth = vision.Width * 8 / 3 }, Activation = Activation.Gelu, LayerNormEpsilon = 1e-6,
            Text = ClipConfig.ViTB16.Text with { LayerNormEpsilon = 1e-5 },
        };
        using (var model = new ClipModel(config)) ClipCheckpoint.SavePretrained(model, folder, CheckpointLayout.OpenClip);
        string safetensors = Path.Combine(folder, "open_clip_model.safetensors");
        if (!size.EndsWith("PyTorch file", StringComparison.Ordinal)) return safetensors;
        string pickled = Path.Combine(folder, "open_clip_pytorch_model.bin");
        using (var scope = torch.NewDisposeScope())
        using (var weights = SafetensorsFile.Open(safetensors))
            PyTorchFile.Save(pickled, weights.Names.Select(name => KeyValuePair.Create(name, weights.Read(name))));
        File.Delete(safetensors);
        // The writer held the whole file in the collector's memory, which is given back before anything is measured.
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return pickled;
    }

    private static double Best(Action action) => Enumerable.Range(0, 4).Min(_ =>
    {
        _ = Trim(0);
        var clock = Stopwatch.StartNew();
        action();
        return clock.Elapsed.TotalSeconds;
    });

    /// <summary>Into memory that nothing used before, as a load has to.</summary>
    private static void Read(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        using var memory = torch.empty(stream.Length, dtype: torch.uint8);
        stream.ReadExactly(memory.bytes);
    }

    [DllImport("libc", EntryPoint = "malloc_trim")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Trim(nuint pad);

    private static long Status(string key) =>
        1024 * long.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith(key, StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);
}
