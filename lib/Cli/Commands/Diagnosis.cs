using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using ClipNotebooks.Cli.Notebooks;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Inference;
using TorchSharp;

namespace ClipNotebooks.Cli.Commands;

/// <summary>The checks of `clipbook doctor`.</summary>
internal static class Diagnosis
{
    internal static IEnumerable<Finding> All(string? root)
    {
        yield return Sdk();
        yield return new("system", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.RuntimeIdentifier}");
        if (OperatingSystem.IsLinux())
            yield return LibStdCxx();
        Finding native = NativeLibrary();
        yield return native;
        yield return native.Fatal ? new("device", "unknown: the native library does not load") : Device();
        yield return Memory();
        yield return new("cores", Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture));
        yield return Workbook(root);
        yield return Row("model", fatal: true, () => Model(root, Environment.GetEnvironmentVariable("CLIP_MODEL")));
        yield return Row("Hub cache", fatal: false, () => HubCache(HubOptions.FromEnvironment().CacheFolder));
        yield return Editor();
        foreach (string folder in EditorStorage.Broken())
            yield return new("Polyglot Notebooks", $"its next start will fail: its tool manifest is not where it looks, in {folder}",
                $"clipbook doctor --fix, or by hand: {EditorStorage.ByHand(folder)}");
    }

    /// <summary>A row whose looking may itself fail at what it looks at: the others are shown all the same.</summary>
    internal static Finding Row(string subject, bool fatal, Func<Finding> look)
    {
        try
        {
            return look();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return new(subject, problem.Message, "Mend what this line names, and run the doctor again.", fatal);
        }
    }

    private static Finding Sdk()
    {
        string? version = Said("dotnet", "--version");
        const string Cure = "Install the .NET 10 SDK: https://dotnet.microsoft.com/download";
        if (version is null)
            return new("SDK", $"not found (runtime {Environment.Version})", Cure);
        return int.TryParse(version.Split('.')[0], out int major) && major >= 10 ? new("SDK", version)
            : new("SDK", version, Cure, Fatal: true);
    }

    private static Finding LibStdCxx()
    {
        string? path = LibStdCxxPath();
        if (path is null)
            return new("libstdc++", "libstdc++.so.6 not found", "Install the package libstdc++6.", Fatal: true);
        return new("libstdc++", IsCurrent(path) ? "has GLIBCXX_3.4.32" : "older than GLIBCXX_3.4.32: the build's patched native library " +
            "is used");
    }

    private static bool IsCurrent(string libStdCxx) => File.ReadAllBytes(libStdCxx).AsSpan().IndexOf("GLIBCXX_3.4.32"u8) >= 0;

    private static string? LibStdCxxPath()
    {
        string architecture = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
        string[] folders = [$"/usr/lib/{architecture}", $"/lib/{architecture}", "/usr/lib64", "/lib64", "/usr/lib", "/lib"];
        return folders.Select(folder => Path.Combine(folder, "libstdc++.so.6")).FirstOrDefault(File.Exists);
    }

    private static Finding NativeLibrary()
    {
        try
        {
            using var scope = torch.NewDisposeScope();
            double two = (torch.ones(1) + torch.ones(1)).ToDouble();
            // On an older libstdc++ only the patched copy loads.
            bool patched = OperatingSystem.IsLinux() && LibStdCxxPath() is { } system && !IsCurrent(system);
            return two == 2 ? new("native library", $"loaded, TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)}" +
                (patched ? ", patched copy" : ""))
                : new("native library", "loaded, but 1 + 1 is not 2", "Build again: dotnet build -c Release", Fatal: true);
        }
        catch (Exception problem)
        {
            return new("native library", "does not load: " + problem.GetBaseException().Message.Split('\n')[0],
                "Build again on this machine: dotnet clean -c Release, then dotnet build -c Release", Fatal: true);
        }
    }

    private static Finding Device()
    {
        bool driver = File.Exists("/proc/driver/nvidia/version") || File.Exists(Path.Combine(Environment.SystemDirectory, "nvcuda.dll"));
        string selected = typeof(Diagnosis).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .First(data => data.Key == "TorchBackend").Value!;
        return Device(driver, selected, torch.cuda.is_available() ? torch.cuda.device_count() : 0);
    }

    /// <param name="driver">Whether an NVIDIA driver is installed.</param>
    /// <param name="selected">The libtorch that the build selected: cpu or cuda.</param>
    /// <param name="devices">The CUDA devices that libtorch sees.</param>
    internal static Finding Device(bool driver, string selected, int devices) => (driver, selected, devices) switch
    {
        (_, _, > 0) => new("device", $"cuda, {devices} device(s); the build selected TorchBackend={selected}"),
        (true, "cuda", _) => new("device",
            "cpu: an NVIDIA driver is here and the build selected TorchBackend=cuda, but libtorch sees no device",
            "Look at nvidia-smi; for the processor alone, build with -p:TorchBackend=cpu"),
        (true, _, _) => new("device", "cpu: an NVIDIA driver is here, but the build selected TorchBackend=cpu",
            "For CUDA, build with -p:TorchBackend=cuda"),
        (false, "cuda", _) => new("device", "cpu: the build selected TorchBackend=cuda, but no NVIDIA driver is here",
            "Build with -p:TorchBackend=cpu"),
        _ => new("device", "cpu"),
    };

    private static Finding Memory()
    {
        double gibibytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30);
        string state = string.Create(CultureInfo.InvariantCulture, $"{gibibytes:0.0} GiB");
        return gibibytes >= 2 ? new("memory", state) : new("memory", state, "Lessons want 2 GiB: run them one at a time with clipbook " +
            "run --parallel 1");
    }

    internal static Finding Workbook(string? root)
    {
        if (root is null)
            return new("lessons", "not inside the repository", "Run clipbook from a folder of the repository.", Fatal: true);
        int lessons = LessonRunner.All(Path.Combine(root, "notebooks")).Count();
        if (lessons == 0)
            return new("lessons", "no .dib file in notebooks", "Restore the folder: git checkout -- notebooks", Fatal: true);
        string library = Path.Combine(root, "lib", "Workbook", "bin", "Release", "net10.0", "ClipNotebooks.Workbook.dll");
        return File.Exists(library) ? new("lessons", $"{lessons}, library built")
            : new("lessons", $"{lessons}, but the library they reference is not built", "dotnet build lib/Workbook -c Release",
                Fatal: true);
    }

    /// <summary>The model that the lessons will use: the folder or Hub id in CLIP_MODEL, else data/models/tiny-clip.</summary>
    internal static Finding Model(string? root, string? chosen)
    {
        bool named = !string.IsNullOrEmpty(chosen);
        string folder = named ? chosen! : Path.Combine(root ?? AppContext.BaseDirectory, "data", "models", "tiny-clip");
        if (named && !Directory.Exists(folder) && HuggingFaceHub.IsId(folder))
        {
            HubOptions options = HubOptions.FromEnvironment();
            return new HuggingFaceHub(options).Find(folder) is { } cached
                ? new("model", $"{folder} (CLIP_MODEL), in the Hub cache at {cached}")
                : new("model", $"{folder} (CLIP_MODEL) is not in the Hub cache yet",
                    options.Offline ? "Unset HF_HUB_OFFLINE, or unset CLIP_MODEL for the embedded model."
                        : $"clipbook download {Terminal.Word(folder)}",
                    Fatal: options.Offline);
        }
        string cure = named ? "Set CLIP_MODEL to a folder with a model, or unset it for the embedded one."
            : "Restore it: git checkout -- data/models/tiny-clip";
        if (Unreadable(folder) is { } reason) return new("model", reason, cure, Fatal: true);
        return !ClipProcessor.IsIn(folder)
            ? new("model", $"{folder} lacks preprocessor_config.json, or vocab.json and merges.txt (or what stands in their place)",
                cure, Fatal: true)
            : new("model", folder + (named ? " (CLIP_MODEL)" : " (embedded)"));
    }

    /// <summary>
    /// Why a folder's weights (all shards of a sharded checkpoint) or its configuration cannot be read; null if they can.
    /// </summary>
    private static string? Unreadable(string folder)
    {
        try
        {
            CheckpointFolder.Find(folder).Open().Dispose();
            return null;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return problem.Message;
        }
    }

    /// <summary>The folder of the Hub cache, and the models in it that were downloaded only in part.</summary>
    internal static Finding HubCache(string folder)
    {
        var half = HalfFetchedModels.In(folder).ToList();
        if (half.Count == 0) return new("Hub cache", folder + (Directory.Exists(folder) ? "" : " (not there yet)"));
        return new(
            "Hub cache", $"{folder}; half fetched: {string.Join("; ", half.Select(model => $"{model.Id} ({model.Missing})"))}",
            $"clipbook download {half[0].Id} fetches what is missing{(half.Count > 1 ? ", and so with the others" : "")}.");
    }

    private static Finding Editor()
    {
        string? extensions = Said(OperatingSystem.IsWindows() ? "code.cmd" : "code", "--list-extensions");
        if (extensions is null)
            return new("editor", "VS Code not found; clipbook run needs none");
        return extensions.Contains("ms-dotnettools.dotnet-interactive-vscode", StringComparison.OrdinalIgnoreCase)
            ? new("editor", "VS Code with Polyglot Notebooks")
            : new("editor", "VS Code without Polyglot Notebooks", "code --install-extension ms-dotnettools.dotnet-interactive-vscode");
    }

    private static string? Said(string program, string argument)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(
                program, argument) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            if (output.Wait(TimeSpan.FromSeconds(10)) && process.WaitForExit(1000))
                return process.ExitCode == 0 ? output.Result.Trim() : null;
            process.Kill(entireProcessTree: true);
            return null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
