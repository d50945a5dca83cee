using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Tests.Networks;

/// <summary>Weights of the right shapes for a regression network of any size with both branches.</summary>
internal static class RegressionWeights
{
    /// <summary>A complete set.</summary>
    /// <param name="config">Sizes.</param>
    /// <param name="frequencyChannels">Channels of the frequency convolutions but the last.</param>
    /// <param name="values">Makes the values of a tensor from its name and length.</param>
    public static WeightSet Make(RegressionConfig config, int[] frequencyChannels, Func<string, int, float[]> values)
    {
        WeightSet set = new();
        void Add(string name, params int[] shape) => set.Add(name, values(name, shape.Aggregate(1, (a, b) => a * b)), shape);
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
        AddEncoder(config.Wav2Vec!, config.Channels, Add, Linear, Norm);

        AutoCorrelationConfig correlation = config.AutoCorrelation!;
        Add("autocorrelation.taper", correlation.WindowLength);
        int[] channels = [1, .. frequencyChannels, config.Channels];
        for (int i = 0; i < correlation.Convs.Count; i++)
        {
            Add($"frequency{i + 1}.weight", correlation.Convs[i].Kernel, channels[i], channels[i + 1]);
            Add($"frequency{i + 1}.bias", channels[i + 1]);
        }

        int joint = config.Channels + config.ImplicitLength + config.EmotionEmbedding, frames = correlation.Windows;
        Linear("emotion", config.EmotionCount, config.EmotionEmbedding);
        for (int i = 0; i < config.TimeConvs.Count; i++)
        {
            ConvShape shape = config.TimeConvs[i];
            Add($"time{i + 1}.weight", shape.Kernel, i == 0 ? 2 * config.Channels : joint, config.Channels);
            Add($"time{i + 1}.bias", config.Channels);
            frames = (frames + 2 * shape.Padding - shape.Kernel) / shape.Stride + 1;
        }
        int face = config.SkinSize + config.JawSize + config.EyesSize;
        Linear("fusion", frames * joint, config.Channels);
        Linear("face1", joint, face);
        Linear("face2", face, face);
        Linear("tongue1", joint, config.TongueSize);
        Linear("tongue2", config.TongueSize, config.TongueSize);
        return set;
    }

    private static void AddEncoder(
        Wav2VecConfig w2v, int channels, Action<string, int[]> add, Action<string, int, int> linear, Action<string, int> norm)
    {
        for (int i = 0; i < w2v.Convs.Count; i++) add($"w2v.conv{i}.weight", [w2v.Convs[i].Kernel, i == 0 ? 1 : w2v.Channels, w2v.Channels]);
        norm("w2v.conv0.norm", w2v.Channels);
        norm("w2v.projection.norm", w2v.Channels);
        linear("w2v.projection", w2v.Channels, w2v.Dim);
        add("w2v.position.weight", [w2v.PositionKernel, w2v.Dim / w2v.PositionGroups, w2v.Dim]);
        add("w2v.position.bias", [w2v.Dim]);
        norm("w2v.norm", w2v.Dim);
        for (int i = 0; i < w2v.Layers; i++)
        {
            linear($"w2v.layer{i}.qkv", w2v.Dim, 3 * w2v.Dim);
            linear($"w2v.layer{i}.attention_out", w2v.Dim, w2v.Dim);
            norm($"w2v.layer{i}.norm1", w2v.Dim);
            linear($"w2v.layer{i}.ff1", w2v.Dim, w2v.FeedForward);
            linear($"w2v.layer{i}.ff2", w2v.FeedForward, w2v.Dim);
            norm($"w2v.layer{i}.norm2", w2v.Dim);
        }
        add("w2v.layer_mix", [w2v.Layers]);
        linear("w2v.mapping", w2v.Dim, channels);
    }
}
