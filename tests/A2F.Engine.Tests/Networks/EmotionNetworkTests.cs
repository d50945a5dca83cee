using A2F.Engine.Backends.Cpu;
using A2F.Engine.Networks;
using A2F.Engine.Tests.Backends;
using A2F.Engine.Weights;
using A2F.Engine.Weights.Onnx;
using Xunit;

namespace A2F.Engine.Tests.Networks;

public sealed class EmotionNetworkTests
{
    [Theory]
    [InlineData("emo_base")]
    [InlineData("emo_large")]
    public void Logits_agree_with_the_recorded_double_precision_outputs(string folder)
    {
        (EmotionConfig config, WeightSet weights) = EmotionImporter.Import(TestData.Path($"fixtures/{folder}/network.onnx"));
        using NpzFile recorded = NpzFile.Open(TestData.Path($"fixtures/{folder}/io.npz"));
        foreach (int count in new[] { 1, 3 })
        {
            NdArray input = recorded.Read($"b{count}.input_values");
            double[] expected = recorded.Read($"b{count}.output_f64").Data<double>().ToArray();
            foreach (CpuInstructionSet set in Enum.GetValues<CpuInstructionSet>().Where(s => s <= GemmKernels.Best))
            {
                using CpuOperators ops = new(2, set);
                EmotionNetwork network = new(config, weights, ops, input.Shape[1], count);
                float[] logits = new float[expected.Length], alone = new float[config.Labels];
                network.Run(input.ToFloat32(), logits, count);
                OperatorCase.AssertClose(expected, logits, 1e-5, $"{folder} b{count} {set}");
                for (int i = 0; i < count; i++)
                {
                    network.Run(input.ToFloat32().AsSpan(i * input.Shape[1], input.Shape[1]), alone, 1);
                    Assert.Equal(logits[(i * config.Labels)..((i + 1) * config.Labels)], alone);
                }
                ops.VerifyGuards();
            }
        }
    }
}
