using A2F.Engine.Networks;
using A2F.Engine.Tests.Backends;
using A2F.Engine.Weights;

namespace A2F.Engine.Tests.Networks;

/// <summary>The regression network with every part there is, each as small as can be, and random weights.</summary>
internal static class SmallRegression
{
    public static RegressionConfig Config { get; } = new(
        120, 2, 3, 2, 4, 1.4f, [new(3, 2, 1)], 5, 3, 9, 4,
        new Wav2VecConfig([new(10, 5, 0), new(3, 2, 0)], 8, 8, 16, 2, 1, 4, 2, 1e-5f, 1e-5f),
        new AutoCorrelationConfig(11, 20, 10, 8, 1, 0.05f, [new(3, 2, 1), new(4, 1, 0)]));

    public static WeightSet Weights { get; } = RegressionWeights.Make(Config, [6], (name, count) => OperatorCase.Random(count, name.Length));
}
