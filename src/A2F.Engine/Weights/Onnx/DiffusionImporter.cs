using A2F.Engine.Networks;

namespace A2F.Engine.Weights.Onnx;

/// <summary>Imports a diffusion network from an ONNX file. See docs/onnx-import.md.</summary>
internal static class DiffusionImporter
{
    /// <summary>Reads, checks and converts a network.</summary>
    /// <exception cref="A2FException">The file is unreadable or no diffusion network; the message names the first difference.</exception>
    public static (DiffusionConfig Config, WeightSet Weights) Import(string onnxPath) => Convert(OnnxGraph.Load(onnxPath));

    /// <summary>Converts a graph that is already in memory.</summary>
    public static (DiffusionConfig Config, WeightSet Weights) Convert(OnnxGraph graph)
    {
        DiffusionLayers layers = new DiffusionMatcher(graph).Match();
        DiffusionStepLayers shared = layers.Steps[0].Layers;
        WeightSet sharedWeights = shared.Shared();
        DiffusionConfig config = Configure(layers, graph);
        var weights = new WeightSet();
        EncoderWeights.Add(weights, layers.Encoder);
        foreach (string name in sharedWeights.Names)
        {
            WeightTensor tensor = sharedWeights[name];
            if (name == "time.bias")
            {
                float[] rows = [.. layers.Steps.SelectMany(s => s.Layers.TimeRow)];
                weights.Add("time.weight", rows, layers.Steps.Count, tensor.Shape[0]);
            }
            weights.Add(name, tensor.Data, tensor.Shape);
        }
        if (layers.Scale is { } scale) weights.Add("scale", scale, config.ActorCount, 4);
        return (config, weights);
    }

    private static DiffusionConfig Configure(DiffusionLayers layers, OnnxGraph graph)
    {
        DiffusionStepLayers s = layers.Steps[0].Layers;
        var schedule = new NoiseSchedule(s.TotalSteps, layers.Steps.Count);
        DiffusionStep[] steps = [.. layers.Steps.Select(step => step.Layers.Slice).Select(i => new DiffusionStep(
            schedule.TimeSteps[i], i, (float)schedule.Prediction[i], (float)schedule.Previous[i], (float)schedule.Noise[i]))];
        FaceSizes features = s.Geometry.Features;
        (string What, int Expected, int Found)[] sizes =
        [
            ("inputs of the geometry token's first layer", features.Total, s.Geometry.First.In),
            ("outputs of the geometry token's first layer", features.Total, s.Geometry.First.Out),
            ("identities", s.ActorCount, s.Mean.Length / s.Outputs.Total),
            ("identities of the scale", s.ActorCount * 4, layers.Scale?.Length ?? s.ActorCount * 4),
        ];
        foreach ((string what, int expected, int found) in sizes)
        {
            if (expected != found)
                throw graph.Error(A2FErrorCode.InvalidModel, $"not a diffusion network: expected {expected} {what}, found {found}");
        }
        return new DiffusionConfig(
            EncoderWeights.Configure(layers.Encoder, graph), layers.WindowLength, layers.FrameCount, layers.FirstFrame, layers.CentreFrames,
            s.Audio.Rows, s.Audio.Projection.Out, s.Outputs, features,
            new FaceSizes(s.Heads[0].Out, s.Heads[2].Out, s.Heads[4].Out, s.Heads[6].Out), s.Geometry.Second.Out,
            s.ActorCount, s.Actor.Length / s.ActorCount, s.EmotionCount, s.Emotion.Length / s.EmotionCount, s.EmotionPerFrame,
            s.TimeBias.Length, s.Gru.Count, s.Gru[0].State.In, layers.Scale is not null, steps);
    }
}
