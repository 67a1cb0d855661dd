using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Core.Hub;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

/// <summary>
/// Opening a PyTorch file takes memory in proportion to it: at most 20 times its length and 64 MB, whatever its pickle asks for.
/// </summary>
public sealed class PickleMemoryTests(ITestOutputHelper output) : IDisposable
{
    private const int Many = 60_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("pickle-memory").FullName;
    private readonly DisposeScope _scope = NewDisposeScope();

    private string FilePath => Path.Combine(_folder, "x.pt");

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    public static TheoryData<string> Attacks =>
    [
        "a list that is copied again and again", "names that each part has", "a name of a million letters",
            "nothing, millions of times", "lists", "dictionaries",
        "memories", "marks", "numbers", "tensors of one memory", "entries of one name", "words", "globals", "entries of the archive",
    ];

    [Theory]
    [MemberData(nameof(Attacks))]
    public void What_a_hostile_pickle_asks_for_stays_in_proportion(string attack)
    {
        File.WriteAllBytes(FilePath, Hostile(attack));
        long length = new FileInfo(FilePath).Length, before = GC.GetAllocatedBytesForCurrentThread();
        string message = "";
        try
        {
            StateDictFile.Open(FilePath).Dispose();
        }
        catch (CheckpointException exception)
        {
            message = exception.Message;
        }
        // Everything that was allocated on the way, kept or not: what is held at one time is less.
        long taken = GC.GetAllocatedBytesForCurrentThread() - before;
        output.WriteLine($"{attack}: a file of {length / 1e6:0.0} MB took {taken / 1e6:0.0} MB. {message}");
        Assert.InRange(taken, 0, 20 * length + 64_000_000);
        Assert.InRange(message.Length, 0, 200 + 400 + FilePath.Length);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_state_dict_of_thousands_of_tensors_is_within_it(bool legacy)
    {
        var element = zeros(1);
        var tensors = Enumerable.Range(0, 20_000).Select(i => new KeyValuePair<string,
            Tensor>($"visual.transformer.resblocks.{i}.attn.in_proj_weight", element));
        File.WriteAllBytes(FilePath, legacy ? PyTorchFile.Legacy(tensors)
            : PyTorchFile.Zip(new PickleWriter().Start().StateDict(tensors).Stop()));
        using var file = StateDictFile.Open(FilePath);
        Assert.Equal(20_000, file.Names.Count);
    }

    private static byte[] Hostile(string attack)
    {
        var pickle = new PickleWriter().Start();
        string million = new('x', 1_000_000);
        switch (attack)
        {
            case "a list that is copied again and again":
                pickle.Raw("(").Global("collections", "OrderedDict").Raw("q").Raw(0).Raw("](").Repeat("NN\u0086", Many).Raw("eq").Raw(1);
                return Zip(pickle.Repeat("h\u0000h\u0001\u0085R", Many).Raw("t").Stop());
            case "names that each part has":
                pickle.Global("__torch__", "Root").Raw("q").Raw(0).Raw(")").Raw(0x81).Raw("}(").Word(million);
                pickle.Raw("h").Raw(0).Raw(")").Raw(0x81).Raw("}(");
                for (int i = 0; i < 3_000; i++) pickle.Word($"{i}").Raw("h").Raw(0).Raw(")").Raw(0x81);
                return PyTorchFile.Zip(pickle.Raw("ubub").Stop(), false, ("constants.pkl", [0x80, 2, (byte)')', (byte)'.']));
            case "a name of a million letters": return Zip(pickle.Raw("}").Word(million).Number(3).Raw("s").Stop());
            case "nothing, millions of times": return Zip(pickle.Raw("(").Repeat("N", 3_000_000).Raw("t").Stop());
            case "lists": return Zip(pickle.Raw("(").Repeat("]", 3_000_000).Raw("t").Stop());
            case "dictionaries": return Zip(pickle.Raw("(").Repeat("}", 3_000_000).Raw("t").Stop());
            case "memories": return Zip(pickle.Raw("N").Repeat("\u0094", 3_000_000).Stop());
            case "marks": return Zip(pickle.Repeat("(", 3_000_000).Stop());
            case "numbers": return Zip(pickle.Raw("(").Repeat("M\u0001\u0002", 1_000_000).Raw("t").Stop());
            case "tensors of one memory":
                var ones = Enumerable.Repeat(1L, 64);
                pickle.Raw("(").Tensor("t", zeros(1), [.. ones], [.. ones]);
                pickle.Global("torch._utils", "_rebuild_tensor_v2").Raw("q").Raw(0).Raw("((").Word("storage");
                pickle.Global("torch", "FloatStorage").Word("0").Word("cpu").Number(1).Raw("tQ").Number(0).Numbers(ones).Numbers(ones);
                return Zip(pickle.Raw(0x89).Ordered().Raw("tq").Raw(2).Repeat("h\u0000h\u0002R", 300_000).Raw("t").Stop());
            case "entries of one name":
                pickle.Raw("}(").Word(million).Raw("q").Raw(0).Tensor("t", zeros(1)).Raw("q").Raw(3);
                return Zip(pickle.Repeat("h\u0000h\u0003", 500_000).Raw("u").Stop());
            case "words": return Zip(pickle.Raw("(").Repeat("U\u0001a", 1_000_000).Raw("t").Stop());
            case "globals": return Zip(pickle.Raw("(").Repeat("ctorch\nSize\n", 300_000).Raw("t").Stop());
            default: return PyTorchFile.Zip(Enumerable.Range(0, Many).Select(i => ($"{i}", Array.Empty<byte>())));
        }
    }

    private static byte[] Zip(PickleWriter pickle) => PyTorchFile.Zip(pickle);
}
