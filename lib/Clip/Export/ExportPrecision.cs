namespace ClipNotebooks.Clip.Export;

/// <summary>The precision of a graph; each has its own files, named as transformers.js looks for them.</summary>
public enum ExportPrecision
{
    /// <summary>float32: <c>vision_model.onnx</c>.</summary>
    Float32,

    /// <summary>Weights and sums in float16, inputs and outputs in float32: <c>vision_model_fp16.onnx</c>.</summary>
    Float16,

    /// <summary>
    /// Weights of linear layers and the token embeddings in 8 bits, with one scale for each output and each token; inputs of linear layers
    /// are quantised at run time, and the rest is float32: <c>vision_model_quantized.onnx</c>.
    /// </summary>
    Int8,
}
