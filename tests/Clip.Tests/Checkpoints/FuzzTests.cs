using System.Buffers.Binary;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Tests.Families;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Images;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

/// <summary>
/// Damaged files: each is read or refused with a documented exception, by <see cref="Fuzz"/>. Vocabularies and merges are damaged beside
/// the tokenizer.
/// </summary>
public sealed class FuzzTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fuzz").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_mutated_safetensors_file_is_read_or_refused()
    {
        using var model = Small();
        ClipCheckpoint.SavePretrained(model, _folder);
        string path = Path.Combine(_folder, "model.safetensors");
        byte[] whole = File.ReadAllBytes(path);
        int header = 8 + (int)BinaryPrimitives.ReadUInt64LittleEndian(whole);
        Run(400, 30_000, path, random => Mutation.Of(random, whole, header), () => ReadAll(SafetensorsFile.Open(path)));
    }

    [Theory]
    [InlineData("zip")]
    [InlineData("legacy")]
    [InlineData("TorchScript")]
    public void A_mutated_PyTorch_file_is_read_or_refused(string form)
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor> { ["a.weight"] = arange(12, dtype: float32).reshape(3, 4),
            ["a.bias"] = arange(3).to(float16), ["b"] = tensor(3L), ["empty"] = zeros(0, 2) };
        byte[] whole = form switch
        {
            "legacy" => PyTorchFile.Legacy(tensors),
            "TorchScript" => TorchScriptFile.Write(tensors),
            _ => PyTorchFile.Zip(new PickleWriter().Start().StateDict(tensors).Stop()),
        };
        string path = Path.Combine(_folder, "x.bin");
        Run(400, 15_000, path, random => Mutation.Of(random, whole, whole.Length), () => ReadAll(StateDictFile.Open(path)));
    }

    /// <summary>The pickle alone, so that no check of the archive stands before it.</summary>
    [Fact]
    public void A_mutated_pickle_is_read_or_refused()
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor> { ["a.weight"] = arange(12, dtype: float32).reshape(3, 4), ["b"] = tensor(3L) };
        byte[] whole = new PickleWriter().Start().StateDict(tensors).Stop().ToArray();
        string path = Path.Combine(_folder, "x.bin");
        Run(400, 15_000, path, random =>
        {
            byte[] pickle = Mutation.Of(random, whole, whole.Length);
            return PyTorchFile.Zip([("data.pkl", pickle), ("constants.pkl", []), ("data/0", new byte[48]), ("data/1", new byte[8])]);
        }, () => ReadAll(StateDictFile.Open(path)));
    }

    [Theory]
    [InlineData("config.json", 200, 4_000)]
    [InlineData("open_clip_config.json", 200, 4_000)]
    [InlineData("model.safetensors.index.json", 200, 2_000)]
    public void A_mutated_configuration_or_index_loads_or_is_refused(string name, int few, int many)
    {
        using var model = Small();
        ClipCheckpoint.SavePretrained(model, _folder,
            name == "open_clip_config.json" ? CheckpointLayout.OpenClip : CheckpointLayout.HuggingFace);
        string path = Path.Combine(_folder, name);
        if (name.Contains("index", StringComparison.Ordinal))
        {
            File.Move(Path.Combine(_folder, "model.safetensors"), Path.Combine(_folder, "model-1.safetensors"));
            using var file = SafetensorsFile.Open(Path.Combine(_folder, "model-1.safetensors"));
            File.WriteAllText(path, $"{{\"weight_map\": " +
                $"{{{string.Join(", ", file.Names.Select(tensor => $"\"{tensor}\": \"model-1.safetensors\""))}}}}}");
        }
        byte[] whole = File.ReadAllBytes(path);
        Run(few, many, path, random => Mutation.Of(random, whole, whole.Length), () =>
        {
            using var loaded = ClipCheckpoint.FromPretrained(_folder);
        });
    }

    [Fact]
    public void A_mutated_configuration_of_a_SigLIP_is_read_or_refused()
    {
        using var model = new ClipModel(ClipConfig.SiglipBasePatch16 with
        {
            Vision = ClipConfig.SiglipVision(16, 8, 16, 1, 2, 32), Text = ClipConfig.SiglipText(8, 20, 16, 1, 2, 32), EmbeddingWidth = 16,
        });
        ClipCheckpoint.SavePretrained(model, _folder);
        string path = Path.Combine(_folder, "config.json");
        byte[] whole = File.ReadAllBytes(path);
        Run(200, 2_000, path, random => Mutation.Of(random, whole), () =>
        {
            using var loaded = ClipCheckpoint.FromPretrained(_folder);
        });
    }

    [Theory]
    [InlineData("oc_block_all")]
    [InlineData("oc_coca")]
    [InlineData("oc_eva02_b")]
    [InlineData("oc_pe_core_t")]
    [InlineData("oc_convnext_mlp")]
    [InlineData("oc_mobileclip_s")]
    [InlineData("oc_xlm_roberta")]
    [InlineData("hf_siglip2_naflex")]
    [InlineData("hf_metaclip2")]
    [InlineData("hf_altclip")]
    [InlineData("hf_chineseclip")]
    public void A_mutated_configuration_of_another_family_is_read_or_refused(string name)
    {
        using var family = FamilyCase.Write(name, _folder);
        string path = Path.Combine(_folder, family.IsOpenClip ? "open_clip_config.json" : "config.json");
        byte[] whole = File.ReadAllBytes(path);
        Run(40, 2_000, path, random => Mutation.Of(random, whole), () =>
        {
            using var loaded = ClipCheckpoint.FromPretrained(_folder);
        });
    }

    [Fact]
    public void A_mutated_configuration_of_the_image_transform_is_read_or_refused()
    {
        string path = Path.Combine(_folder, "preprocessor_config.json");
        new ImageTransformConfig().Save(path);
        byte[] whole = File.ReadAllBytes(path), openClip =
            """
            {"preprocess_cfg": {"size": [224, 224], "mode": "RGB", "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6],
             "interpolation": "bicubic", "resize_mode": "longest", "fill_color": 0}}
            """u8.ToArray();
        Fuzz.Run(200, 2_000, path, random => Mutation.Of(random, random.Next(2) == 0 ? whole : openClip), () =>
            ImageTransformConfig.Load(path), exception => exception is InvalidDataException);
    }

    private static void Run(int few, int many, string path, Func<Random, byte[]> make, Action read) =>
        Fuzz.Run(few, many, path, make, read, exception => exception is CheckpointException or FileNotFoundException);

    private static void ReadAll(IWeightFile file)
    {
        using (file)
        using (NewDisposeScope())
        {
            long most = new FileInfo(file.Path).Length;
            foreach (string name in file.Names)
            {
                var read = file.Read(name);
                Assert.True(read.numel() * read.element_size() <= most, $"\"{name}\" takes more than the file.");
            }
        }
    }

    private static ClipModel Small() => new(new ClipConfig
    {
        Vision = new VisionConfig { ImageSize = 16, PatchSize = 8, Width = 16, Layers = 1, Heads = 2 },
        Text = new TextConfig { ContextLength = 8, VocabularySize = 20, Width = 16, Layers = 1, Heads = 2, EndOfTextId = 19 },
        EmbeddingWidth = 8,
    });
}
