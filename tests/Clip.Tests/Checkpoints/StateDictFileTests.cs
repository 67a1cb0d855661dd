using System.Text;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

/// <summary>
/// The files come from a writer of the tests' own, which follows PyTorch's sources; libtorch reads what that writer makes, and the library
/// reads what libtorch writes.
/// </summary>
public sealed class StateDictFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pytorch").FullName;
    private readonly DisposeScope _scope = NewDisposeScope();

    private string FilePath => Path.Combine(_folder, "x.pt");

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static Dictionary<string, Tensor> EveryType()
    {
        var tensors = new[] { float64, float32, float16, bfloat16, int64, int32, int16, int8, uint8, ScalarType.Bool }.ToDictionary(
            type => $"t.{type}", type => arange(6).reshape(2, 3).to(type));
        tensors["scalar"] = tensor(1.5f);
        tensors["empty"] = zeros(0, 4);
        return tensors;
    }

    [Theory]
    [InlineData("zip")]
    [InlineData("zip64")]
    [InlineData("legacy")]
    [InlineData("training checkpoint")]
    public void What_torch_save_writes_is_read_in_every_element_type(string form)
    {
        var tensors = EveryType();
        byte[] bytes = form switch
        {
            "legacy" => PyTorchFile.Legacy(tensors),
            "training checkpoint" => PyTorchFile.Zip(new PickleWriter().Start().Raw("}(").Word("epoch").Number(70_000).Word("loss").Raw("G")
                .Raw(new byte[8]).Word("state_dict").StateDict(tensors).Raw("u").Stop()),
            _ => PyTorchFile.Zip(new PickleWriter().Start().StateDict(tensors).Stop(), zip64: form == "zip64"),
        };
        File.WriteAllBytes(FilePath, bytes);
        using var file = StateDictFile.Open(FilePath);
        Assert.Equal(tensors.Keys, file.Names);
        foreach (var (name, expected) in tensors) Same(expected, file.Read(name));
        if (form == "zip") Assert.All(file.Entries, entry => Assert.Equal(0, entry.Offset % 64));
    }

    [Fact]
    public void Windows_on_one_storage_keep_their_offset_and_strides()
    {
        var storage = arange(12, dtype: float32);
        var pickle = new PickleWriter().Start().Ordered().Raw("(");
        pickle.Word("rows").Tensor("s", storage, [2, 3], [3, 1], offset: 6);
        pickle.Word("columns").Tensor("s", storage, [3, 4], [1, 3]);
        pickle.Word("every.third").Tensor("s", storage, [4], [3], offset: 2);
        pickle.Word("expanded").Tensor("s", storage, [1, 12], [0, 1]);
        pickle.Word("parameter").Global("torch._utils", "_rebuild_parameter").Raw("(").Tensor("s", storage).Raw(0x88).Ordered().Raw("tR");
        File.WriteAllBytes(FilePath, PyTorchFile.Zip(pickle.Raw("u").Stop()));
        using var file = StateDictFile.Open(FilePath);
        Same(storage.as_strided([2, 3], [3, 1], 6), file.Read("rows"));
        Same(storage.as_strided([3, 4], [1, 3]), file.Read("columns"));
        Same(storage.as_strided([4], [3], 2), file.Read("every.third"));
        Same(storage.reshape(1, 12), file.Read("expanded"));
        Same(storage, file.Read("parameter"));
        Tensor destination = zeros(3, 4), halves = zeros(4, 3, dtype: float16).t();
        file.ReadInto("columns", destination);
        file.ReadInto("columns", halves);
        Same(storage.reshape(4, 3).t().contiguous(), destination);
        Same(destination.to(float16), halves);
        Assert.Contains("the destination is (4, 3)", Assert.Throws<ArgumentException>(() => file.ReadInto("columns", zeros(4, 3))).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("posix", "system")]
    [InlineData("builtins", "eval")]
    [InlineData("torch._utils", "_rebuild_sparse_tensor")]
    [InlineData("argparse", "Namespace")]
    [InlineData("__torch__", "Module")]
    public void A_pickle_that_names_anything_else_is_refused_by_that_name(string module, string name)
    {
        File.WriteAllBytes(FilePath, PyTorchFile.Zip(
            new PickleWriter().Start().Global(module, name).Raw("(").Word("touch /tmp/run").Raw("tR").Stop()));
        var error = Assert.Throws<CheckpointException>(() => StateDictFile.Open(FilePath));
        Assert.Contains($"asks for Python's \"{module}.{name}\"", error.Message, StringComparison.Ordinal);
        Assert.Contains("nothing of it was run", error.Message, StringComparison.Ordinal);
        Assert.Contains("save_file", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new long[] { 2, 3 }, new long[] { 3, 1 }, 1L, 6L, "reaches element 6 of the storage \"0\", which has 6")]
    [InlineData(new long[] { 2 }, new long[] { long.MaxValue }, 0L, 6L, "reaches element 9223372036854775807")]
    [InlineData(new long[] { 3 }, new long[] { long.MaxValue }, 0L, 6L, "larger than any file")]
    [InlineData(new long[] { 1L << 40, 1L << 40 }, new long[] { 0, 0 }, 0L, 6L, "larger than any file")]
    [InlineData(new long[] { 1L << 40 }, new long[] { 0 }, 0L, 6L, "has 1099511627776 elements, its storage \"0\" 6")]
    [InlineData(new long[] { 0, 1L << 62, 4 }, new long[] { 0, 0, 0 }, 0L, 6L, "larger than any file")]
    [InlineData(new long[] { 1L << 30 }, new long[] { 1 }, 0L, 1L << 30, "takes 4294967296 bytes; up to 2147483647")]
    [InlineData(new long[] { -1 }, new long[] { 1 }, 0L, 6L, "negative")]
    [InlineData(new long[] { 1 }, new long[] { 1 }, -1L, 6L, "negative")]
    [InlineData(new long[] { 1, 1 }, new long[] { 1 }, 0L, 6L, "2 sides and 1 strides")]
    [InlineData(new long[] { 6 }, new long[] { 1 }, 0L, 7L, "takes 28 bytes, the file has 24 there")]
    [InlineData(new long[] { 6 }, new long[] { 1 }, 0L, 1L << 62, "the file has 24 there")]
    public void A_tensor_that_reaches_beyond_its_storage_is_refused_before_anything_is_allocated(
        long[] shape, long[] strides, long offset, long count, string reason)
    {
        File.WriteAllBytes(FilePath, PyTorchFile.Zip(
            new PickleWriter().Start().Raw("}").Word("t").Tensor("s", arange(6, dtype: float32), shape, strides, offset, count).Raw("s")
            .Stop()));
        var error = Assert.Throws<CheckpointException>(() => StateDictFile.Open(FilePath));
        Assert.Contains(FilePath, error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "it is empty")]
    [InlineData("version https://git-lfs.github.com/spec/v1\n", "git lfs pull")]
    [InlineData("<!DOCTYPE html>", "a web page")]
    [InlineData("{}", "neither as a zip file")]
    [InlineData("PK\u0003\u0004", "no end record")]
    public void A_file_that_is_not_PyTorchs_is_refused_with_what_it_seems_to_be(string content, string reason)
    {
        File.WriteAllText(FilePath, content);
        Assert.Contains(reason, Assert.Throws<CheckpointException>(() => StateDictFile.Open(FilePath)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_state_dict_is_refused_with_the_entry_that_is_not()
    {
        Refused(new PickleWriter().Start().Raw("}").Word("epoch").Number(3).Raw("s").Stop(), "\"epoch\" is no tensor");
        Refused(new PickleWriter().Start().Raw("]").Stop(), "it holds no state dict");
        Refused(new PickleWriter().Start().Raw("}").Word("t").Tensor("a", zeros(1)).Raw("s").Word("t").Tensor("b", zeros(1)).Raw("s")
            .Stop(), "stands there twice");
        Refused(new PickleWriter().Start().Raw("}").Word("t").Tensor("a", zeros(1), type: "ComplexFloatStorage").Raw("s").Stop(),
            "torch.ComplexFloatStorage");
        Refused(new PickleWriter().Start().Raw("}").Word("a").Tensor("s", zeros(2)).Raw("s").Word("b")
            .Tensor("s", zeros(4, dtype: float64)).Raw("s").Stop(), "two lengths or element types");
        PickleWriter Storage() => new PickleWriter().Start().Raw("}").Word("t").Global("torch._utils", "_rebuild_tensor_v2").Raw("((")
            .Word("storage").Global("torch", "FloatStorage").Word("0").Word("cpu").Number(6);
        Refused(Storage().Numbers([0, 2]).Raw("tQ").Stop(), "is a part of another");
        Refused(Storage().Raw("tQ").Raw(0x8a, 1, 0xff).Numbers([1]).Numbers([1]).Raw(0x89).Ordered().Raw("tRs").Stop(), "negative");
        Refused(new PickleWriter().Start().Raw("i").Stop(), "the instruction 0x69");
        Refused(new PickleWriter().Start().Raw("u").Stop(), "a mark that is not there");
        Refused(new PickleWriter().Start().Raw("X").Raw(255, 255, 255, 127), "cut short");
        Refused(new PickleWriter().Start().Raw("j").Raw(9, 0, 0, 0).Stop(), "recalls value 9");

        void Refused(PickleWriter pickle, string reason)
        {
            File.WriteAllBytes(FilePath, PyTorchFile.Zip(pickle));
            Assert.Contains(reason, Assert.Throws<CheckpointException>(() => StateDictFile.Open(FilePath)).Message,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_zip_file_that_lies_is_refused()
    {
        byte[] pickle = new PickleWriter().Start().Raw("}").Stop().ToArray();
        Refused(PyTorchFile.Zip([("data.pkl", pickle), ("data.pkl", pickle)]), "the entry \"archive/data.pkl\" twice");
        Refused(PyTorchFile.Zip([("other", pickle)]), "one data.pkl, this one 0");
        Refused(PyTorchFile.Zip([("data.pkl", pickle), ("byteorder", "big"u8.ToArray())]), "not little-endian");
        using var packed = new MemoryStream();
        using (var zip = new System.IO.Compression.ZipArchive(packed, System.IO.Compression.ZipArchiveMode.Create, leaveOpen: true))
        using (var entry = zip.CreateEntry("archive/data.pkl", System.IO.Compression.CompressionLevel.Optimal).Open()) entry.Write(
            new byte[1000]);
        Refused(packed.ToArray(), "is compressed (method 8)");

        // The second entry's header is said to be where the first one's is: they would share their bytes.
        byte[] shared = PyTorchFile.Zip(new PickleWriter().Start().Raw("}").Word("t").Tensor("t", zeros(8)).Raw("s").Stop());
        int second = shared.AsSpan().LastIndexOf("archive/data/0"u8) - 46;
        shared.AsSpan(second + 42, 4).Clear();
        Refused(shared, "its entry \"archive/data/0\" begins beyond its place");

        byte[] whole = PyTorchFile.Zip(new PickleWriter().Start().Raw("}").Word("t").Tensor("t", ones(8)).Raw("s").Stop());
        int place = whole.AsSpan().LastIndexOf("archive/data/0"u8) - 46, local = whole.AsSpan().IndexOf("archive/data/0"u8) - 30;
        Refused(With(place + 8, 9), "is encrypted");
        Refused(With(place + 24, 33), "is compressed (method 0)");
        Refused(With(local, 0), "does not begin as one");
        // The directory's last entry claims a byte more of its name, its extra field or its comment than the directory has.
        int last = whole.AsSpan().LastIndexOf("archive/byteorder"u8) - 46;
        foreach (int field in new[] { 28, 30, 32 }) Refused(With(last + field, (byte)(whole[last + field] + 1)), "reaches beyond it");
        byte[] far = PyTorchFile.Zip(new PickleWriter().Start().Raw("}").Stop(), zip64: true);
        far.AsSpan(far.Length - 22 - 20 + 8, 8).Fill(0xff);
        Refused(far, "zip64 end record lies outside");

        byte[] With(int at, byte value)
        {
            byte[] copy = [.. whole];
            copy[at] = value;
            return copy;
        }

        void Refused(byte[] bytes, string reason)
        {
            File.WriteAllBytes(FilePath, bytes);
            Assert.Contains(reason, Assert.Throws<CheckpointException>(() => StateDictFile.Open(FilePath)).Message,
                StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("vit_p8_i32", "pytorch_model.bin", "hf.safetensors", true)]
    [InlineData("vit_p14_i28", "ViT.pt", "openai_fp16.safetensors", false)]
    public void A_model_loads_from_PyTorchs_file_as_from_safetensors(string model, string name, string source, bool config)
    {
        string safetensors = Repository.Reference("models", model, source);
        using (var file = SafetensorsFile.Open(safetensors)) PyTorchFile.Save(
            Path.Combine(_folder, name), file.Names.ToDictionary(tensor => tensor, file.Read));
        if (config) File.Copy(Repository.Reference("models", model, "config.json"), Path.Combine(_folder, "config.json"));
        File.Copy(safetensors, Path.Combine(_folder, "other.safetensors"));
        using var expected = ClipCheckpoint.FromPretrained(Path.Combine(_folder, "other.safetensors"));
        using var actual = ClipCheckpoint.FromPretrained(config ? _folder : Path.Combine(_folder, name));
        foreach (var (key, tensor) in expected.state_dict()) Same(tensor, actual.state_dict()[key]);
    }

    [Fact]
    public void A_PyTorch_model_in_several_files_loads_through_its_index()
    {
        using (var file = SafetensorsFile.Open(Repository.Reference("models", "vit_p8_i32", "hf.safetensors")))
        {
            foreach (var part in file.Names.Index().GroupBy(item => item.Index % 2)) PyTorchFile.Save(
                Path.Combine(_folder, $"pytorch_model-{part.Key}.bin"), part.ToDictionary(item => item.Item, item => file.Read(item.Item)));
            File.WriteAllText(Path.Combine(_folder, "pytorch_model.bin.index.json"),
                $"{{\"weight_map\": " +
                $"{{{string.Join(", ", file.Names.Index()
                .Select(item => $"\"{item.Item}\": \"pytorch_model-{item.Index % 2}.bin\""))}}}}}");
        }
        File.Copy(Repository.Reference("models", "vit_p8_i32", "config.json"), Path.Combine(_folder, "config.json"));
        using var model = ClipCheckpoint.FromPretrained(_folder);
        Assert.Equal(128, model.Config.Vision.Width);
    }

    [Fact]
    public void Safetensors_is_preferred_where_both_are_there()
    {
        using var model = new ClipModel(new ClipConfig
        {
            Vision = new VisionConfig { ImageSize = 16, PatchSize = 8, Width = 16, Layers = 1, Heads = 2 },
            Text = new TextConfig { ContextLength = 8, VocabularySize = 20, Width = 16, Layers = 1, Heads = 2, EndOfTextId = 19 },
            EmbeddingWidth = 8,
        });
        ClipCheckpoint.SavePretrained(model, _folder);
        File.WriteAllText(Path.Combine(_folder, "pytorch_model.bin"), "not read");
        using var loaded = ClipCheckpoint.FromPretrained(_folder);
        File.Delete(Path.Combine(_folder, "model.safetensors"));
        Assert.Contains("pytorch_model.bin is not a sound PyTorch file",
            Assert.Throws<CheckpointException>(() => ClipCheckpoint.FromPretrained(_folder)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Int64)]
    public void What_libtorch_itself_saves_is_read(ScalarType type)
    {
        var whole = arange(24).to(type).reshape(4, 6);
        foreach (var tensor in new[] { whole, whole.t(), whole.narrow(1, 2, 3), whole[2] })
        {
            tensor.save(FilePath);
            using var file = StateDictFile.Open(FilePath);
            Same(tensor, file.Read(Assert.Single(file.Names)));
        }
    }

    [Fact]
    public void A_TorchScript_archive_gives_its_parameters_and_buffers_under_their_names()
    {
        string source = Repository.Reference("models", "vit_p14_i28", "openai_fp16.safetensors");
        Dictionary<string, Tensor> tensors;
        using (var file = SafetensorsFile.Open(source)) tensors = file.Names.ToDictionary(name => name, file.Read);
        string ours = Path.Combine(_folder, "ours.pt"), libtorchs = Path.Combine(_folder, "libtorchs.pt");
        File.WriteAllBytes(ours, TorchScriptFile.Write(tensors));
        // libtorch compiles the archive's code and reads its data, which holds the tests' writer against it; the archive that it then saves
        // is its own.
        using (var module = jit.load(ours))
        {
            Assert.Equal(tensors.Keys.Order(StringComparer.Ordinal),
                module.named_parameters().Select(item => item.name).Order(StringComparer.Ordinal));
            jit.save(module, libtorchs);
        }
        foreach (string path in new[] { ours, libtorchs })
        {
            using var file = StateDictFile.Open(path);
            Assert.Equal(tensors.Keys.Order(StringComparer.Ordinal), file.Names.Order(StringComparer.Ordinal));
            foreach (var (name, expected) in tensors) Same(expected, file.Read(name));
            using ClipModel model = ClipCheckpoint.FromPretrained(path), reference = ClipCheckpoint.FromPretrained(source);
            foreach (var (key, expected) in reference.state_dict()) Same(expected, model.state_dict()[key]);
        }
    }

    [Fact]
    public void A_TorchScript_module_that_contains_itself_is_refused()
    {
        var pickle = new PickleWriter().Start().Global("__torch__", "Module").Raw(")").Raw(0x81).Raw("q").Raw(5).Raw("}").Word("self")
            .Raw("h").Raw(5).Raw("sb").Stop();
        File.WriteAllBytes(FilePath, PyTorchFile.Zip(pickle, false, ("constants.pkl", Encoding.ASCII.GetBytes("\u0080\u0002)."))));
        Assert.Contains("contains itself", Assert.Throws<CheckpointException>(() => StateDictFile.Open(FilePath)).Message,
            StringComparison.Ordinal);
    }

    private static void Same(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.dtype, actual.dtype);
        Assert.Equal(expected.shape, actual.shape);
        Assert.True(expected.equal(actual).all().item<bool>());
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Newer_protocols_and_archives_without_a_byte_order_are_read(byte protocol)
    {
        PickleWriter Short(PickleWriter to, string text) => to.Raw(0x8c, (byte)text.Length).Raw(text);
        var pickle = new PickleWriter().Raw(0x80, protocol, 0x95).Raw(new byte[8]).Raw("}").Word("t");
        Short(Short(pickle, "torch._utils"), "_rebuild_tensor_v2").Raw(0x93).Raw("((").Word("storage");
        Short(Short(pickle, "torch"), "FloatStorage").Raw(0x93);
        Short(pickle, "0").Raw(0x94).Raw("h").Raw(0).Number(2).Raw("tQ").Number(0).Numbers([2]).Numbers([1]).Raw(0x89).Ordered()
            .Raw("tRs").Stop();
        File.WriteAllBytes(FilePath, PyTorchFile.Zip([("data.pkl", pickle.ToArray()), ("data/0", [0, 0, 64, 64, 0, 0, 128, 64])]));
        using var file = StateDictFile.Open(FilePath);
        Same(tensor(new float[] { 3, 4 }), file.Read("t"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_ordered_dictionary_made_of_pairs_is_read(bool tuples)
    {
        var pickle = new PickleWriter().Start().Global("collections", "OrderedDict").Raw("(](").Raw(tuples ? "" : "](");
        pickle.Word("t").Tensor("s", ones(2));
        pickle = tuples ? pickle.Raw(0x86) : pickle.Raw("e");
        File.WriteAllBytes(FilePath, PyTorchFile.Zip(pickle.Raw("etR").Stop()));
        using var file = StateDictFile.Open(FilePath);
        Same(ones(2), file.Read("t"));
    }

    [Theory]
    [InlineData("_rebuild_tensor", false)]
    [InlineData("_rebuild_tensor_v2", true)]
    public void The_first_and_the_latest_form_of_a_tensor_are_read(string function, bool metadata)
    {
        var pickle = new PickleWriter().Start().Raw("}").Word("t").Global("torch._utils", function).Raw("((").Word("storage")
            .Global("torch", "FloatStorage").Word("0").Word("cpu").Number(2).Raw("tQ").Number(0).Numbers([2]).Numbers([1]);
        if (metadata) pickle.Raw(0x89).Ordered().Raw("}");
        byte[] content = pickle.Raw("tRs").Stop().ToArray();
        File.WriteAllBytes(FilePath, PyTorchFile.Zip([("data.pkl", content), ("data/0", [0, 0, 64, 64, 0, 0, 128, 64])]));
        using var file = StateDictFile.Open(FilePath);
        Same(tensor(new float[] { 3, 4 }), file.Read("t"));
    }

    [Theory]
    [InlineData(64)]
    [InlineData(65)]
    public void A_tensor_has_up_to_64_sides(int rank)
    {
        long[] sides = [.. Enumerable.Repeat(1L, rank)];
        File.WriteAllBytes(FilePath, PyTorchFile.Zip(new PickleWriter().Start().Raw("}").Word("t").Tensor("s", zeros(1), sides, sides)
            .Raw("s").Stop()));
        if (rank == 64) StateDictFile.Open(FilePath).Dispose();
        else Assert.Contains("up to 64", Assert.Throws<CheckpointException>(() => StateDictFile.Open(FilePath)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_comment_behind_the_archive_and_a_deeper_data_pkl_change_nothing()
    {
        var pickle = new PickleWriter().Start().Raw("}").Word("t").Tensor("t", ones(8)).Raw("s").Stop();
        byte[] whole = PyTorchFile.Zip(pickle, false, ("extra/data.pkl", Array.Empty<byte>()));
        File.WriteAllBytes(FilePath, [.. whole[..^2], 5, 0, .. "hello"u8]);
        using var file = StateDictFile.Open(FilePath);
        Same(ones(8), file.Read("t"));
    }

    /// <summary>Of archives over 4 GB some entries have only their place widened.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_place_alone_may_need_zip64_and_other_fields_stand_beside_it(bool otherFirst)
    {
        byte[] bytes = PyTorchFile.Zip(new PickleWriter().Start().Raw("}").Word("t").Tensor("t", ones(8)).Raw("s").Stop(), zip64: true);
        int entry = bytes.AsSpan().LastIndexOf("archive/data/0"u8) - 46, extra = entry + 46 + "archive/data/0".Length;
        byte[] own = [1, 0, 8, 0, .. bytes[(extra + 20)..(extra + 28)]], other = [0x46, 0x42, 12, 0, .. new byte[12]];
        BitConverter.TryWriteBytes(bytes.AsSpan(entry + 20), 32);
        BitConverter.TryWriteBytes(bytes.AsSpan(entry + 24), 32);
        byte[] fields = otherFirst ? [.. other, .. own] : [.. own, .. other];
        fields.CopyTo(bytes, extra);
        File.WriteAllBytes(FilePath, bytes);
        using var file = StateDictFile.Open(FilePath);
        Same(ones(8), file.Read("t"));
    }
}
