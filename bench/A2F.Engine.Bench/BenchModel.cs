using A2F.Engine.Backends;
using A2F.Engine.Networks;
using A2F.Engine.Runtime;
using A2F.Engine.Weights;

namespace A2F.Engine.Bench;

/// <summary>A loaded model of any kind with the inputs of a batch, also as the tensors of the ONNX file.</summary>
internal abstract class BenchModel : IDisposable
{
    protected BenchModel(string source) => Source = source;

    /// <summary>What it runs on.</summary>
    public abstract string Device { get; }

    /// <summary>Where the inputs come from.</summary>
    public string Source { get; }

    /// <summary>Inputs as the ONNX file takes them.</summary>
    public Dictionary<string, float[]> Inputs { get; } = [];

    /// <summary>Shapes of tensors that the file leaves open.</summary>
    public Dictionary<string, int[]> Shapes { get; } = [];

    /// <summary>What the last <see cref="Run"/> computed.</summary>
    public float[] Result { get; protected init; } = [];

    /// <summary>The result recorded for these inputs, computed in double precision; null for made inputs.</summary>
    public float[]? Expected { get; protected init; }

    /// <summary>One inference of the whole batch.</summary>
    public abstract void Run();

    /// <summary>The numbers of ONNX Runtime's outputs that <see cref="Result"/> has.</summary>
    public abstract float[] ResultOf(OrtSession session);

    public abstract void Dispose();

    /// <summary>Loads a model for batches of <see cref="ModelOptions.MaxBatch"/> windows.</summary>
    /// <exception cref="A2FException">The folder is no model that the engine knows.</exception>
    public static BenchModel Load(string folder, ModelOptions options)
    {
        int batch = options.MaxBatch;
        switch (ModelFolders.KindOf(folder))
        {
            case ModelKind.Regression:
                using (BenchInputs inputs = new(folder, batch, "input"))
                    return new RegressionSubject(RegressionModel.Load(folder, options), inputs, batch);
            case ModelKind.Diffusion:
                using (BenchInputs inputs = new(folder, batch, "window"))
                    return new DiffusionSubject(DiffusionModel.Load(folder, options), inputs, batch);
            default:
                using (BenchInputs inputs = new(folder, batch, "input_values"))
                {
                    int window = inputs.RecordedLength("input_values") ?? options.EmotionWindow;
                    return new EmotionSubject(EmotionModel.Load(folder, options with { EmotionWindow = window }), inputs, batch);
                }
        }
    }

    private sealed class RegressionSubject : BenchModel
    {
        private readonly RegressionModel _model;

        public RegressionSubject(RegressionModel model, BenchInputs inputs, int batch)
            : base(inputs.Source)
        {
            _model = model;
            Inputs["input"] = inputs.Audio("input", model.InputLength);
            Inputs["emotion"] = inputs.Values("emotion", model.EmotionLength);
            Expected = inputs.Recorded("result_f64", model.OutputLength);
            Result = new float[batch * model.OutputLength];
        }

        public override string Device => _model.Device;

        public override void Run() => _model.Infer(Inputs["input"], Inputs["emotion"], Result);

        public override float[] ResultOf(OrtSession session) => session.Output("result").Data.ToArray();

        public override void Dispose() => _model.Dispose();
    }

    /// <summary>
    /// A diffusion network with constant noise, as it is by default: ONNX Runtime is given the same numbers. Only the centre frames are a
    /// result.
    /// </summary>
    private sealed class DiffusionSubject : BenchModel
    {
        private readonly DiffusionModel _model;
        private readonly DiffusionConfig _config;
        private readonly int _batch;
        private readonly float[] _states, _nextStates;

        public DiffusionSubject(DiffusionModel model, BenchInputs inputs, int batch)
            : base($"{inputs.Source}, constant noise")
        {
            DiffusionConfig c = _config = model.Config;
            (_model, _batch) = (model, batch);
            int slice = c.FrameCount * c.Outputs.Total, slices = c.Steps.Count + 1, latents = c.Steps.Count * c.GruLayers;
            float[] identity = new float[_batch * c.ActorCount];
            for (int i = 0; i < _batch; i++) identity[i * c.ActorCount + i % c.ActorCount] = 1;
            float[] noise = new float[_batch * slices * slice];
            for (int i = 0; i < _batch; i++) NormalNoise.Fill(0, 0, 0, noise.AsSpan(i * slices * slice, slices * slice));
            _states = new float[_batch * c.StateLength];
            _nextStates = new float[_states.Length];
            Inputs["window"] = inputs.Audio("window", c.WindowLength);
            Inputs["identity"] = identity;
            Inputs["emotion"] = inputs.Values("emotion", model.EmotionVectors * c.EmotionCount);
            Inputs["input_latents"] = new float[_states.Length];
            Inputs["noise"] = noise;
            Shapes["input_latents"] = Shapes["output_latents"] = [c.Steps.Count, c.GruLayers, _batch, c.GruSize];
            Shapes["prediction"] = [_batch, c.FrameCount, c.Outputs.Total];
            Shapes["noise"] = [_batch, slices, c.FrameCount, c.Outputs.Total];
            Result = new float[_batch * c.CentreFrames * c.Outputs.Total];
        }

        public override string Device => _model.Device;

        public override void Run() =>
            _model.Infer(Inputs["window"], Inputs["identity"], Inputs["emotion"], _states, [], Result, _nextStates);

        public override float[] ResultOf(OrtSession session)
        {
            int row = _config.Outputs.Total, centre = _config.CentreFrames * row;
            float[] result = new float[Result.Length];
            for (int i = 0; i < _batch; i++)
            {
                session.Output("prediction").Data.Slice((i * _config.FrameCount + _config.FirstFrame) * row, centre)
                    .CopyTo(result.AsSpan(i * centre));
            }
            return result;
        }

        public override void Dispose() => _model.Dispose();
    }

    private sealed class EmotionSubject : BenchModel
    {
        private readonly EmotionModel _model;

        public EmotionSubject(EmotionModel model, BenchInputs inputs, int batch)
            : base(inputs.Source)
        {
            _model = model;
            Inputs["input_values"] = inputs.Audio("input_values", _model.WindowLength);
            Shapes["input_values"] = [batch, _model.WindowLength];
            Expected = inputs.Recorded("output_f64", _model.Labels);
            Result = new float[batch * _model.Labels];
        }

        public override string Device => _model.Device;

        public override void Run() => _model.Infer(Inputs["input_values"], Result);

        public override float[] ResultOf(OrtSession session) => session.Output("output").Data.ToArray();

        public override void Dispose() => _model.Dispose();
    }
}
