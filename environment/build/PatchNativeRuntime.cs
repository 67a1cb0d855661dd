using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Makes a copy of libLibTorchSharp.so that loads on a libstdc++ without GLIBCXX_3.4.32.
/// The library asks that version for one symbol only, std::ios_base_library_init(), which GCC 13 introduced to replace
/// the constructor of std::ios_base::Init. The copy asks for that constructor instead: the symbol is renamed in place
/// (the new name is shorter), bound to GLIBCXX_3.4, and the demand for 3.4.32 becomes a second demand for 3.4.30.
/// ios_base::Init has no members, so calling its constructor without an object does what the missing function does.
/// </summary>
public class PatchNativeRuntime : Task
{
    const string NewSymbol = "_ZSt21ios_base_library_initv";
    const string OldSymbol = "_ZNSt8ios_base4InitC1Ev";
    const string MissingVersion = "GLIBCXX_3.4.32";
    const string PresentVersion = "GLIBCXX_3.4.30";
    const string SymbolVersion = "GLIBCXX_3.4";

    /// <summary>SHA-256 of the libraries whose patch was tried: TorchSharp 0.107.0, linux-x64.</summary>
    static readonly string[] Known = { "cf33b1b0bb6bbb9754a768fb5c5d04d9f498603be50e73f55621a0b40ee608b8" };

    [Required] public string Source { get; set; }
    [Required] public string Destination { get; set; }

    /// <summary>The patched copy; nothing where the system needs none.</summary>
    [Output] public ITaskItem[] Result { get; set; } = new ITaskItem[0];

    public override bool Execute()
    {
        byte[] library = File.ReadAllBytes(Source);
        if (Contains(library, MissingVersion) == false) return true;
        string runtime = FindLibStdCxx();
        if (runtime != null && Contains(File.ReadAllBytes(runtime), MissingVersion)) return true;

        string digest;
        using (var sha = SHA256.Create())
            digest = BitConverter.ToString(sha.ComputeHash(library)).Replace("-", "").ToLowerInvariant();
        if (!Known.Contains(digest))
        {
            Log.LogError("{0} needs {1}, which this system's C++ runtime ({2}) lacks, and its SHA-256 ({3}) is not one that the project " +
                "knows how " +
                "to adapt. Use TorchSharp 0.107.0, or a system with GCC 13's libstdc++ or newer (Debian 13, Ubuntu 24.04).",
                Source, MissingVersion, runtime ?? "no libstdc++.so.6 found", digest);
            return false;
        }

        if (!File.Exists(Destination) || File.GetLastWriteTimeUtc(Destination) < File.GetLastWriteTimeUtc(Source))
        {
            Patch(library);
            Directory.CreateDirectory(Path.GetDirectoryName(Destination));
            string beside = Destination + "." + Guid.NewGuid().ToString("N");
            File.WriteAllBytes(beside, library);
            File.Delete(Destination);
            File.Move(beside, Destination);
        }
        Result = new ITaskItem[] { new TaskItem(Destination) };
        return true;
    }

    /// <summary>The libstdc++.so.6 that the dynamic loader chose for this very process, else the usual places.</summary>
    static string FindLibStdCxx()
    {
        var mapped = File.ReadLines("/proc/self/maps")
            .Select(line => line.Substring(line.IndexOf('/') + 1 > 0 ? line.IndexOf('/') : line.Length))
            .FirstOrDefault(path => path.Contains("/libstdc++.so.6") && File.Exists(path));
        return mapped ?? new[] { "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/lib64", "/usr/lib" }
            .Select(folder => Path.Combine(folder, "libstdc++.so.6")).FirstOrDefault(File.Exists);
    }

    static bool Contains(byte[] bytes, string text)
    {
        return IndexOf(bytes, 0, bytes.Length, text) >= 0;
    }

    static int IndexOf(byte[] bytes, int start, int end, string text)
    {
        byte[] sought = Encoding.ASCII.GetBytes(text + "\0");
        for (int i = start; i + sought.Length <= end; i++)
        {
            int k = 0;
            while (k < sought.Length && bytes[i + k] == sought[k]) k++;
            if (k == sought.Length) return i;
        }
        return -1;
    }

    // ELF64, little-endian: section headers of 64 bytes at e_shoff; sh_type +4, sh_offset +24, sh_size +32, sh_link +40.
    static void Patch(byte[] elf)
    {
        int table = (int)BitConverter.ToUInt64(elf, 40), count = BitConverter.ToUInt16(elf, 60);
        Func<uint, int> header = type => Enumerable.Range(0, count).Select(i => table + 64 * i)
            .First(h => BitConverter.ToUInt32(elf, h + 4) == type);
        Func<int, int> offset = h => (int)BitConverter.ToUInt64(elf, h + 24);
        int dynamicSymbols = header(11), versions = offset(header(0x6fffffff)), needsHeader = header(0x6ffffffe);
        int strings = table + 64 * (int)BitConverter.ToUInt32(elf, dynamicSymbols + 40);
        int names = offset(strings), namesEnd = names + (int)BitConverter.ToUInt64(elf, strings + 32);

        int name = IndexOf(elf, names, namesEnd, NewSymbol);
        int present = IndexOf(elf, names, namesEnd, PresentVersion);
        if (name < 0 || present < 0) throw new InvalidDataException("libLibTorchSharp.so does not have the symbols its SHA-256 promises");

        int symbols = offset(dynamicSymbols), symbolCount = (int)(BitConverter.ToUInt64(elf, dynamicSymbols + 32) / 24);
        int symbol = Enumerable.Range(0, symbolCount).First(i => BitConverter.ToUInt32(elf, symbols + 24 * i) == name - names);

        // Verneed (vn_cnt +2, vn_aux +8, vn_next +12), Vernaux (vna_hash, vna_flags +4, vna_other +6, vna_name +8, vna_next +12).
        var entries = new Dictionary<string, int>();
        for (int need = offset(needsHeader), more = 1; more != 0; need += more)
        {
            more = (int)BitConverter.ToUInt32(elf, need + 12);
            int entry = need + (int)BitConverter.ToUInt32(elf, need + 8);
            for (int i = 0; i < BitConverter.ToUInt16(elf, need + 2); i++, entry += (int)BitConverter.ToUInt32(elf, entry + 12))
            {
                int at = names + (int)BitConverter.ToUInt32(elf, entry + 8), end = Array.IndexOf(elf, (byte)0, at);
                entries[Encoding.ASCII.GetString(elf, at, end - at)] = entry;
            }
        }

        byte[] renamed = new byte[NewSymbol.Length];
        Encoding.ASCII.GetBytes(OldSymbol, 0, OldSymbol.Length, renamed, 0);
        renamed.CopyTo(elf, name);
        Array.Copy(elf, entries[SymbolVersion] + 6, elf, versions + 2 * symbol, 2);
        Array.Copy(elf, entries[PresentVersion], elf, entries[MissingVersion], 4);
        Array.Copy(elf, entries[PresentVersion] + 8, elf, entries[MissingVersion] + 8, 4);
    }
}
