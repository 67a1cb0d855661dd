using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.FineTuning;

/// <summary>
/// Fine-tuning by low-rank additions (Hu et al. 2022, "LoRA"): the model's own weights stand still, and beside chosen matrices of its
/// blocks, and of the attention that pools a ResNet's grid, two small ones are trained, W·x + alpha/r · B·(A·x). Saved in peft's layout and
/// read from it. While additions are attached and not merged, the model trains and embeds with them; it cannot be prepared or saved.
/// Not thread-safe.
/// </summary>
public sealed class LowRankAdapters : IDisposable
{
    private readonly ClipModel _model;
    private readonly List<LowRankAdapter> _adapters;
    private readonly List<Parameter> _frozen;
    private readonly List<Action> _detach = [];
    private bool _disposed;

    private LowRankAdapters(ClipModel model, List<LowRankAdapter> adapters)
    {
        (_model, _adapters) = (model, adapters);
        _frozen = [.. model.parameters().Where(parameter => parameter.requires_grad)];
        foreach (var parameter in _frozen) parameter.requires_grad = false;
        foreach (var ofModule in adapters.GroupBy(adapter => adapter.Place.Module)) Attach(ofModule.Key, [.. ofModule]);
        model.UnmergedAdapters++;
    }

    /// <summary>What is trained: A (r, in) and B (out, r) of each addition, on the model's device. Theirs are disposed with this.</summary>
    public IReadOnlyList<Parameter> Parameters => [.. _adapters.SelectMany(adapter => new[] { adapter.A, adapter.B })];

    /// <summary>How many numbers are trained.</summary>
    public long Count => Parameters.Sum(parameter => parameter.numel());

    /// <summary>Whether the additions are in the model's weights.</summary>
    public bool IsMerged { get; private set; }

    /// <summary>Attaches fresh additions to a model and freezes its own parameters. They change nothing until they are trained.</summary>
    /// <param name="model">The model; stays the caller's.</param>
    /// <param name="options">Which matrices, and how large the additions.</param>
    /// <exception cref="ArgumentException">An option is out of its range, or the model has no matrix of that kind.</exception>
    /// <exception cref="InvalidOperationException">The model has additions already that are not merged.</exception>
    public static LowRankAdapters Attach(ClipModel model, LowRankOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new LowRankOptions();
        options.Validate();
        RequireNone(model);
        var places = LowRankPlace.In(model).Where(place => options.Targets.HasFlag(place.Target)
            && (place.IsOfImages ? options.ImageTower : options.TextTower)).ToList();
        if (places.Count == 0)
            throw new ArgumentException($"The model has none of {options.Targets}: its towers that were asked for have no attention.");
        double scale = options.Alpha / options.Rank;
        return new LowRankAdapters(model, [.. places.Select(place => new LowRankAdapter(place, options.Rank, scale))]);
    }

    /// <summary>Attaches what peft, or <see cref="Save"/>, has written.</summary>
    /// <param name="model">The model that it was trained beside; stays the caller's.</param>
    /// <param name="folder">With <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</param>
    /// <exception cref="FileNotFoundException">One of the files is not there.</exception>
    /// <exception cref="CheckpointException">
    /// A file is damaged, or belongs to a model of another shape; the message names the key.
    /// </exception>
    /// <exception cref="NotSupportedException">The configuration asks for another kind of adapter; the message names its key.</exception>
    /// <exception cref="InvalidOperationException">The model has additions already that are not merged.</exception>
    public static LowRankAdapters Load(ClipModel model, string folder)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        RequireNone(model);
        return new LowRankAdapters(model, AdapterFolder.Read(folder, model));
    }

    /// <summary>
    /// Writes them in peft's layout, each file beside its place and renamed: <c>adapter_config.json</c> and
    /// <c>adapter_model.safetensors</c>, for the model of transformers with the same weights; for OpenCLIP's where transformers has none
    /// of this shape, as with a ResNet. OpenCLIP's own blocks keep q, k and v in one matrix: their additions are named as if these stood
    /// apart, which is read here; to take them there, merge and save the model.
    /// </summary>
    /// <param name="folder">Where to; made if it is not there.</param>
    /// <param name="baseModel">The id or folder of the model that they belong to, for whoever reads them.</param>
    /// <exception cref="IOException">The files cannot be written.</exception>
    public void Save(string folder, string? baseModel = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ObjectDisposedException.ThrowIf(_disposed, this);
        AdapterFolder.Write(folder, _model, _adapters, baseModel);
    }

    /// <summary>
    /// Adds them to the model's weights, which then give the same embeddings without them, as fast as before: it can be prepared and saved.
    /// </summary>
    public void Merge()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (IsMerged) return;
        foreach (var adapter in _adapters) adapter.AddTo(1);
        IsMerged = true;
        _model.UnmergedAdapters--;
    }

    /// <summary>Takes them out of the weights again, which are then what they were but for the rounding of a sum.</summary>
    public void Unmerge()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!IsMerged) return;
        foreach (var adapter in _adapters) adapter.AddTo(-1);
        IsMerged = false;
        _model.UnmergedAdapters++;
    }

    /// <summary>Detaches and frees them; what is merged stays merged, and the model's parameters can be trained again.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (var detach in _detach) detach();
        foreach (var parameter in _frozen.Where(parameter => !parameter.IsInvalid)) parameter.requires_grad = true;
        if (!IsMerged) _model.UnmergedAdapters--;
        foreach (var adapter in _adapters) adapter.Dispose();
    }

    private void Attach(nn.Module module, IReadOnlyList<LowRankAdapter> adapters)
    {
        if (module is MultiHeadAttention attention)
        {
            attention.Addition = input => IsMerged ? null : Joined(adapters, input);
            _detach.Add(() => attention.Addition = null);
            return;
        }
        var hook = ((Linear)module).register_forward_hook((_, input, output) =>
        {
            if (IsMerged) return output;
            using var scope = NewDisposeScope();
            return output.Plus(adapters[0].Of(input)).MoveToOuterDisposeScope();
        });
        _detach.Add(hook.remove);
    }

    /// <summary>(B, N, D) → (B, N, 3D): the additions to q, k and v, 0 where one has none.</summary>
    private static Tensor Joined(IReadOnlyList<LowRankAdapter> adapters, Tensor input)
    {
        using var scope = NewDisposeScope();
        var parts = Enumerable.Range(0, 3)
            .Select(part => adapters.FirstOrDefault(adapter => adapter.Place.Part == part)?.Of(input) ?? zeros_like(input)).ToList();
        return cat(parts, -1).MoveToOuterDisposeScope();
    }

    private static void RequireNone(ClipModel model)
    {
        if (model.UnmergedAdapters > 0)
            throw new InvalidOperationException("The model has low-rank adapters already: merge them, or dispose of them, first.");
    }
}
