using System.Globalization;
using System.Runtime.CompilerServices;

namespace ClipNotebooks.Cli.Notebooks;

/// <summary>Counts what a lesson leaves behind, in the lesson's thread.</summary>
internal static class LiveTensors
{
    /// <summary>
    /// The tensors that are alive when the lesson's variables are gone: what a library keeps, in a static field or a scope that was never
    /// closed. TorchSharp counts by thread (its count of all counts each parameter of a module twice), so what the collector freed is asked
    /// of its own. The TorchSharp is the one that the lesson loaded, found by name.
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

    /// <summary>Three rounds: what a finalizer lets go is found by the next.</summary>
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

    /// <summary>Its finalizer runs on the collector's thread.</summary>
    private sealed class CollectorThread
    {
        internal static Func<long> Count { get; set; } = () => 0;

        internal static long Answer { get; private set; }

        [MethodImpl(MethodImplOptions.NoInlining)]
        internal static void Ask() => _ = new CollectorThread();

        ~CollectorThread() => Answer = Count();
    }
}
