namespace ClipNotebooks.Clip.Export;

/// <summary>What a graph computes in; each has its own files, named as transformers.js looks for them.</summary>
public enum ExportPrecision
{
    /// <summary>float32: <c>vision_model.onnx</c>.</summary>
    Float32,

    /// <summary>Weights and sums in float16, inputs and outputs in float32: <c>vision_model_fp16.onnx</c>.</summary>
    Float16,

    /// <summary>
    /// Weights of linear layers and rows of tokens in 8 bits, each column and row with a scale of its own; what they multiply is
    /// quantised as it comes, and the rest is float32: <c>vision_model_quantized.onnx</c>.
    /// </summary>
    Int8,
}
