using A2F.Engine.Backends;
using A2F.Engine.Networks;
using A2F.Engine.Tests.Backends;
using A2F.Engine.Weights;
using A2F.Engine.Weights.Onnx;
using Xunit;

namespace A2F.Engine.Tests.Networks;

/// <summary>A diffusion fixture: its network and its recorded batches.</summary>
internal sealed class DiffusionFixture
{
    public static readonly string[] Folders = ["diff_tiny_60", "diff_tiny_30", "diff_tiny_3step", "diff_tiny_const"];

    private readonly string _folder;

    private DiffusionFixture(string name)
    {
        Name = name;
        _folder = TestData.Path($"fixtures/{name}");
        (Config, Weights) = DiffusionImporter.Import(Path.Combine(_folder, "network.onnx"));
    }

    public string Name { get; }

    public DiffusionConfig Config { get; }

    public WeightSet Weights { get; }

    public static DiffusionFixture Load(string name) => new(name);

    /// <summary>Inputs and double-precision outputs of a batch; state as [batch, steps, layers, channels], prediction of the centre frames.</summary>
    public sealed record Batch(
        int Count, float[] Window, float[] Identity, float[] Emotion, float[] State, float[] Noise, double[] Prediction, double[] NextState)
    {
        /// <summary>One item of the batch.</summary>
        public Batch Item(int i) => new(
            1, Slice(Window, i, Count), Slice(Identity, i, Count), Slice(Emotion, i, Count), Slice(State, i, Count), Slice(Noise, i, Count),
            Slice(Prediction, i, Count), Slice(NextState, i, Count));
    }

    /// <summary>The part of an item in values of a batch.</summary>
    public static T[] Slice<T>(T[] values, int index, int count) =>
        values[(index * (values.Length / count))..((index + 1) * (values.Length / count))];

    /// <summary>The batches "b1." and "b3.".</summary>
    public IEnumerable<Batch> Batches()
    {
        using NpzFile recorded = NpzFile.Open(Path.Combine(_folder, "io.npz"));
        foreach (int count in new[] { 1, 3 })
        {
            string prefix = $"b{count}.";
            float[] Floats(string name) => recorded.Read(prefix + name).ToFloat32();
            double[] prediction = recorded.Read(prefix + "prediction_f64").Data<double>().ToArray();
            int row = Config.Outputs.Total, frames = Config.FrameCount;
            double[] centre = [.. Enumerable.Range(0, count).SelectMany(
                b => prediction[((b * frames + Config.FirstFrame) * row)..((b * frames + Config.FirstFrame + Config.CentreFrames) * row)])];
            yield return new Batch(
                count, Floats("window"), Floats("identity"), Floats("emotion"), ByItem(Floats("input_latents"), count), Floats("noise"), centre,
                ByItem(recorded.Read(prefix + "output_latents_f64").Data<double>().ToArray(), count));
        }
    }

    /// <summary>[steps, layers, batch, channels] to [batch, steps, layers, channels].</summary>
    public T[] ByItem<T>(T[] values, int count)
    {
        int size = Config.GruSize, rows = Config.Steps.Count * Config.GruLayers;
        T[] result = new T[values.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int item = 0; item < count; item++) Array.Copy(values, (row * count + item) * size, result, (item * rows + row) * size, size);
        }
        return result;
    }

    /// <summary>Runs a batch whose noise is given.</summary>
    public static (float[] Prediction, float[] State) Run(DiffusionNetwork network, Batch b)
    {
        float[] prediction = new float[b.Prediction.Length], state = new float[b.NextState.Length];
        network.Run(b.Window, b.Identity, b.Emotion, b.State, b.Noise, prediction, state, b.Count);
        return (prediction, state);
    }

    /// <summary>Runs a batch to features.</summary>
    public static (float[] Features, float[] State) RunFeatures(DiffusionNetwork network, Batch b)
    {
        float[] features = new float[b.Count * network.Config.CentreFrames * network.Config.FeatureLength], state = new float[b.NextState.Length];
        network.RunFeatures(b.Window, b.Identity, b.Emotion, b.State, b.Noise, features, state, b.Count);
        return (features, state);
    }

    /// <summary>What the last layers of skin and tongue make of a batch's features, in double precision; jaw and eyes as they are.</summary>
    public double[] PredictionOf(float[] features, float[] identity, int count)
    {
        int length = Config.FeatureLength, row = Config.Outputs.Total, rows = count * Config.CentreFrames, column = 0;
        double[] prediction = new double[rows * row];
        for (int part = 0; part < 4; part++)
        {
            DiffusionHeads.Part p = DiffusionHeads.PartOf(Config, Weights, part);
            int width = part < 2 ? p.Hidden : p.Size;
            for (int r = 0; r < rows; r++)
            {
                ReadOnlySpan<float> f = features.AsSpan(r * length + column, width);
                Span<double> y = prediction.AsSpan(r * row + p.First, p.Size);
                int actor = identity.AsSpan(r / Config.CentreFrames * Config.ActorCount, Config.ActorCount).IndexOf(1f);
                for (int o = 0; o < p.Size; o++) y[o] = part < 2 ? Offset(p, part, actor, o) : f[o];
                for (int k = 0; part < 2 && k < width; k++)
                {
                    ReadOnlySpan<float> w = p.Weights.Span.Slice(k * p.Size, p.Size);
                    for (int o = 0; o < p.Size; o++) y[o] += (double)f[k] * w[o];
                }
            }
            column += width;
        }
        return prediction;
    }

    private double Offset(DiffusionHeads.Part p, int part, int actor, int output) => Config.Delta
        ? (double)p.Bias.Span[output] * Weights["scale"].Data.Span[actor * 4 + part]
        : (double)p.Bias.Span[output] + Weights["mean"].Data.Span[actor * Config.Outputs.Total + p.First + output];

    /// <summary>Compares part by part, as largest difference over largest value, and by the norm.</summary>
    public void AssertClose(Batch b, float[] prediction, float[] state, double tolerance, string what)
    {
        FaceSizes o = Config.Outputs;
        int first = 0;
        foreach ((string name, int size) in new[] { ("skin", o.Skin), ("tongue", o.Tongue), ("jaw", o.Jaw), ("eyes", o.Eyes) })
        {
            OperatorCase.AssertClose(Part(b.Prediction, first, size), Part(prediction, first, size), tolerance, $"{Name} b{b.Count} {what}, {name}");
            first += size;
        }
        OperatorCase.AssertClose(b.NextState, state, tolerance, $"{Name} b{b.Count} {what}, state");
    }

    public T[] Part<T>(T[] rows, int first, int size)
    {
        int row = Config.Outputs.Total;
        return [.. Enumerable.Range(0, rows.Length / row).SelectMany(i => rows[(i * row + first)..(i * row + first + size)])];
    }
}
