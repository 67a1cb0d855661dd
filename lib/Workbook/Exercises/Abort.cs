using System.Reflection;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Exercises;

/// <summary>
/// Finds calls that could end the process in a reader's function, before it runs: libtorch's wrapper does not catch the error of
/// <c>matmul</c> on wrong shapes.
/// </summary>
internal static class Abort
{
    private const byte Call = 0x28, CallVirtual = 0x6F, LoadFunction = 0x06;

    /// <summary>Whether the function, or one of the reader's functions that it calls, in any cell, calls <c>matmul</c>.</summary>
    public static bool CouldComeFrom(MethodInfo method) => Calls(method, []);

    private static bool Calls(MethodBase method, HashSet<MethodBase> seen) =>
        seen.Add(method) && Called(method).Any(m => IsMatmul(m) || (IsOfTheReader(m, method) && Calls(m, seen)));

    /// <summary>Whether a method is in the same assembly, or in one that has no file, as the assembly of each cell.</summary>
    private static bool IsOfTheReader(MethodBase called, MethodBase caller) => called.Module.Assembly == caller.Module.Assembly
        || called.Module.Assembly.Location.Length == 0;

    private static bool IsMatmul(MethodBase method) => method.Name == nameof(Tensor.matmul)
        && method.DeclaringType?.Assembly == typeof(Tensor).Assembly;

    /// <summary>
    /// The methods whose tokens follow a byte that could be a call instruction; after a byte with another meaning there is almost never
    /// such a token.
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
