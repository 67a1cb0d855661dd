using System.Runtime.CompilerServices;

namespace ClipNotebooks.Clip.Evaluation;

/// <summary>
/// L-BFGS (Liu and Nocedal 1989) for smooth convex functions of many variables, with ten remembered steps. The step's length satisfies the
/// weak Wolfe conditions, found by doubling and bisection (Lewis and Overton 2013, algorithm 2.6): enough for the remembered curvatures to
/// be positive.
/// </summary>
/// <param name="count">The number of variables.</param>
/// <param name="function">Returns the value at a point, and writes the gradient there into the second array.</param>
internal sealed class LinearProbeSolver(int count, Func<double[], double[], double> function)
{
    private const int Memory = 10;
    private const double Decrease = 1e-4, Curvature = 0.9;

    /// <summary>The most trials along one direction.</summary>
    private const int Trials = 50;

    /// <summary>
    /// The remembered steps s, the changes of the gradient y, and 1 / (s · y): a ring buffer that overwrites the oldest first.
    /// </summary>
    private readonly double[][] _s = Rows(count), _y = Rows(count);
    private readonly double[] _rho = new double[Memory], _alpha = new double[Memory];
    private int _next, _stored;

    private readonly double[] _gradient = new double[count], _direction = new double[count], _trial = new double[count],
        _trialGradient = new double[count];

    /// <summary>Moves the point to the minimum.</summary>
    /// <param name="point">The start; afterwards the lowest point reached.</param>
    /// <param name="maxIterations">The bound on steps.</param>
    /// <param name="tolerance">The largest magnitude in the gradient at which to stop.</param>
    public LinearProbeMinimum Minimize(double[] point, int maxIterations, double tolerance)
    {
        double value = function(point, _gradient);
        for (int iteration = 0; ; iteration++)
        {
            double largest = _gradient.Max(Math.Abs);
            if (largest <= tolerance || iteration == maxIterations) return new LinearProbeMinimum(
                value, largest, iteration, largest <= tolerance);
            Turn();
            // The first direction is the negative gradient, whose length says nothing about the distance to the minimum.
            if (Search(point, value, _stored > 0 ? 1 : 1 / Math.Sqrt(Dot(_gradient, _gradient))) is not { } lower)
            {
                // No step that double precision resolves goes down: this is the minimum, unless the remembered steps misled the search.
                if (_stored == 0) return new LinearProbeMinimum(value, largest, iteration, false);
                _stored = 0;
                continue;
            }
            Remember(point);
            _trial.CopyTo(point, 0);
            _trialGradient.CopyTo(_gradient, 0);
            value = lower;
        }
    }

    /// <summary>
    /// Sets the direction to minus the gradient times the inverse Hessian, estimated from the remembered steps (two-loop recursion).
    /// </summary>
    private void Turn()
    {
        for (int i = 0; i < count; i++) _direction[i] = -_gradient[i];
        for (int age = 0; age < _stored; age++)
        {
            int k = At(age);
            _alpha[k] = _rho[k] * Dot(_s[k], _direction);
            Add(_direction, -_alpha[k], _y[k]);
        }
        if (_stored > 0)
        {
            int newest = At(0);
            double scale = 1 / (_rho[newest] * Dot(_y[newest], _y[newest]));
            for (int i = 0; i < count; i++) _direction[i] *= scale;
        }
        for (int age = _stored - 1; age >= 0; age--)
        {
            int k = At(age);
            Add(_direction, _alpha[k] - (_rho[k] * Dot(_y[k], _direction)), _s[k]);
        }
    }

    /// <summary>
    /// Searches along the direction for a point that is lower by enough and leaves it in <c>_trial</c>. Its value; null if there is no such
    /// point.
    /// </summary>
    private double? Search(double[] point, double value, double first)
    {
        double slope = Dot(_gradient, _direction), low = 0, high = double.PositiveInfinity, length = first;
        if (!(slope < 0)) return null;
        for (int trial = 0; trial < Trials; trial++)
        {
            point.CopyTo(_trial, 0);
            Add(_trial, length, _direction);
            double there = function(_trial, _trialGradient);
            // Rounding of the sum may hide the decrease of the last, tiny steps.
            if (!(there <= value + (Decrease * length * slope) + (1e-15 * Math.Abs(value)))) high = length;
            else if (Dot(_trialGradient, _direction) < Curvature * slope) low = length;
            else return there;
            length = double.IsFinite(high) ? (low + high) / 2 : 2 * low;
        }
        return null;
    }

    private void Remember(double[] point)
    {
        double[] s = _s[_next], y = _y[_next];
        for (int i = 0; i < count; i++)
            (s[i], y[i]) = (_trial[i] - point[i], _trialGradient[i] - _gradient[i]);
        double product = Dot(s, y);
        if (product > 0)
        {
            _rho[_next] = 1 / product;
            _next = (_next + 1) % Memory;
            _stored = Math.Min(_stored + 1, Memory);
        }
        else
        {
            _stored = Math.Min(_stored, Memory - 1);   // the oldest was overwritten by a step that is not used
        }
    }

    /// <summary>The index of the step of this age; 0 is the newest.</summary>
    private int At(int age) => (_next - 1 - age + (2 * Memory)) % Memory;

    private static double[][] Rows(int count) => [.. Enumerable.Range(0, Memory).Select(_ => new double[count])];

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Add(double[] a, double factor, double[] b)
    {
        for (int i = 0; i < a.Length; i++) a[i] += factor * b[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}
