using A2F.Engine.Backends;
using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Tests.Networks;

/// <summary>
/// The diffusion and emotion networks in the size that NVIDIA ships, with zeros for weights: to plan them, not to run them. The skin has a
/// tenth of its vertices: the same kernels, and folding its layers takes a tenth of the time.
/// </summary>
internal static class FullSizeNetworks
{
    private static readonly ConvShape[] Convs = [new(10, 5, 0), new(3, 2, 0), new(3, 2, 0), new(3, 2, 0), new(3, 2, 0), new(2, 2, 0), new(2, 2, 0)];

    private static readonly Wav2VecConfig Base = new(Convs, 512, 768, 3072, 12, 12, 128, 16, 1e-5f, 1e-5f);

    public static DiffusionConfig Diffusion { get; } = new(
        Base, 16000, 60, 15, 30, 1, 256, new(7206, 16806, 15, 4), new(512, 20, 30, 8), new(512, 512, 128, 128), 285, 3, 32, 10, 32, true, 256, 2, 256, true,
        [new(999, 1, 1, 2e-9f, 6e-3f), new(0, 0, 1, 0, 0)]);

    /// <summary>Weights of <see cref="Diffusion"/>.</summary>
    public static WeightSet DiffusionWeights() => MadeWeights.Of(Diffusion, 9, Zeros);

    public static EmotionConfig Emotion { get; } = new(Base, 256, 6, false);

    public static EmotionConfig LargeEmotion { get; } = new(
        Base with { Dim = 1024, FeedForward = 4096, Heads = 16, Layers = 2, LayerNormConvs = true, PreNorm = true }, 1024, 6, true);

    /// <summary>All of them, as what builds them on a backend.</summary>
    public static IEnumerable<INetwork> Build(OperatorSet ops, int maxBatch)
    {
        WeightSet diffusion = DiffusionWeights();
        foreach (NoiseSource source in Enum.GetValues<NoiseSource>())
            yield return new DiffusionNetwork(Diffusion, diffusion, ops, maxBatch, source: source, outputs: DiffusionOutputs.Both);
        yield return new EmotionNetwork(Emotion, MadeWeights.Of(Emotion, Zeros), ops, 60000, maxBatch);
        yield return new EmotionNetwork(LargeEmotion, MadeWeights.Of(LargeEmotion, Zeros), ops, 60000, maxBatch);
    }

    private static float[] Zeros(string name, int count) => new float[count];
}

/// <summary>Diffusion and emotion networks with every part there is, each as small as can be, and random weights.</summary>
internal static class SmallNetworks
{
    private static readonly Wav2VecConfig Encoder = new([new(10, 5, 0), new(3, 2, 0)], 8, 8, 16, 2, 1, 4, 2, 1e-5f, 1e-5f);

    public static DiffusionConfig Diffusion { get; } = new(
        Encoder, 160, 8, 2, 4, 1, 8, new(12, 9, 9, 4), new(8, 6, 4, 3), new(8, 7, 6, 5), 9, 2, 3, 3, 2, true, 5, 2, 6, true,
        [new(4, 1, 0.9f, 0.1f, 0.2f), new(0, 0, 1, 0, 0)]);

    public static WeightSet DiffusionWeights { get; } = MadeWeights.Of(Diffusion, 3, Some);

    public static EmotionConfig Emotion { get; } = new(Encoder with { LayerNormConvs = true, PreNorm = true }, 5, 3, true);

    public static WeightSet EmotionWeights { get; } = MadeWeights.Of(Emotion, Some);

    private static float[] Some(string name, int count) => Backends.OperatorCase.Random(count, name.Length);
}
