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
        MadeWeights made = new(values);
        made.Encoder(config.Wav2Vec!);
        made.Add("w2v.layer_mix", config.Wav2Vec!.Layers);
        made.Linear("w2v.mapping", config.Wav2Vec.Dim, config.Channels);

        AutoCorrelationConfig correlation = config.AutoCorrelation!;
        made.Add("autocorrelation.taper", correlation.WindowLength);
        int[] channels = [1, .. frequencyChannels, config.Channels];
        for (int i = 0; i < correlation.Convs.Count; i++)
        {
            made.Add($"frequency{i + 1}.weight", correlation.Convs[i].Kernel, channels[i], channels[i + 1]);
            made.Add($"frequency{i + 1}.bias", channels[i + 1]);
        }

        int joint = config.Channels + config.ImplicitLength + config.EmotionEmbedding, frames = correlation.Windows;
        made.Linear("emotion", config.EmotionCount, config.EmotionEmbedding);
        for (int i = 0; i < config.TimeConvs.Count; i++)
        {
            ConvShape shape = config.TimeConvs[i];
            made.Add($"time{i + 1}.weight", shape.Kernel, i == 0 ? 2 * config.Channels : joint, config.Channels);
            made.Add($"time{i + 1}.bias", config.Channels);
            frames = (frames + 2 * shape.Padding - shape.Kernel) / shape.Stride + 1;
        }
        int face = config.SkinSize + config.JawSize + config.EyesSize;
        made.Linear("fusion", frames * joint, config.Channels);
        made.Linear("face1", joint, face);
        made.Linear("face2", face, face);
        made.Linear("tongue1", joint, config.TongueSize);
        made.Linear("tongue2", config.TongueSize, config.TongueSize);
        return made.Set;
    }
}
