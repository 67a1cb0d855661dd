using System.IO.Compression;
using System.Text;

namespace ClipNotebooks.Clip.Inference.Prepared;

/// <summary>
/// Makes a TorchScript module from source text. <c>jit.compile</c> knows only the operators under <c>torch.</c>, but a saved module may use
/// any (<c>ops.mkldnn…</c>). So the text is put into the archive that <c>torch.jit.save</c> would write (torch/csrc/jit/serialization): a
/// zip file of the code and a pickled object without state.
/// </summary>
internal static class ScriptArchive
{
    /// <summary>The archive of one module.</summary>
    /// <param name="methods">TorchScript methods at column 0, each with <c>self</c> first.</param>
    internal static byte[] Of(string methods)
    {
        var code = new StringBuilder("class Operators(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n");
        foreach (string line in methods.ReplaceLineEndings("\n").Split('\n')) code.Append("  ").Append(line.TrimEnd()).Append('\n');

        using var bytes = new MemoryStream();
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            // Protocol 2: the class's name, an empty tuple, NEWOBJ, {"training": False}, BUILD, STOP.
            Write(zip, "data.pkl", [0x80, 2, .. "c__torch__\nOperators\n)"u8, 0x81, .. "}X"u8, 8, 0, 0, 0, .. "training"u8, 0x89,
                .. "sb."u8]);
            Write(zip, "code/__torch__.py", Encoding.UTF8.GetBytes(code.ToString()));
            Write(zip, "constants.pkl", [0x80, 2, .. ")."u8]);
            Write(zip, "version", "3\n"u8.ToArray());
        }
        return bytes.ToArray();
    }

    private static void Write(ZipArchive zip, string name, byte[] content)
    {
        using var stream = zip.CreateEntry("operators/" + name, CompressionLevel.NoCompression).Open();
        stream.Write(content);
    }
}
