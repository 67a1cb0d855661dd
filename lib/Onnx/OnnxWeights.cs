namespace ClipNotebooks.Onnx;

/// <summary>Which of a folder's graphs are used; each kind of weights has its own files.</summary>
public enum OnnxWeights
{
    /// <summary>float32: <c>vision_model.onnx</c>.</summary>
    Float32,

    /// <summary>float16: <c>vision_model_fp16.onnx</c>.</summary>
    Float16,

    /// <summary>8 bits: <c>vision_model_quantized.onnx</c> or <c>vision_model_int8.onnx</c>.</summary>
    Int8,
}
