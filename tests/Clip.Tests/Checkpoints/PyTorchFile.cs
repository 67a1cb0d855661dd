using System.Buffers.Binary;
using System.Text;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

/// <summary>
/// Writes files as PyTorch does: zip entries stored as they are, their data at multiples of 64 bytes
/// (caffe2/serialize/inline_container.cc); and the row of pickles before 1.6.
/// </summary>
internal static class PyTorchFile
{
    internal static void Save(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors) =>
        File.WriteAllBytes(path, Zip(new PickleWriter().Start().StateDict(tensors).Stop()));

    /// <summary>The archive of a pickle and its storages.</summary>
    internal static byte[] Zip(PickleWriter pickle, bool zip64 = false, params (string Name, byte[] Content)[] others) => Zip(
        [("data.pkl", pickle.ToArray()), .. others, .. pickle.Storages.Select((storage, i) => ($"data/{i}", storage.Bytes)),
            ("version", "3\n"u8.ToArray()), ("byteorder", "little"u8.ToArray())], zip64);

    internal static byte[] Zip(IEnumerable<(string Name, byte[] Content)> entries, bool zip64 = false, string root = "archive/")
    {
        using var file = new MemoryStream();
        using var directory = new MemoryStream();
        int count = 0;
        foreach (var (name, content) in entries)
        {
            byte[] text = Encoding.UTF8.GetBytes(root + name);
            long header = file.Length;
            int padding = (int)((64 - (header + 30 + text.Length + 4) % 64) % 64);
            uint sum = Crc32(content);
            // As miniz writes them: the sizes stand after the data and in the directory, not in the local header.
            Write(file, 0x04034b50u, (ushort)20, (ushort)0x0808, (ushort)0, 0u, 0u, 0u, 0u, (ushort)text.Length, (ushort)(4 + padding),
                text, (ushort)0x4246, (ushort)padding, new byte[padding]);
            file.Write(content);
            Write(file, 0x08074b50u, sum, (uint)content.Length, (uint)content.Length);
            byte[] extra = zip64 ? [1, 0, 24, 0, .. BitConverter.GetBytes((long)content.Length),
                .. BitConverter.GetBytes((long)content.Length), .. BitConverter.GetBytes(header)] : [];
            uint size = zip64 ? uint.MaxValue : (uint)content.Length;
            Write(directory, 0x02014b50u, (ushort)0, (ushort)20, (ushort)0x0808, (ushort)0, 0u, sum, size, size, (ushort)text.Length,
                (ushort)extra.Length, (ushort)0, (ushort)0, (ushort)0, 0u, zip64 ? uint.MaxValue : (uint)header, text, extra);
            count++;
        }
        long start = file.Length;
        directory.WriteTo(file);
        if (zip64)
        {
            long end = file.Length;
            Write(file, 0x06064b50u, 44L, (ushort)45, (ushort)45, 0u, 0u, (long)count, (long)count, directory.Length, start);
            Write(file, 0x07064b50u, 0u, end, 1u);
        }
        Write(file, 0x06054b50u, (ushort)0, (ushort)0, (ushort)(zip64 ? 0xffff : count), (ushort)(zip64 ? 0xffff : count),
            zip64 ? uint.MaxValue : (uint)directory.Length, zip64 ? uint.MaxValue : (uint)start, (ushort)0);
        return file.ToArray();
    }

    /// <summary>As before PyTorch 1.6: magic number, version, the machine, the object, the storages' keys, the storages.</summary>
    internal static byte[] Legacy(IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        var pickle = new PickleWriter();
        pickle.Start().Raw(0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19).Stop();
        pickle.Start().Number(1001).Stop();
        pickle.Start().Raw("}(").Word("protocol_version").Number(1001).Word("little_endian").Raw(0x88).Word("type_sizes").Raw("}(")
            .Word("short").Number(2).Word("int").Number(4).Word("long").Number(4).Raw("uu").Stop();
        pickle.Start().StateDict(tensors, legacy: true).Stop();
        pickle.Start().Raw("](");
        for (int i = 0; i < pickle.Storages.Count; i++) pickle.Word($"{i}");
        pickle.Raw("e").Stop();
        return [.. pickle.ToArray(), .. pickle.Storages.SelectMany(
            storage => (byte[])[.. BitConverter.GetBytes(storage.Count), .. storage.Bytes])];
    }

    internal static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        uint sum = ~0u;
        foreach (byte value in bytes)
        {
            sum ^= value;
            for (int bit = 0; bit < 8; bit++) sum = (sum >> 1) ^ (0xedb88320u & (uint)-(int)(sum & 1));
        }
        return ~sum;
    }

    private static void Write(MemoryStream stream, params object[] fields)
    {
        Span<byte> buffer = stackalloc byte[8];
        foreach (object field in fields)
        {
            switch (field)
            {
                case ushort value: BinaryPrimitives.WriteUInt16LittleEndian(buffer, value); stream.Write(buffer[..2]); break;
                case uint value: BinaryPrimitives.WriteUInt32LittleEndian(buffer, value); stream.Write(buffer[..4]); break;
                case long value: BinaryPrimitives.WriteInt64LittleEndian(buffer, value); stream.Write(buffer); break;
                case byte[] value: stream.Write(value); break;
                default: throw new ArgumentException($"{field.GetType()} has no place in a zip file.", nameof(fields));
            }
        }
    }
}
