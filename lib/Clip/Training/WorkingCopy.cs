using ClipNotebooks.Clip.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Training;

/// <summary>
/// Mixed precision (Micikevicius et al. 2018): forward and backward run on a bfloat16 copy of the weights, in which a processor with
/// bfloat16 instructions multiplies several times as fast; the weights themselves stay in float32, so that an optimizer's small steps are
/// not rounded away. bfloat16 has float32's range, so the loss needs no scaling. Batch normalisation
/// stays in float32, as under PyTorch's autocast: its running statistics move by a tenth of a difference, which bfloat16 rounds away.
/// </summary>
internal sealed class WorkingCopy : IDisposable
{
    private readonly ClipModel _master;
    private readonly (Parameter Master, Parameter Copy)[] _pairs;
    private readonly (Tensor Master, Tensor Copy)[] _statistics;

    internal WorkingCopy(ClipModel master, ScalarType dtype)
    {
        Model = new ClipModel(master.Config, master.LogitScale.device);
        Model.to(dtype);
        foreach (var norm in Model.modules().OfType<BatchNorm2d>()) norm.to(float32);
        foreach (var (own, copy) in master.parameters().Zip(Model.parameters())) copy.requires_grad = own.requires_grad;
        _master = master;
        TakeAll();
        _statistics = [.. master.buffers().Zip(Model.buffers())];
        _pairs = [.. master.parameters().Zip(Model.parameters())
            .Where(pair => !ReferenceEquals(pair.First, master.LogitScale) && pair.First.requires_grad)];
    }

    internal ClipModel Model { get; }

    /// <summary>Copies all that the model holds, also what is frozen and the statistics, as after it was loaded anew.</summary>
    internal void TakeAll()
    {
        using var _ = no_grad();
        foreach (var (own, copy) in _master.state_dict().Values.Zip(Model.state_dict().Values)) copy.copy_(own);
    }

    /// <summary>Copies the rounded weights from the model, and clears the last gradient.</summary>
    internal void Take()
    {
        using var _ = no_grad();
        foreach (var (master, copy) in _pairs) copy.copy_(master);
        Model.zero_grad();
    }

    /// <summary>Copies the gradient to the model, as float32.</summary>
    internal void HandOnGradient()
    {
        foreach (var (master, copy) in _pairs)
        {
            using var gradient = copy.grad;
            master.grad = gradient?.to(float32);
        }
    }

    /// <summary>Copies the statistics of batch normalisation to the model, once the step is known to be good.</summary>
    internal void HandOnStatistics()
    {
        using var _ = no_grad();
        foreach (var (master, copy) in _statistics) master.copy_(copy);
    }

    public void Dispose() => Model.Dispose();
}
