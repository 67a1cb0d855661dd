using System.Runtime.InteropServices;
using ClipNotebooks.Clip.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Evaluation;

/// <summary>
/// The loss of a linear probe divided by N, (D + 1) · C parameters → value and gradient. A column of ones beside the features carries the
/// bias, whose row is not penalised. Its tensors belong to the dispose scope in which it is created.
/// </summary>
internal sealed class LinearProbeLoss
{
    private readonly Tensor _x, _target;
    private readonly double _penalty;
    private readonly int _rows, _classes;

    public LinearProbeLoss(Tensor features, IReadOnlyList<int> labels, int classes, double strength)
    {
        long n = features.shape[0];
        _x = cat([features.detach().cpu().to(float64), ones(n, 1, dtype: float64)], 1);         // (N, D + 1)
        _target = nn.functional.one_hot(tensor(labels.Select(label => (long)label).ToArray()), classes).to(float64); // (N, C)
        (_penalty, _rows, _classes) = (strength / n, (int)_x.shape[1], classes);
    }

    /// <summary>The number of parameters.</summary>
    public int Count => _rows * _classes;

    /// <summary>The largest magnitude in the gradient where all parameters are 0: a gradient is small or large in relation to it.</summary>
    public double GradientAtZero
    {
        get
        {
            double[] gradient = new double[Count];
            Evaluate(new double[Count], gradient);
            return gradient.Max(Math.Abs);
        }
    }

    public double Evaluate(double[] parameters, double[] gradient)
    {
        using var scope = NewDisposeScope();
        var w = tensor(parameters).reshape(_rows, _classes);                                    // (D + 1, C)
        var logits = _x.mm(w);                                                                  // (N, C)
        var logP = nn.functional.log_softmax(logits, 1);                                        // (N, C)
        var penalised = w.narrow(0, 0, _rows - 1);                                              // (D, C)
        double n = _x.shape[0], loss = -(logP * _target).sum().ToDouble() / n, square = (penalised * penalised).sum().ToDouble();
        var slope = _x.t().mm(logP.exp().Minus(_target)).contiguous();                          // (D + 1, C): softmax minus one-hot
        // data<double>() would call libtorch for each entry.
        MemoryMarshal.Cast<byte, double>(slope.bytes).CopyTo(gradient);
        int weights = (_rows - 1) * _classes;
        for (int i = 0; i < gradient.Length; i++)
            gradient[i] = (gradient[i] / n) + (i < weights ? _penalty * parameters[i] : 0);
        return loss + (0.5 * _penalty * square);
    }
}
