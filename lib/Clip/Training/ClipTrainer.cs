using System.Globalization;
using System.Text.Json;
using ClipNotebooks.Clip.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Training;

/// <summary>
/// Trains a <see cref="ClipModel"/> with the symmetric contrastive loss (paper, section 2.3 and figure 3). The model stays the caller's.
/// The result depends only on the options, the initial weights and the batch of each step: a run that is interrupted and resumed from its
/// checkpoint ends with the same weights. Not thread-safe.
/// </summary>
public sealed class ClipTrainer : IDisposable
{
    private const string Magic = "CLIPTRAINER2";

    private readonly ClipModel _model;
    private readonly TrainerOptions _options;
    private readonly IReadOnlyList<Parameter> _besides, _trained;
    private readonly AdamW _optimizer;
    private readonly double[] _factors;
    private readonly WorkingCopy? _copy;
    private readonly nn.Module[] _still;
    private readonly Tensor[] _statistics;

    /// <summary>A trainer at step 0.</summary>
    /// <param name="model">
    /// The model to train, on its device, in float32; parameters that require no gradient stay unchanged, and so do the running statistics
    /// of a batch normalisation of which no parameter requires a gradient.
    /// </param>
    /// <param name="options">How to train it.</param>
    /// <param name="besides">
    /// Parameters to train besides the model's own, such as <c>LowRankAdapters.Parameters</c>; they stay the caller's.
    /// </param>
    /// <exception cref="ArgumentException">An option is out of its range, or nothing is left to train.</exception>
    /// <exception cref="InvalidOperationException">
    /// The model has low-rank adapters that are not merged, and is to be trained in another type than float32.
    /// </exception>
    public ClipTrainer(ClipModel model, TrainerOptions options, IReadOnlyList<Parameter>? besides = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (options.ChunkSize > 0
            && model.Config.Vision is { Stages: not null } or { Convolutional: FastVitConfig } or { Stem: PatchStem.Convolutions })
            throw new ArgumentException("TrainerOptions.ChunkSize is set, and the image tower has batch normalisation, as a " +
                "ModifiedResNet: that would see chunks instead of batches, and the gradient would be another one.", nameof(options));
        _model = model;
        _options = options;

        _besides = besides ?? [];
        if (_besides.Count > 0 && options.ComputeType != ScalarType.Float32)
            throw new ArgumentException($"TrainerOptions.ComputeType is {options.ComputeType}, and parameters besides the model's are " +
                "trained: these have no copy in another type. Train them in float32.", nameof(besides));
        if (options.ComputeType != ScalarType.Float32) model.RequireMerged($"its copy in {options.ComputeType}");
        var own = model.named_parameters().Where(pair => pair.parameter.requires_grad).ToList();
        _trained = [.. own.Select(pair => pair.parameter), .. _besides];
        if (_trained.Count == 0)
            throw new ArgumentException("Every parameter of the model is frozen: there is nothing to train.", nameof(model));

        // Gains, biases and the logit scale are not decayed, as in OpenCLIP: they have fewer than two dimensions.
        var groups = own.Select(pair => (Parameter: pair.parameter, Factor: LayerDecay.Factor(pair.name, model.Config, options.LayerDecay)))
            .Concat(_besides.Select(parameter => (Parameter: parameter, Factor: 1.0)))
            .GroupBy(item => (Decays: item.Parameter.dim() >= 2, item.Factor)).OrderByDescending(group => group.Key).ToList();
        _factors = [.. groups.Select(group => group.Key.Factor)];
        _optimizer = new AdamW(
            [.. groups.Select(group => Group(group.Select(item => item.Parameter), group.Key.Decays ? options.WeightDecay : 0))],
            options.LearningRate, options.Beta1, options.Beta2, options.Epsilon, options.WeightDecay, false, false);
        if (options.ComputeType != ScalarType.Float32) _copy = new WorkingCopy(model, options.ComputeType);
        var norms = (_copy?.Model ?? model).modules().OfType<BatchNorm2d>()
            .ToLookup(norm => norm.parameters().All(parameter => !parameter.requires_grad));
        (_still, _statistics) = ([.. norms[true]], [.. norms[false].SelectMany(norm => norm.buffers())]);
    }

    /// <summary>Optimizer steps done so far.</summary>
    public long Step { get; private set; }

