using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Tests.Networks;

/// <summary>The regression network in the size that NVIDIA ships, with zeros for weights: to plan it, not to run it.</summary>
internal static class FullSizeRegression
{
    public static RegressionConfig Config { get; } = new(
        8320, 16, 10, 8, 256, 1.4142135f, [.. Enumerable.Repeat(new ConvShape(3, 2, 1), 4)], 272, 10, 15, 4,
        new Wav2VecConfig(
            [new(10, 5, 0), new(3, 2, 0), new(3, 2, 0), new(3, 2, 0), new(3, 2, 0), new(2, 2, 0), new(2, 2, 0)],
            512, 768, 3072, 12, 1, 128, 16, 1e-5f, 1e-5f),
        new AutoCorrelationConfig(25, 640, 320, 32, 8.9f, 1 / 640f, [.. Enumerable.Repeat(new ConvShape(3, 2, 1), 4), new(2, 1, 0)]));

    public static WeightSet Weights() => RegressionWeights.Make(Config, [72, 108, 162, 243], (_, count) => new float[count]);
}
