using ClipNotebooks.Core.Images;
using ClipNotebooks.Core.Text;
using ClipNotebooks.Workbook.Scenes;
using ClipNotebooks.Workbook.Training;

namespace ClipNotebooks.Workbook.Tests.Training;

public sealed class SceneBatchesTests
{
    private static readonly ClipTokenizer Tokenizer =
        ClipTokenizer.Load(Path.Combine(Lesson.Data, "models", "tiny-clip"), TinyClip.ContextLength);

    private static SceneBatches Batches(int seed) => new(Tokenizer, new ClipImageTransform(TinyClip.Transform), 16, seed);

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void A_batch_is_a_function_of_seed_and_step(long step)
    {
        using var batch = Batches(1).Batch(step);
        using var again = Batches(1).Batch(step);
        using var other = Batches(2).Batch(step);
        Assert.True(batch.Pixels.allclose(again.Pixels, rtol: 0, atol: 0));
        Assert.Equal(batch.TokenIds.data<long>(), again.TokenIds.data<long>());
        Assert.False(batch.Pixels.shape[0] == other.Pixels.shape[0] && batch.Pixels.allclose(other.Pixels));
    }

    [Fact]
    public void One_step_in_four_holds_captions_and_the_others_name_each_concept_once()
    {
        string[] concepts = [.. SyntheticScenes.Concepts.Order(StringComparer.Ordinal)];
        for (long step = 0; step < 8; step++)
        {
            using var batch = Batches(1).Batch(step);
            string[] captions = [.. Enumerable.Range(0, (int)batch.TokenIds.shape[0])
                .Select(row => Tokenizer.Decode(batch.TokenIds[row].data<long>().Select(id => (int)id)))];
            if (step % 4 == 0) Assert.Equal(16, captions.Length);
            else
                Assert.Equal(concepts, captions.Select(Concept).Order(StringComparer.Ordinal));
        }

        // The longest concept in the caption: "house" is not "lighthouse".
        string Concept(string caption) => concepts.Where(concept => caption.Contains(concept, StringComparison.Ordinal))
            .MaxBy(concept => concept.Length) ?? caption;
    }
}