    /// <summary>Runs from <see cref="Step"/> to the end of the schedule, drawing batch k for step k.</summary>
    /// <param name="batches">
    /// The batch of a step (from 0): a function of the step alone, so that a run can be resumed. Each is disposed after use.
    /// </param>
    /// <param name="progress">Receives every step.</param>
    /// <param name="cancellationToken">Ends the run after the current step; <see cref="Save"/> can then store it.</param>
    /// <exception cref="OperationCanceledException">The run was cancelled between two steps.</exception>
    public void Train(Func<long, TrainingBatch> batches, IProgress<TrainingStep>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batches);
        if (Step >= _options.Steps) return;

        while (Step < _options.Steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var batch = batches(Step);
            var done = TrainStep(batch);
            progress?.Report(done);
        }
    }

    /// <summary>One optimizer step on one batch: loss, gradient, clipping, AdamW, clamping of the scale.</summary>
    /// <exception cref="ArgumentException">
    /// The batch's tensors do not fit each other or the model, or the teacher's embeddings are missing.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// The loss or its gradient is not finite; the weights and the statistics of batch normalisation are left as before the step.
    /// </exception>
    public TrainingStep TrainStep(TrainingBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using var _ = new NoCollection();
        return Update(batch);
    }

    private TrainingStep Update(TrainingBatch batch)
    {
        if (batch.Pixels.shape[0] != batch.TokenIds.shape[0])
            throw new ArgumentException($"The batch has {batch.Pixels.shape[0]} images and {batch.TokenIds.shape[0]} captions; each " +
                $"image needs its caption.");

        using var scope = NewDisposeScope();
        (_copy?.Model ?? _model).train();
        foreach (var frozen in _still) frozen.eval();
        double rate = _options.LearningRateAt(Step);
        foreach (var (group, factor) in _optimizer.ParamGroups.Zip(_factors)) group.LearningRate = rate * factor;

        var (value, norm) = Gradient(batch, rate);
        _optimizer.step();
        _copy?.HandOnStatistics();
        using (no_grad()) _model.LogitScale.clamp_(0, Math.Log(_options.MaxScale));

        Step++;
        return new TrainingStep(Step, value, Math.Exp(_model.LogitScale.ToDouble()), rate, norm);
    }

    /// <summary>
    /// Computes the loss and its clipped gradient, and checks that both are finite. If that fails, the statistics of batch normalisation
    /// are what they were: the forward has by then averaged the batch's into them.
    /// </summary>
    private (double Loss, double Norm) Gradient(TrainingBatch batch, double rate)
    {
        using var scope = NewDisposeScope();
        Tensor[] before = [.. _statistics.Select(values => values.clone())];
        _optimizer.zero_grad();
        try
        {
            double value = Backward(batch);
            if (!double.IsFinite(value))
            {
                throw new InvalidOperationException($"The loss of step {Step + 1} is {value}: the learning rate ({rate:g3}) is too " +
                    $"high, or the batch holds values that are not numbers.");
            }
            double norm = nn.utils.clip_grad_norm_(_trained, _options.MaxGradientNorm);
            if (!double.IsFinite(norm))
            {
                throw new InvalidOperationException(
                    $"The gradient of step {Step + 1} has the length {norm}: the learning rate ({rate:g3}) is too high.");
            }
            return (value, norm);
        }
        catch
        {
            using var _ = no_grad();
            foreach (var (values, former) in _statistics.Zip(before)) values.copy_(former);
            throw;
        }
    }

    /// <summary>Computes the loss of the batch, and stores its gradient in the weights.</summary>
    private double Backward(TrainingBatch batch)
    {
        using var scope = NewDisposeScope();
        _copy?.Take();
        var towers = _copy?.Model ?? _model;
        Tensor loss;
        if (_options.ChunkSize > 0)
            loss = GradientCache.Backward(towers, batch.Pixels, batch.TokenIds, _model.LogitScale, _options.ComputeType,
                _options.ChunkSize);
        else
        {
            var (image, text) = (GradientCache.Unit(towers.EncodeImage(batch.Pixels.to(_options.ComputeType))),
                GradientCache.Unit(towers.EncodeText(batch.TokenIds)));
            loss = Loss(image, text, batch.Teacher);
            loss.backward();
        }
        _copy?.HandOnGradient();
        return loss.ToDouble();
    }

    private Tensor Loss(Tensor image, Tensor text, TeacherEmbeddings? teacher)
    {
        var own = ContrastiveLoss.WithLogitScale(image, text, _model.LogitScale);
        if (_options.Distillation == 0) return own;
        if (teacher is null) throw new ArgumentException(
            "TrainerOptions.Distillation is set, and the batch has no embeddings of a teacher: give TrainingBatch.Teacher.");
        double share = _options.Distillation;
        return own.Times(1 - share).Plus(DistillationLoss.Affinity(image, text, _model.LogitScale, teacher).Times(share));
    }

    /// <summary>
    /// Writes weights, optimizer state, step and the state of torch's random number generator to one file with a checksum, from which
    /// <see cref="Resume"/> continues to the same result. The file is first written beside its destination, then renamed: an interrupted
    /// write leaves the former file intact.
    /// </summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        TrainingFile.Write(full, writer =>
        {
            writer.Write(Magic);
            var header = new Header(Step, Fingerprint(CultureInfo.InvariantCulture), Frozen());
            writer.Write(JsonSerializer.Serialize(header));
            _model.save(writer);
            foreach (var parameter in _besides) parameter.Save(writer);
            _optimizer.save_state_dict(writer);
            using var randomState = Generator.Default.get_state();
            writer.Write((int)randomState.numel());
            writer.Write(randomState.bytes);
        });
    }

    /// <summary>Continues from a file that <see cref="Save"/> wrote under the same options for the same model.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is not a trainer's checkpoint, is damaged or cut short, or belongs to another run; the trainer is then unchanged.
    /// </exception>
    public void Resume(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no checkpoint to resume from at {path}.", path);
        try
        {
            using var reader = TrainingFile.Open(path);
            if (reader.ReadString() != Magic) throw new InvalidDataException("it does not begin as a trainer's checkpoint does");
            var header = JsonSerializer.Deserialize<Header>(reader.ReadString()) ?? throw new InvalidDataException("its header is empty");
            RequireSameRun(header);
            _model.load(reader);
            _copy?.TakeAll();
            foreach (var parameter in _besides) parameter.Load(reader);
            _optimizer.load_state_dict(reader);
            using var randomState = tensor(reader.ReadBytes(reader.ReadInt32()));
            Generator.Default.set_state(randomState);
            Step = header.Step;
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or JsonException or FormatException
            or ArgumentException)
        {
            throw new InvalidDataException($"{path} cannot be resumed from: {exception.Message}.", exception);
        }
    }

    /// <summary>
    /// Refuses the checkpoint of another run before anything is loaded from it: the weights come first in the file, and what does not fit
    /// the optimizer would be noticed only when they are overwritten.
    /// </summary>
    private void RequireSameRun(Header header)
    {
        // Older checkpoints have the decimal comma of their writer's language.
        string own = Fingerprint(CultureInfo.InvariantCulture);
        if (header.Fingerprint != own && header.Fingerprint != Fingerprint(CultureInfo.CurrentCulture))
            throw new InvalidDataException($"it belongs to another run: it was saved with {header.Fingerprint}, this run has {own}");
        if (header.Frozen is not { } there) return; // an older checkpoint, which does not say
        string[] here = Frozen();
        var differences = there.Except(here).Select(name => $"{name} is frozen only there")
            .Concat(here.Except(there).Select(name => $"{name} is frozen only here")).ToList();
        if (differences.Count == 0) return;
        string more = differences.Count > 3 ? $", and {differences.Count - 3} more differ" : "";
        throw new InvalidDataException($"it belongs to another run, which trained other parameters: " +
            $"{string.Join(", ", differences.Take(3))}{more}. Freeze the same ones");
    }

    /// <summary>The model's parameters that stay unchanged.</summary>
    private string[] Frozen() => [.. _model.named_parameters().Where(pair => !pair.parameter.requires_grad).Select(pair => pair.name)];

    /// <summary>Frees the optimizer's state; the model is not disposed.</summary>
    public void Dispose()
    {
        _optimizer.Dispose();
        _copy?.Dispose();
    }

    /// <summary>What a run is known by. Records write their numbers as the current culture does, so that it is set for the while.</summary>
    private string Fingerprint(CultureInfo culture)
    {
        var current = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = culture;
        try
        {
            return $"{_options}, {_model.Config}" + (_besides.Count == 0 ? ""
                : $", besides {string.Join(", ", _besides.Select(parameter => $"({string.Join(" × ", parameter.shape)})"))}");
        }
        finally
        {
            CultureInfo.CurrentCulture = current;
        }
    }

    private static AdamW.ParamGroup Group(IEnumerable<Parameter> parameters, double weightDecay) =>
        new(parameters, new AdamW.Options { weight_decay = weightDecay });

    /// <param name="Step">Steps done.</param>
    /// <param name="Fingerprint">The options and the model's shape.</param>
    /// <param name="Frozen">The parameters that stay unchanged; null in an older checkpoint.</param>
    private sealed record Header(long Step, string Fingerprint, string[]? Frozen = null);
}
