using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.FineTuning;

/// <summary>
/// Fine-tuning by low-rank adapters (Hu et al. 2022, "LoRA"): the model's own weights are frozen, and two small matrices are trained beside
/// each chosen matrix of its blocks and of a ResNet's attention pool: W·x + alpha/r · B·(A·x). Adapters are saved to and loaded from peft's
/// layout. While they are attached and not merged, the model trains and embeds with them, and cannot be prepared or saved. Not thread-safe.
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
        CountUnmerged(1);
    }

    /// <summary>
    /// The trained parameters: A, (r, in), and B, (out, r), of each adapter, on the model's device. They are disposed with this object.
    /// </summary>
    public IReadOnlyList<Parameter> Parameters => [.. _adapters.SelectMany(adapter => new[] { adapter.A, adapter.B })];

    /// <summary>The number of trained elements.</summary>
    public long Count => Parameters.Sum(parameter => parameter.numel());

    /// <summary>Whether the adapters are merged into the model's weights.</summary>
    public bool IsMerged { get; private set; }

    /// <summary>
    /// Attaches new adapters to a model and freezes the model's own parameters. Adapters change nothing until they are trained.
    /// </summary>
    /// <param name="model">The model; stays the caller's.</param>
    /// <param name="options">Which matrices get adapters, and how large these are.</param>
    /// <exception cref="ArgumentException">An option is out of its range, or the model has no matrix of that kind.</exception>
    /// <exception cref="InvalidOperationException">The model already has adapters that are not merged.</exception>
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

    /// <summary>Attaches adapters that peft or <see cref="Save"/> has written, and freezes the model's own parameters.</summary>
    /// <param name="model">The model that the adapters were trained with; stays the caller's.</param>
    /// <param name="folder">The folder with <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</param>
    /// <exception cref="FileNotFoundException">One of the files is not there.</exception>
    /// <exception cref="CheckpointException">
    /// A file is damaged, or belongs to a model of another shape; the message names the key.
    /// </exception>
    /// <exception cref="NotSupportedException">The configuration asks for another kind of adapter; the message names its key.</exception>
    /// <exception cref="InvalidOperationException">The model already has adapters that are not merged.</exception>
    public static LowRankAdapters Load(ClipModel model, string folder)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        RequireNone(model);
        return new LowRankAdapters(model, AdapterFolder.Read(folder, model));
    }

    /// <summary>
    /// Writes the adapters in peft's layout: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>, each first written beside its
    /// destination, then renamed. Names are those of transformers' model with the same weights, or of OpenCLIP's where transformers has no
    /// such model, as with a ResNet. OpenCLIP's own blocks keep q, k and v in one matrix; their adapters are named as if the three were
    /// separate, which this library reads. To use them in OpenCLIP, merge and save the model.
    /// </summary>
    /// <param name="folder">The destination; created if it does not exist.</param>
    /// <param name="baseModel">The id or folder of the model that they belong to, noted for readers of the files.</param>
    /// <exception cref="IOException">The files cannot be written.</exception>
    public void Save(string folder, string? baseModel = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ObjectDisposedException.ThrowIf(_disposed, this);
        AdapterFolder.Write(folder, _model, _adapters, baseModel);
    }

    /// <summary>
    /// Adds the adapters to the model's weights. Embeddings stay the same and are as fast as without adapters; the model can then be
    /// prepared and saved.
    /// </summary>
    public void Merge()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (IsMerged) return;
        foreach (var adapter in _adapters) adapter.AddTo(1);
        IsMerged = true;
        CountUnmerged(-1);
    }

    /// <summary>Subtracts the adapters from the weights again, which are then as before except for rounding.</summary>
    public void Unmerge()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!IsMerged) return;
        foreach (var adapter in _adapters) adapter.AddTo(-1);
        IsMerged = false;
        CountUnmerged(1);
    }

    /// <summary>Detaches and frees the adapters; merged ones stay in the weights. The model's parameters can be trained again.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (var detach in _detach) detach();
        foreach (var parameter in _frozen.Where(parameter => !parameter.IsInvalid)) parameter.requires_grad = true;
        if (!IsMerged) CountUnmerged(-1);
        foreach (var adapter in _adapters) adapter.Dispose();
    }

    /// <summary>Tells the model, and each tower with an adapter, since a tower can be prepared without its model.</summary>
    private void CountUnmerged(int change)
    {
        _model.UnmergedAdapters += change;
        bool Has(bool images) => _adapters.Any(adapter => adapter.Place.IsOfImages == images);
        if (Has(images: false)) _model.Text.Transformer.UnmergedAdapters += change;
        if (Has(images: true) && _model.ImageTower is VisionTransformer tower) tower.Transformer.UnmergedAdapters += change;
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

    /// <summary>(B, N, D) → (B, N, 3D): the additions to q, k and v, 0 for one without an adapter.</summary>
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
