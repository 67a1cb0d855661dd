using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Workbook.Views;
using static TorchSharp.torch;

namespace ClipNotebooks.Workbook.Tests.Views;

public sealed class CheckpointTableTests
{
    [Fact]
    public void Blocks_share_a_row_that_counts_their_tensors_and_bytes() => Assert.Equal(
        [
            "Weights: 4 tensors, 1,224 bytes",
            "tensor                 shape   dtype    tensors  bytes",
            "text.{0…1}.fc1.weight  (2, 3)  float32        2     48",
            "text.1.fc2.weight      (2, 3)  float32        1     24",
            "logit_scale            ()      float16        1  1,152",
        ],
        new CheckpointTable(
            [Entry("text.0.fc1.weight", 24, 2, 3), Entry("text.1.fc1.weight", 24, 2, 3), Entry("text.1.fc2.weight", 24, 2, 3),
                new("logit_scale", ScalarType.Float16, [], 0, 1152)],
            "Weights").ToText().Split(Environment.NewLine));

    [Fact]
    public void Blocks_of_another_shape_have_a_row_of_their_own() =>
        Assert.Equal(2 + 2, new CheckpointTable([Entry("a.0.w", 8, 2), Entry("a.1.w", 12, 3)], "Weights").ToText()
            .Split(Environment.NewLine).Length);

    private static SafetensorsEntry Entry(string name, long bytes, params long[] shape) => new(name, ScalarType.Float32, shape, 0, bytes);
}
