using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Clip.Models;
using ClipNotebooks.Core.Hub;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Families;

/// <summary>
/// What loading takes beside the model itself: each tensor is read straight into its place, but those that are transposed on the way, one
/// at a time. <c>LoadingTests</c> measure the memory of full sizes in the long form.
/// </summary>
public sealed class FamilyLoadingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("loading").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(FamilyTests.Models), MemberType = typeof(FamilyTests))]
    public void Only_projections_that_are_transposed_pass_through_a_copy(string name)
    {
        using var family = FamilyCase.Write(name, _folder);
        var found = CheckpointFolder.Find(_folder);
        var config = found.Read()!;
        using var weights = new Reads(found.Open());
        var names = ModelNames.In(weights, ModelNames.Of(config, ParameterNames.Detect(weights.Names)!.Value));
        using var model = ClipCheckpoint.Fill(new ClipModel(config, META), "", weights, names, null, null);
        Assert.All(weights.Copied, key => Assert.Matches("(projection|[.]proj)[.]weight$", key));
        Assert.Equal(weights.Copied.Distinct().Count(), weights.Copied.Count);
        var every = model.state_dict().Keys.SelectMany(key => names(key).Sources).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(every.Order(StringComparer.Ordinal), weights.Copied.Concat(weights.InPlace).Order(StringComparer.Ordinal));
    }

    /// <summary>A file that notes which of its tensors are read how.</summary>
    private sealed class Reads(IWeightFile file) : IWeightFile
    {
        internal List<string> Copied { get; } = [];

        internal List<string> InPlace { get; } = [];

        public string Path => file.Path;

        public IReadOnlyCollection<string> Names => file.Names;

        public bool Contains(string name) => file.Contains(name);

        public IReadOnlyList<long> Shape(string name) => file.Shape(name);

        public Tensor Read(string name)
        {
            Copied.Add(name);
            return file.Read(name);
        }

        public void ReadInto(string name, Tensor destination)
        {
            InPlace.Add(name);
            Assert.True(destination.is_contiguous(), $"{name} is read into a place that is not in one piece, and so copied on the way.");
            file.ReadInto(name, destination);
        }

        public void Dispose() => file.Dispose();
    }
}
