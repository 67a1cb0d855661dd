using System.Globalization;
using Google.Protobuf;
using Onnx;
using DataLocation = Onnx.TensorProto.Types.DataLocation;

namespace ClipNotebooks.Clip.Export;

/// <summary>A graph as a file, its numbers in a second one where one file cannot hold them.</summary>
internal static class OnnxFile
{
    /// <summary>What a message of protobuf may have, less room for the nodes.</summary>
    internal const long MessageLimit = int.MaxValue - (32 << 20);

    /// <summary>The version of the format that came with operator set 17.</summary>
    private const int FormatVersion = 8;

    /// <summary>Constants below it stay in the graph, where runtimes look for shapes.</summary>
    private const long Small = 1024;

    /// <summary>Where a constant begins, so that it can be mapped into memory.</summary>
    private const long Page = 4096;

    /// <summary>Writes a graph; numbers go into <c>NAME.onnx_data</c> where they are more than the limit.</summary>
    /// <param name="graph">The graph; cannot be written twice.</param>
    /// <param name="path">The file.</param>
    /// <param name="limit">Bytes.</param>
    /// <param name="cancellationToken">Ends the writing between two constants.</param>
    internal static void Write(OnnxGraph graph, string path, long limit, CancellationToken cancellationToken)
    {
        var model = new ModelProto
        {
            IrVersion = FormatVersion,
            ProducerName = "ClipNotebooks",
            ProducerVersion = typeof(OnnxFile).Assembly.GetName().Version!.ToString(3),
            OpsetImport = { new OperatorSetIdProto { Domain = "", Version = OnnxGraph.OperatorSet } },
            Graph = graph.Proto,
        };
        bool beside = graph.Initializers.Sum(constant => constant.Bytes) > limit;
        using (var data = beside ? new FileStream(path + "_data", FileMode.CreateNew) : null)
        {
            foreach (var constant in graph.Initializers)
            {
                cancellationToken.ThrowIfCancellationRequested();
                constant.Read(bytes =>
                {
                    if (data is null || bytes.Length < Small) constant.Proto.RawData = ByteString.CopyFrom(bytes);
                    else Beside(constant.Proto, bytes, data);
                });
            }
        }
        using var stream = new FileStream(path, FileMode.CreateNew);
        model.WriteTo(stream);
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
