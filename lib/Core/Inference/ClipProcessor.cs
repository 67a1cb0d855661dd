using ClipNotebooks.Core.Hub;
using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Text;

namespace ClipNotebooks.Core.Inference;

/// <summary>
/// Prepares a model's inputs, pixels from images and token ids from captions, as its folder specifies (Hugging Face's
/// <c>CLIPProcessor</c>). Thread-safe.
/// </summary>
/// <param name="transform">From an image to (3, R, R) normalised values.</param>
/// <param name="tokenizer">From a caption to token ids.</param>
public sealed class ClipProcessor(ClipImageTransform transform, ITokenizer tokenizer)
{
    /// <summary>The image transform.</summary>
    public ClipImageTransform Transform { get; } = transform;

    /// <summary>The tokenizer.</summary>
    public ITokenizer Tokenizer { get; } = tokenizer;

    /// <summary>
    /// Reads a folder's tokenizer (<see cref="TokenizerFolder"/>) and its image transform: from preprocessor_config.json; if that is
    /// missing, from <c>image_processor</c> in processor_config.json, which transformers 5 saves instead; for an OpenCLIP model from
    /// open_clip_config.json.
    /// </summary>
    /// <param name="idOrFolder">A model's folder, or a Hub id.</param>
    /// <param name="contextLength">The longest token row that the model takes.</param>
    /// <param name="imageSize">
    /// R, the side in pixels of the images that the model takes; the folder's image size is checked against it. Null: not checked.
    /// </param>
    /// <exception cref="FileNotFoundException">A file of the image transform or the tokenizer is missing.</exception>
    /// <exception cref="InvalidDataException">One of them is damaged, or makes images of another size; the message says where.</exception>
    /// <exception cref="CheckpointException">
    /// A configuration is damaged, or OpenCLIP's asks for an unknown cleaning of captions.
    /// </exception>
    /// <exception cref="HubException">The model of a Hub id is not in the cache and cannot be downloaded.</exception>
    /// <exception cref="NotSupportedException">
    /// The tokenizer's file asks for something unsupported; the message names its key.
    /// </exception>
    public static ClipProcessor FromPretrained(string idOrFolder, int contextLength = 77, int? imageSize = null)
    {
        string folder = HuggingFaceHub.Resolve(idOrFolder);
        string config = TransformFile(folder), openClip = Path.Combine(folder, CheckpointFolder.OpenClipConfigName);
        bool isOpenClip = !File.Exists(config) && File.Exists(openClip);
        var tokenizer = isOpenClip
            ? TokenizerChoice.OpenClip(folder, openClip, contextLength)
            : TokenizerChoice.HuggingFace(folder, contextLength);
        string recipe = isOpenClip ? openClip : config;
        var transform = ImageTransformConfig.Load(recipe, imageSize);
        if (transform.Patches is null && imageSize is { } side && transform.Size != side)
        {
            string key = isOpenClip ? "preprocess_cfg.size" : transform.CenterCrop && transform.ResizeMode == ResizeMode.Shortest
                ? "crop_size" : "size";
            string model = CheckpointFolder.ConfigIn(folder) is { } file
                ? $"{file} (\"{(CheckpointFolder.IsOpenClips(file) ? "vision_cfg" : "vision_config")}.image_size\")" : "the weights";
            throw new InvalidDataException(
                $"{recipe} (\"{key}\") makes images of {transform.Size} pixels a side, and the model takes {side}, as {model} says. " +
                "Take both files from the same model and revision.");
        }
        return new ClipProcessor(new ClipImageTransform(transform), tokenizer);
    }

    /// <summary>Whether a folder has the files that <see cref="FromPretrained"/> reads; they may be damaged.</summary>
    public static bool IsIn(string folder) => TokenizerFolder.IsIn(folder)
        && (File.Exists(TransformFile(folder)) || File.Exists(Path.Combine(folder, CheckpointFolder.OpenClipConfigName)));

    /// <summary>Older folders have a processor_config.json too, which names a class and has no image processor.</summary>
    private static string TransformFile(string folder)
    {
        string older = Path.Combine(folder, "preprocessor_config.json"), newer = Path.Combine(folder, "processor_config.json");
        return !File.Exists(older) && File.Exists(newer) && ImageTransformConfig.IsNested(newer) ? newer : older;
    }
}
