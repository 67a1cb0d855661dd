namespace ClipNotebooks.Clip.Inference;

/// <summary>
/// L-BFGS (Liu and Nocedal 1989) for smooth convex functions of many variables, with ten remembered steps. The step's length satisfies the weak Wolfe conditions, found by doubling and bisection (Lewis
/// and Overton 2013, algorithm 2.6): enough for the remembered curvatures to be positive.
/// </summary>
internal sealed class LinearProbeSolver(Func<double[], (double Value, double[] Gradient)> function)
{
    private const int Memory = 10;
    private const double Decrease = 1e-4, Curvature = 0.9;

    /// <summary>The longest search along one direction; it halves or doubles the step each time.</summary>
    private const int Trials = 50;

    private readonly LinkedList<(double[] S, double[] Y, double Rho)> _steps = [];

    /// <summary>Moves the point to the minimum.</summary>
    /// <param name="point">The start; afterwards the lowest point reached.</param>
    /// <param name="maxIterations">The bound on steps.</param>
    /// <param name="tolerance">The largest magnitude in the gradient at which to stop.</param>
    public LinearProbeMinimum Minimize(double[] point, int maxIterations, double tolerance)
    {
        var (value, gradient) = function(point);
        for (int iteration = 0; ; iteration++)
        {
            double largest = gradient.Max(Math.Abs);
            if (largest <= tolerance || iteration == maxIterations) return new LinearProbeMinimum(value, largest, iteration, largest <= tolerance);
            double[] direction = Direction(gradient);
            // The first direction is the bare gradient, whose length says nothing of the distance.
            double first = _steps.Count > 0 ? 1 : 1 / Math.Sqrt(Dot(gradient, gradient));
            if (Search(point, value, gradient, direction, first) is not { } next)
            {
                // No step of a length that double precision resolves goes down: this is as low as it gets, unless the memory misled.
                if (_steps.Count == 0) return new LinearProbeMinimum(value, largest, iteration, false);
                _steps.Clear();
                continue;
            }
            double[] s = Combine(next.Point, -1, point), y = Combine(next.Gradient, -1, gradient);
            if (Dot(s, y) is var sy and > 0) _steps.AddLast((s, y, 1 / sy));
            if (_steps.Count > Memory) _steps.RemoveFirst();
            next.Point.CopyTo(point, 0);
            (value, gradient) = (next.Value, next.Gradient);
        }
    }

    /// <summary>Minus the inverse Hessian, as the remembered steps tell it, times the gradient: the two-loop recursion.</summary>
    private double[] Direction(double[] gradient)
    {
        double[] q = [.. gradient.Select(g => -g)];
        var alphas = new Stack<double>();
        for (var node = _steps.Last; node is not null; node = node.Previous)
        {
            double alpha = node.Value.Rho * Dot(node.Value.S, q);
            alphas.Push(alpha);
            Add(q, -alpha, node.Value.Y);
        }
        if (_steps.Last is { Value: var (_, y, rho) })
        {
            double scale = 1 / (rho * Dot(y, y));
            for (int i = 0; i < q.Length; i++) q[i] *= scale;
        }
        foreach (var (s, y2, rho2) in _steps) Add(q, alphas.Pop() - (rho2 * Dot(y2, q)), s);
        return q;
    }

    private (double[] Point, double Value, double[] Gradient)? Search(double[] point, double value, double[] gradient, double[] direction, double first)
    {
        double slope = Dot(gradient, direction), low = 0, high = double.PositiveInfinity, length = first;
        if (!(slope < 0)) return null;
        for (int trial = 0; trial < Trials; trial++)
        {
            double[] at = Combine(point, length, direction);
            var (there, slopes) = function(at);
            // Rounding of the sum may hide the decrease of the last, tiny steps.
            if (!(there <= value + (Decrease * length * slope) + (1e-15 * Math.Abs(value)))) high = length;
            else if (Dot(slopes, direction) < Curvature * slope) low = length;
            else return (at, there, slopes);
            length = double.IsFinite(high) ? (low + high) / 2 : 2 * low;
        }
        return null;
    }

    private static double[] Combine(double[] a, double factor, double[] b)
    {
        double[] sum = [.. a];
        Add(sum, factor, b);
        return sum;
    }

    private static void Add(double[] a, double factor, double[] b)
    {
        for (int i = 0; i < a.Length; i++) a[i] += factor * b[i];
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}
