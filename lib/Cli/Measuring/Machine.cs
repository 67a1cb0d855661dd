using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;
using ClipNotebooks.Clip.Inference;
using ClipNotebooks.Core.Images;
using TorchSharp;

namespace ClipNotebooks.Cli.Measuring;

/// <summary>The machine that figures were measured on.</summary>
/// <param name="Processor">The processor's own name.</param>
/// <param name="Cores">How many cores the process may use.</param>
/// <param name="System">Operating system and runtime.</param>
/// <param name="Libraries">Names and versions.</param>
/// <param name="Precision">What <see cref="Clip.Inference.Precision.Auto"/> chooses, and why.</param>
internal sealed record Machine(string Processor, int Cores, string System, string Libraries, string Precision)
{
    internal static Machine Here()
    {
        var (precision, reason) = PrecisionProbe.Choose(TorchSharp.DeviceType.CPU);
        var torchSharp = typeof(torch).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>();
        var used = typeof(RasterImage).Assembly.GetReferencedAssemblies();
        string skiaSharp = used.First(assembly => assembly.Name == "SkiaSharp").Version!.ToString(3);
        return new Machine(
            ProcessorName(), Environment.ProcessorCount, $"{RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}",
            $"libtorch {torch.__version__}, TorchSharp {torchSharp?.InformationalVersion.Split('+')[0]}, SkiaSharp {skiaSharp}",
            $"{precision}: {reason}");
    }

    /// <summary>The processor's brand string, 48 bytes from three CPUID calls; where there is no CPUID, the architecture.</summary>
    private static string ProcessorName()
    {
        if (!X86Base.IsSupported) return $"{RuntimeInformation.ProcessArchitecture}";
        var name = new StringBuilder();
        for (int part = 2; part <= 4; part++)
        {
            var (a, b, c, d) = X86Base.CpuId(unchecked((int)0x80000000) + part, 0);
            foreach (int four in new[] { a, b, c, d }) name.Append(Encoding.ASCII.GetString(BitConverter.GetBytes(four)));
        }
        return name.ToString().Trim('\0', ' ');
    }
}
