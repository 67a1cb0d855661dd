using System.Runtime;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>Runs a reader's function, which may never return, and stops it after a time, so that the lesson goes on.</summary>
internal static class TimeLimit
{
    /// <summary>Long enough for any answer that ends: the slowest of the solutions takes less than a second.</summary>
    public static TimeSpan Default { get; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Runs the function on the calling thread, so that its tensors belong to that thread's scopes. Managed code is stopped wherever it is;
    /// a call into libtorch is waited for first.
    /// </summary>
    /// <exception cref="TimeoutException">The function did not return in time; the message is for the reader.</exception>
    public static T Run<T>(Func<T> function, TimeSpan limit)
    {
        T? result = default;
        using var stop = new CancellationTokenSource(limit);
        try
        {
            ControlledExecution.Run(() => result = function(), stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            throw new TimeoutException(Lesson.In(
                $"it had not returned after {limit.TotalSeconds:0.#} seconds and was stopped; "
                    + "is there a loop whose condition never becomes false?",
                $"{limit.TotalSeconds:0.#}초가 지나도 돌아오지 않아 멈추었습니다. 조건이 끝내 거짓이 되지 않는 반복문이 있습니까?"));
        }
        return result!;
    }
}
