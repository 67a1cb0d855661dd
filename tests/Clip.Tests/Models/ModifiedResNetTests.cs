using ClipNotebooks.Clip.Models;
using ClipNotebooks.Clip.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Models;

/// <summary>
/// Reference: openai/CLIP's ModifiedResNet, float32, random weights. Its convolutions and batch normalisations amplify rounding: the
/// reference's own two versions of PyTorch differ by 1e-5 in places, so 5e-5 of the largest magnitude.
/// </summary>
public sealed class ModifiedResNetTests
{
    private const double Tolerance = 5e-5;

    [Fact]
    public void Embeddings_logits_and_every_stage_equal_the_reference()
    {
        using var reference = new ReferenceModel("rn_1111_i64");
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var (model, images, ids) = (reference.Model, reference.Inputs["images"], reference.Inputs["token_ids"]);
        Close.Relative(reference.Outputs["encode_image"], model.EncodeImage(images), Tolerance);
        Close.Relative(reference.Outputs["encode_text"], model.EncodeText(ids), Tolerance);
        var (logitsPerImage, logitsPerText) = model.call(images, ids);
        Close.Relative(reference.Outputs["logits_per_image"], logitsPerImage, Tolerance);
        Close.Relative(reference.Outputs["logits_per_text"], logitsPerText, Tolerance);
        using var trace = new Trace();
        ((ModifiedResNet)model.ImageTower).Features(images, trace);
        foreach (string name in new[] { "stem", "layer1", "layer2", "layer3", "layer4" })
            Close.Relative(reference.Outputs[$"vision.{name}"], trace[name], Tolerance);
    }

    [Fact]
    public void Loss_and_gradients_equal_the_reference()
    {
        using var reference = new ReferenceModel("rn_1111_i64");
        using var scope = NewDisposeScope();
        var (logits, _) = reference.Model.call(reference.Inputs["images_b4"], reference.Inputs["token_ids"]);
        var loss = ContrastiveLoss.FromLogits(logits);
        loss.backward();
        Close.Relative(reference.Outputs["logits_per_image_b4"], logits, Tolerance);
        Close.Relative(reference.Outputs["loss"], loss, Tolerance);
        ParityTests.AssertGradients(reference, "grad.", "gradient_l2_norms_b4");
    }

    [Fact]
    public void Training_mode_uses_the_batchs_statistics_and_updates_the_running_ones()
    {
        using var reference = new ReferenceModel("rn_1111_i64");
        using var scope = NewDisposeScope();
        reference.Model.train();
        var (logits, _) = reference.Model.call(reference.Inputs["images_b4"], reference.Inputs["token_ids"]);
        var loss = ContrastiveLoss.FromLogits(logits);
        loss.backward();
        Close.Relative(reference.Outputs["train.logits_per_image_b4"], logits, Tolerance);
        Close.Relative(reference.Outputs["train.loss"], loss, Tolerance);
        var state = reference.Model.state_dict();
        foreach (string key in reference.Outputs.Names.Where(k => k.StartsWith("train.visual.", StringComparison.Ordinal)))
            Close.Relative(reference.Outputs[key], state[key["train.".Length..]], Tolerance);
        ParityTests.AssertGradients(reference, "train.grad.", "train_mode_gradient_l2_norms_b4");
    }

    [Fact]
    public void Five_steps_of_AdamW_end_where_the_reference_ends()
    {
        using var reference = new ReferenceModel("rn_1111_i64");
        using var scope = NewDisposeScope();
        ParityTests.AssertAdamW(reference);
    }

    [Fact]
    public void A_forward_leaves_no_live_tensor()
    {
        using var reference = new ReferenceModel("rn_1111_i64");
        using var frozen = no_grad();
        reference.Model.EncodeImage(reference.Inputs["images"]).Dispose();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        reference.Model.EncodeImage(reference.Inputs["images"]).Dispose();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Asking_a_ResNet_for_its_Vision_Transformer_says_where_the_tower_is()
    {
        using var model = new ClipModel(ClipConfig.RN50, device("meta"));
        Assert.Contains("ImageTower", Assert.Throws<InvalidOperationException>(() => model.Visual).Message);
        Assert.Contains("Layers", Assert.Throws<ArgumentException>(
            () => (ClipConfig.RN50 with { Vision = ClipConfig.RN50.Vision with { Layers = 7 } }).Validate()).Message);
    }
}
