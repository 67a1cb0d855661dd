using System.Reflection;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>
/// Finds, before a reader's function runs, the calls in it that could end the process: <c>matmul</c> on wrong shapes is not caught by
/// libtorch's wrapper.
/// </summary>
internal static class Abort
{
    private const byte Call = 0x28, CallVirtual = 0x6F, LoadFunction = 0x06;

    /// <summary>Whether the function, or one of the reader's functions that it calls, in whichever cell, calls <c>matmul</c>.</summary>
    public static bool CouldComeFrom(MethodInfo method) => Calls(method, []);

    private static bool Calls(MethodBase method, HashSet<MethodBase> seen) =>
        seen.Add(method) && Called(method).Any(m => IsMatmul(m) || (IsOfTheReader(m, method) && Calls(m, seen)));

    /// <summary>What stands in the same assembly, or in one that was never a file, as each cell's is.</summary>
    private static bool IsOfTheReader(MethodBase called, MethodBase caller) => called.Module.Assembly == caller.Module.Assembly
        || called.Module.Assembly.Location.Length == 0;

    private static bool IsMatmul(MethodBase method) => method.Name == nameof(Tensor.matmul)
        && method.DeclaringType?.Assembly == typeof(Tensor).Assembly;

    /// <summary>
    /// What stands after a byte that may be a call and is the token of a method; a byte of other meaning all but never is.
    /// </summary>
    private static IEnumerable<MethodBase> Called(MethodBase method)
    {
        byte[] code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        return Enumerable.Range(0, Math.Max(0, code.Length - 4)).Where(i => code[i] is Call or CallVirtual or LoadFunction)
            .Select(i => Resolve(method, BitConverter.ToInt32(code, i + 1))).OfType<MethodBase>();
    }

    private static MethodBase? Resolve(MethodBase method, int token)
    {
        try
        {
            return method.Module.ResolveMethod(token, method.DeclaringType?.GetGenericArguments(),
                method.IsGenericMethod ? method.GetGenericArguments() : null);
        }
        catch (Exception exception) when (exception is ArgumentException or BadImageFormatException or TypeLoadException
            or FileNotFoundException)
        {
            return null;   // not a method's token
        }
    }
}
