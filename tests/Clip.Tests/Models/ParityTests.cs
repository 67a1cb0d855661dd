using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Models;

/// <summary>
/// Reference: openai/CLIP's classes on PyTorch 2.14.1, float32, random weights. Its authors' float32 and float64 results differ by
/// up to 1e-6 of the largest magnitude, so 1e-5 for outputs is the rounding of another order of summation and no more;
/// gradients pass through twice as many operations (5e-5), and AdamW divides by their roots (1e-3).
/// </summary>
public sealed class ParityTests
{
    private const double Output = 1e-5, Gradient = 5e-5, AfterAdamW = 1e-3;

    public static TheoryData<string> VisionTransformers => ["vit_p8_i32", "vit_p14_i28"];

    [Theory]
    [MemberData(nameof(VisionTransformers))]
    public void Embeddings_and_logits_equal_the_reference(string name)
    {
        using var reference = new ReferenceModel(name);
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var (images, ids) = (reference.Inputs["images"], reference.Inputs["token_ids"]);
        Close.Relative(reference.Outputs["encode_image"], reference.Model.EncodeImage(images), Output);
        Close.Relative(reference.Outputs["encode_text"], reference.Model.EncodeText(ids), Output);
        var (logitsPerImage, logitsPerText) = reference.Model.call(images, ids);
        Close.Relative(reference.Outputs["logits_per_image"], logitsPerImage, Output);
        Close.Relative(reference.Outputs["logits_per_text"], logitsPerText, Output);
    }

    [Theory]
    [MemberData(nameof(VisionTransformers))]
    public void Every_hidden_state_equals_the_reference(string name)
    {
        using var reference = new ReferenceModel(name);
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using Trace vision = new(), text = new();
        Close.Relative(reference.Outputs["vision.ln_post"], reference.Model.Visual.Pooled(reference.Inputs["images"], vision), Output);
        reference.Model.Text.Pooled(reference.Inputs["token_ids"], text);
        foreach (string key in reference.Outputs.Names)
        {
            if (key.StartsWith("vision.hidden", StringComparison.Ordinal)) Close.Relative(
                reference.Outputs[key], vision[key["vision.".Length..]], Output);
            if (key.StartsWith("text.", StringComparison.Ordinal)) Close.Relative(
                reference.Outputs[key], text[key["text.".Length..]], Output);
        }
    }

    [Theory]
    [MemberData(nameof(VisionTransformers))]
    public void Loss_and_gradients_equal_the_reference(string name)
    {
        using var reference = new ReferenceModel(name);
        using var scope = NewDisposeScope();
        var (logits, _) = reference.Model.call(reference.Inputs["images_b4"], reference.Inputs["token_ids"]);
        var loss = ContrastiveLoss.FromLogits(logits);
        loss.backward();
        Close.Relative(reference.Outputs["logits_per_image_b4"], logits, Output);
        Close.Relative(reference.Outputs["loss"], loss, Output);
        AssertGradients(reference, "grad.", "gradient_l2_norms_b4");
    }

    [Theory]
    [MemberData(nameof(VisionTransformers))]
    public void Five_steps_of_AdamW_end_where_the_reference_ends(string name)
    {
        using var reference = new ReferenceModel(name);
        using var scope = NewDisposeScope();
        AssertAdamW(reference);
    }

    /// <summary>
    /// The same arithmetic in float64, where rounding is 1e-16 a step: 1e-12 of the largest magnitude is a few thousand of these, and a
    /// thousandth of what another formula would change.
    /// </summary>
    [Theory]
    [InlineData("vit_p8_i32")]
    [InlineData("vit_p14_i28")]
    [InlineData("rn_1111_i64")]
    public void In_float64_every_output_equals_the_references_in_float64(string name)
    {
        using var reference = new ReferenceModel(name);
        using var scope = NewDisposeScope();
        reference.Model.to(float64);
        var (images, more, ids) = (reference.Inputs["images"].to(float64), reference.Inputs["images_b4"].to(float64),
            reference.Inputs["token_ids"]);
        var (logitsPerImage, logitsPerText) = reference.Model.call(images, ids);
        var loss = ContrastiveLoss.FromLogits(reference.Model.call(more, ids).LogitsPerImage);
        loss.backward();
        var actual = new Dictionary<string, Tensor>
        {
            ["encode_image"] = reference.Model.EncodeImage(images),
            ["encode_text"] = reference.Model.EncodeText(ids),
            ["logits_per_image"] = logitsPerImage,
            ["logits_per_text"] = logitsPerText,
            ["loss"] = loss,
            ["grad.logit_scale"] = reference.Model.LogitScale.grad!,
        };
        var expected = reference.Outputs.Names.Where(key => key.EndsWith(".f64", StringComparison.Ordinal)).ToList();
        Assert.Equal(actual.Keys.Order(StringComparer.Ordinal),
            expected.Select(key => key[..^".f64".Length]).Order(StringComparer.Ordinal));
        foreach (string key in expected) Close.Relative(reference.Outputs[key], actual[key[..^".f64".Length]], 1e-12);
    }

    internal static void AssertGradients(ReferenceModel reference, string prefix, string norms, double tolerance = Gradient)
    {
        var parameters = reference.Model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        foreach (string key in reference.Outputs.Names.Where(
            k => k.StartsWith(prefix, StringComparison.Ordinal) && !k.EndsWith(".f64", StringComparison.Ordinal)))
            Close.Relative(reference.Outputs[key], parameters[key[prefix.Length..]].grad!, tolerance);

        var expected = reference.Json.GetProperty(norms).EnumerateObject().ToDictionary(n => n.Name, n => n.Value.GetDouble());
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), parameters.Keys.Order(StringComparer.Ordinal));
        foreach (var (key, norm) in expected)
            // Keys' biases shift every score of a row alike: their exact gradient is 0, and what is computed is rounding.
            Assert.True(Math.Abs(parameters[key].grad!.norm().ToDouble() - norm) <= tolerance * norm + 1e-6, key);
    }

    internal static void AssertAdamW(ReferenceModel reference)
    {
        var (model, settings) = (reference.Model, reference.Json.GetProperty("adamw"));
        var (images, ids) = (reference.Inputs["images_b4"], reference.Inputs["token_ids"]);
        using var optimizer = optim.AdamW(model.parameters(), settings.GetProperty("lr").GetDouble(), 0.9, 0.98, 1e-6, 0.2);
        double[] losses = [.. settings.GetProperty("losses_before_each_step_and_after_the_last").EnumerateArray()
            .Select(l => l.GetDouble())];
        for (int step = 0; step <= 5; step++)
        {
            optimizer.zero_grad();
            var loss = ContrastiveLoss.FromLogits(model.call(images, ids).LogitsPerImage);
            Assert.Equal(losses[step], loss.ToDouble(), AfterAdamW);
            if (step == 5) break;
            loss.backward();
            optimizer.step();
        }
        using var frozen = no_grad();
        Close.Relative(reference.Outputs["adamw.encode_image"], model.EncodeImage(images), AfterAdamW);
        Close.Relative(reference.Outputs["adamw.encode_text"], model.EncodeText(ids), AfterAdamW);
        Close.Relative(reference.Outputs["adamw.logit_scale"], model.LogitScale, AfterAdamW);
    }
}
