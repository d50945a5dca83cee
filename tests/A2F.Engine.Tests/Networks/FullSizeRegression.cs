using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Tests.Networks;

/// <summary>The regression network in the size that NVIDIA ships, with zeros for weights: to plan it, not to run it.</summary>
internal static class FullSizeRegression
{
    private const int Dim = 768, FeedForward = 3072, Width = 512, Channels = 256, Implicit = 16, Emotions = 10, Embedding = 8, Layers = 1;

    public static RegressionConfig Config { get; } = new(
        8320, Implicit, Emotions, Embedding, Channels, 1.4142135f, [.. Enumerable.Repeat(new ConvShape(3, 2, 1), 4)], 272, 10, 15, 4,
        new Wav2VecConfig(
            [new(10, 5, 0), new(3, 2, 0), new(3, 2, 0), new(3, 2, 0), new(3, 2, 0), new(2, 2, 0), new(2, 2, 0)],
            Width, Dim, FeedForward, 12, Layers, 128, 16, 1e-5f, 1e-5f),
        new AutoCorrelationConfig(25, 640, 320, 32, 8.9f, 1 / 640f, [.. Enumerable.Repeat(new ConvShape(3, 2, 1), 4), new(2, 1, 0)]));

    public static WeightSet Weights()
    {
        WeightSet set = new();
        void Add(string name, params int[] shape) => set.Add(name, new float[shape.Aggregate(1, (a, b) => a * b)], shape);
        void Linear(string name, int from, int to)
        {
            Add(name + ".weight", from, to);
            Add(name + ".bias", to);
        }
        void Norm(string name, int size)
        {
            Add(name + ".weight", size);
            Add(name + ".bias", size);
        }
        Wav2VecConfig w2v = Config.Wav2Vec!;
        for (int i = 0; i < w2v.Convs.Count; i++) Add($"w2v.conv{i}.weight", w2v.Convs[i].Kernel, i == 0 ? 1 : Width, Width);
        Norm("w2v.conv0.norm", Width);
        Norm("w2v.projection.norm", Width);
        Linear("w2v.projection", Width, Dim);
        Add("w2v.position.weight", w2v.PositionKernel, Dim / w2v.PositionGroups, Dim);
        Add("w2v.position.bias", Dim);
        Norm("w2v.norm", Dim);
        for (int i = 0; i < Layers; i++)
        {
            Linear($"w2v.layer{i}.qkv", Dim, 3 * Dim);
            Linear($"w2v.layer{i}.attention_out", Dim, Dim);
            Norm($"w2v.layer{i}.norm1", Dim);
            Linear($"w2v.layer{i}.ff1", Dim, FeedForward);
            Linear($"w2v.layer{i}.ff2", FeedForward, Dim);
            Norm($"w2v.layer{i}.norm2", Dim);
        }
        Add("w2v.layer_mix", Layers);
        Linear("w2v.mapping", Dim, Channels);
        Add("autocorrelation.taper", 640);
        int[] frequencies = [1, 72, 108, 162, 243, Channels];
        for (int i = 0; i < 5; i++)
        {
            Add($"frequency{i + 1}.weight", Config.AutoCorrelation!.Convs[i].Kernel, frequencies[i], frequencies[i + 1]);
            Add($"frequency{i + 1}.bias", frequencies[i + 1]);
        }
        const int Joint = Channels + Implicit + Embedding, Frames = 2;
        Linear("emotion", Emotions, Embedding);
        for (int i = 0; i < 4; i++)
        {
            Add($"time{i + 1}.weight", 3, i == 0 ? 2 * Channels : Joint, Channels);
            Add($"time{i + 1}.bias", Channels);
        }
        Linear("fusion", Frames * Joint, Channels);
        Linear("face1", Joint, 291);
        Linear("face2", 291, 291);
        Linear("tongue1", Joint, 10);
        Linear("tongue2", 10, 10);
        return set;
    }
}
