using System.Runtime.InteropServices;
using System.Text;

namespace ClipNotebooks.Clip.Tests.Onnx;

/// <summary>
/// An ONNX file of a few nodes, written by hand: what is tested is what happens around a graph. The numbers of fields are those of
/// onnx.proto, version 11 of the operators.
/// </summary>
internal sealed class TinyGraph
{
    private const int Float = 1, Integer = 7;

    private readonly List<byte> _graph = [];

    internal TinyGraph FloatInput(string name, params object[] sides) => Value(11, name, Float, sides);

    internal TinyGraph IntegerInput(string name, params object[] sides) => Value(11, name, Integer, sides);

    internal TinyGraph Output(string name, params object[] sides) => Value(12, name, Float, sides);

    /// <summary>A constant, row by row.</summary>
    internal TinyGraph Weight(string name, float[] values, params long[] sides) => Add(5, tensor =>
    {
        foreach (long side in sides) Number(tensor, 1, side);
        Number(tensor, 2, Float);
        Bytes(tensor, 8, Encoding.UTF8.GetBytes(name));
        Bytes(tensor, 9, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
    });

    internal TinyGraph Node(string kind, string[] inputs, string output, params (string Name, long[] Values)[] attributes) =>
        Add(1, node =>
        {
            foreach (string input in inputs) Bytes(node, 1, Encoding.UTF8.GetBytes(input));
            Bytes(node, 2, Encoding.UTF8.GetBytes(output));
            Bytes(node, 4, Encoding.UTF8.GetBytes(kind));
            foreach (var (name, values) in attributes)
            {
                Bytes(node, 5, Message(attribute =>
                {
                    Bytes(attribute, 1, Encoding.UTF8.GetBytes(name));
                    bool isList = name == "axes";
                    foreach (long value in values) Number(attribute, isList ? 8 : 3, value);
                    Number(attribute, 20, isList ? 7 : 2);
                }));
            }
        });

    internal void Write(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, Message(model =>
        {
            Number(model, 1, 6);
            Bytes(model, 7, [.. _graph, .. Message(graph => Bytes(graph, 2, "tiny"u8.ToArray()))]);
            Bytes(model, 8, Message(operators => Number(operators, 2, 11)));
        }));
    }

    private TinyGraph Value(int field, string name, int type, object[] sides) => Add(field, value =>
    {
        Bytes(value, 1, Encoding.UTF8.GetBytes(name));
        Bytes(value, 2, Message(kind => Bytes(kind, 1, Message(tensor =>
        {
            Number(tensor, 1, type);
            Bytes(tensor, 2, Message(shape =>
            {
                foreach (object side in sides)
                {
                    Bytes(shape, 1, Message(dimension =>
                    {
                        if (side is string free) Bytes(dimension, 2, Encoding.UTF8.GetBytes(free));
                        else Number(dimension, 1, (int)side);
                    }));
                }
            }));
        }))));
    });

    private TinyGraph Add(int field, Action<MemoryStream> fill)
    {
        _graph.AddRange(Message(graph => Bytes(graph, field, Message(fill))));
        return this;
    }

    private static byte[] Message(Action<MemoryStream> fill)
    {
        using var message = new MemoryStream();
        fill(message);
        return message.ToArray();
    }

    private static void Bytes(MemoryStream to, int field, byte[] content)
    {
        Variable(to, (ulong)(field << 3 | 2));
        Variable(to, (ulong)content.Length);
        to.Write(content);
    }

    private static void Number(MemoryStream to, int field, long value)
    {
        Variable(to, (ulong)(field << 3));
        Variable(to, (ulong)value);
    }

    private static void Variable(MemoryStream to, ulong value)
    {
        for (; value >= 128; value >>= 7) to.WriteByte((byte)(value | 128));
        to.WriteByte((byte)value);
    }
}
