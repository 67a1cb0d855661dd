using System.Globalization;
using ClipNotebooks.Core.Inference;
using Google.Protobuf;
using Onnx;
using DataLocation = Onnx.TensorProto.Types.DataLocation;

namespace ClipNotebooks.Clip.Export;

/// <summary>Writes a graph to a file, with its weights in a second file where one cannot hold them.</summary>
internal static class OnnxFile
{
    /// <summary>The largest size of a protobuf message, in bytes, less room for the nodes.</summary>
    internal const long MessageLimit = int.MaxValue - (32 << 20);

    /// <summary>The version of the file format that came with operator set 17.</summary>
    private const int FormatVersion = 8;

    /// <summary>Constants of fewer bytes stay in the graph, where runtimes look for shapes.</summary>
    private const long Small = 1024;

    /// <summary>Constants in the second file begin at a multiple of this, so that they can be mapped into memory.</summary>
    private const long Page = 4096;

    /// <summary>
    /// Writes a graph one constant at a time, without a second copy of all weights. If they exceed the limit, they go into
    /// <c>NAME.onnx_data</c>.
    /// </summary>
    /// <param name="graph">The graph; can be written only once.</param>
    /// <param name="path">The file.</param>
    /// <param name="limit">The most bytes of constants that the graph's own file may hold.</param>
    /// <param name="fingerprint">
    /// The fingerprint of the model whose embeddings the graph reproduces; null if it does not reproduce them.
    /// </param>
    /// <param name="cancellationToken">Ends the writing between two constants.</param>
    internal static void Write(OnnxGraph graph, string path, long limit, string? fingerprint, CancellationToken cancellationToken)
    {
        var (inside, beside) = (graph.Initializers, new List<OnnxGraph.Initializer>());
        if (inside.Sum(constant => constant.Bytes) > limit)
        {
            (inside, beside) = ([.. inside.Where(constant => constant.Bytes < Small)],
                [.. inside.Where(constant => constant.Bytes >= Small)]);
        }
        if (beside.Count > 0) WriteBeside(beside, path + "_data", cancellationToken);
        using var stream = new FileStream(path, FileMode.CreateNew);
        using var message = new CodedOutputStream(stream, leaveOpen: true);
        var model = new ModelProto
        {
            IrVersion = FormatVersion,
            ProducerName = "ClipNotebooks",
            ProducerVersion = typeof(OnnxFile).Assembly.GetName().Version!.ToString(3),
            OpsetImport = { new OperatorSetIdProto { Domain = "", Version = OnnxGraph.OperatorSet } },
        };
        if (fingerprint is not null) model.MetadataProps.Add(Entry(ModelFingerprint.Key, fingerprint));
        model.WriteTo(message);
        Begin(message, ModelProto.GraphFieldNumber, graph.Proto.CalculateSize() + inside.Sum(constant => Framed(Size(constant)))
            + beside.Sum(constant => Framed(constant.Proto.CalculateSize())));
        graph.Proto.WriteTo(message);
        foreach (var constant in beside)
        {
            Begin(message, GraphProto.InitializerFieldNumber, constant.Proto.CalculateSize());
            constant.Proto.WriteTo(message);
        }
        foreach (var constant in inside)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Begin(message, GraphProto.InitializerFieldNumber, Size(constant));
            constant.Proto.WriteTo(message);
            Begin(message, TensorProto.RawDataFieldNumber, constant.Bytes);
            message.Flush();
            constant.Read(bytes => stream.Write(bytes));
        }
    }

    /// <summary>The size of a constant's message with its values, in bytes.</summary>
    private static long Size(OnnxGraph.Initializer constant) => constant.Proto.CalculateSize() + Framed(constant.Bytes);

    /// <summary>The size of a field with its tag and length, in bytes: fields 1 to 15 have a tag of one byte.</summary>
    private static long Framed(long bytes) => 1 + CodedOutputStream.ComputeLengthSize((int)bytes) + bytes;

    private static void Begin(CodedOutputStream message, int field, long bytes)
    {
        message.WriteTag(field, WireFormat.WireType.LengthDelimited);
        message.WriteLength(checked((int)bytes));
    }

    private static void WriteBeside(List<OnnxGraph.Initializer> constants, string path, CancellationToken cancellationToken)
    {
        using var data = new FileStream(path, FileMode.CreateNew);
        foreach (var constant in constants)
        {
            cancellationToken.ThrowIfCancellationRequested();
            constant.Read(bytes => Beside(constant.Proto, bytes, data));
        }
    }

    private static void Beside(TensorProto constant, ReadOnlySpan<byte> bytes, FileStream data)
    {
        long offset = (data.Length + Page - 1) / Page * Page;
        data.Position = offset;
        data.Write(bytes);
        constant.DataLocation = DataLocation.External;
        constant.ExternalData.Add(Entry("location", Path.GetFileName(data.Name)));
        constant.ExternalData.Add(Entry("offset", offset.ToString(CultureInfo.InvariantCulture)));
        constant.ExternalData.Add(Entry("length", bytes.Length.ToString(CultureInfo.InvariantCulture)));
    }

    private static StringStringEntryProto Entry(string key, string value) => new() { Key = key, Value = value };
}
