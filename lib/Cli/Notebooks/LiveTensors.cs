using System.Globalization;
using System.Runtime.CompilerServices;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>Counts the tensors that a lesson leaves behind; runs on the lesson's thread.</summary>
internal static class LiveTensors
{
    /// <summary>
    /// The number of tensors that are alive after the lesson's variables are gone: those that a library keeps in a static field or in a
    /// scope that was never closed. TorchSharp counts for each thread (its count over all threads counts each parameter of a module twice),
    /// and what the garbage collector frees is counted on the finalizer thread, so the counts of both threads are added. TorchSharp is
    /// found by name, since it is the one that the lesson loaded.
    /// </summary>
    /// <returns>Null where the lesson did not use TorchSharp.</returns>
    internal static long? Count()
    {
        Type? statistics = AppDomain.CurrentDomain.GetAssemblies().FirstOrDefault(assembly => assembly.GetName().Name == "TorchSharp")
            ?.GetType("TorchSharp.DisposeScopeManager");
        if (statistics is null)
            return null;
        CollectorThread.Count = () => Count(statistics);
        Collect();
        CollectorThread.Ask();
        Collect();
        return Count(statistics) + CollectorThread.Answer;
    }

    /// <summary>Collects three times: what a finalizer releases is found by the next collection.</summary>
    private static void Collect()
    {
        for (int round = 0; round < 3; round++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    private static long Count(Type manager)
    {
        object all = manager.GetProperty("Statistics")!.GetValue(null)!;
        object tensors = all.GetType().GetProperty("TensorStatistics")!.GetValue(all)!;
        return Convert.ToInt64(tensors.GetType().GetProperty("ThreadTotalLiveCount")!.GetValue(tensors), CultureInfo.InvariantCulture);
    }

    /// <summary>Reads the count on the finalizer thread, in its own finalizer.</summary>
    private sealed class CollectorThread
    {
        internal static Func<long> Count { get; set; } = () => 0;

        internal static long Answer { get; private set; }

        [MethodImpl(MethodImplOptions.NoInlining)]
        internal static void Ask() => _ = new CollectorThread();

        ~CollectorThread() => Answer = Count();
    }
}
