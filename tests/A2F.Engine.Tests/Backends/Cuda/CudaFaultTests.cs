using A2F.CudaEmulator.Driver;
using A2F.Engine.Animation;
using A2F.Engine.Networks;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Animation;
using A2F.Engine.Tests.Networks;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>Each driver call of a network's or a stage's life fails in turn: loading it, running it twice, letting it go.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class CudaFaultTests
{
    private static readonly int Device = EmulatedDriver.DeviceOf("sm_89");

    /// <summary>Out of memory, an error that breaks the context, one that does not, and a driver that has shut down.</summary>
    [NvrtcTheory]
    [InlineData("regression", 2)]
    [InlineData("regression", 700)]
    [InlineData("regression", 999)]
    [InlineData("regression", 4)]
    [InlineData("diffusion", 2)]
    [InlineData("diffusion", 700)]
    [InlineData("diffusion with noise", 999)]
    [InlineData("emotion", 2)]
    [InlineData("emotion", 4)]
    [InlineData("animation", 2)]
    [InlineData("animation", 700)]
    [InlineData("animation", 4)]
    public void Any_driver_call_may_fail_with_one_clear_error_and_nothing_is_left_behind(string network, int result)
    {
        float[] Live() => network switch
        {
            "regression" => LiveRegression(),
            "diffusion" => LiveDiffusion(NoiseSource.Constant),
            "diffusion with noise" => LiveDiffusion(NoiseSource.Seeded),
            "animation" => LiveAnimation(),
            _ => LiveEmotion(),
        };
        float[] expected = Live();
        long before = EmulatedDriver.Calls;
        Live();
        long calls = EmulatedDriver.Calls - before;
        Assert.True(calls > 150, $"{calls} calls");
        int errors = 0;
        for (long n = 1; n <= calls; n++)
        {
            EmulatedDriver.FailCall(n, result);
            string? failed = null;
            try
            {
                Live();
            }
            catch (A2FException e)
            {
                errors++;
                failed = EmulatedDriver.FailedCall;
                Assert.NotNull(failed);
                Assert.True(e.Code is A2FErrorCode.DeviceUnavailable or A2FErrorCode.OutOfMemory, e.Message);
                Assert.Contains($"({result}", e.Message, StringComparison.Ordinal);
            }
            finally
            {
                EmulatedDriver.FailNone();
            }
            Assert.True(EmulatedDriver.Books(Device).AreZero, $"call {n} ({failed ?? EmulatedDriver.FailedCall}): {EmulatedDriver.Books(Device)}");
            if (n % 50 == 0) Assert.Equal(expected, Live());
        }
        Assert.Equal(expected, Live());
        // Leaving a context, and letting go in a driver that has shut down, may fail unheard.
        Assert.True(errors >= calls / 3, $"{errors} errors of {calls} calls");
    }

    private static ModelOptions Options => new() { Device = $"cuda:{Device}", CudaDriver = EmulatedDriver.Find };

    /// <summary>Loads the network, runs it as a graph that is recorded and replayed, and lets it go.</summary>
    private static float[] LiveRegression()
    {
        PlacedNetwork<RegressionNetwork> placed = Devices.Place(
            Options, ops => new RegressionNetwork(SmallRegression.Config, SmallRegression.Weights, ops, 1));
        RegressionConfig config = SmallRegression.Config;
        float[] result = new float[config.OutputLength];
        using (placed.Operators)
        {
            for (int run = 0; run < 2; run++)
            {
                placed.Network.Run(
                    OperatorCase.Random(config.InputLength, 1), OperatorCase.Random(config.ImplicitLength + config.EmotionCount, 2), result, 1);
            }
        }
        return result;
    }

    private static float[] LiveDiffusion(NoiseSource source)
    {
        DiffusionConfig config = SmallNetworks.Diffusion;
        PlacedNetwork<DiffusionNetwork> placed = Devices.Place(
            Options, ops => new DiffusionNetwork(config, SmallNetworks.DiffusionWeights, ops, 1, source: source));
        DiffusionFixture.Batch batch = DiffusionNetworkTests.Random(config, 1, source);
        using (placed.Operators)
        {
            DiffusionFixture.Run(placed.Network, batch);
            return DiffusionFixture.Run(placed.Network, batch).Prediction;
        }
    }

    private static float[] LiveEmotion()
    {
        EmotionConfig config = SmallNetworks.Emotion;
        PlacedNetwork<EmotionNetwork> placed = Devices.Place(
            Options, ops => new EmotionNetwork(config, SmallNetworks.EmotionWeights, ops, 160, 1));
        float[] logits = new float[config.Labels];
        using (placed.Operators)
        {
            for (int run = 0; run < 2; run++) placed.Network.Run(OperatorCase.Random(160, 1), logits, 1);
        }
        return logits;
    }

    private static float[] LiveAnimation()
    {
        using FaceStage stage = FaceStage.Create(
            [FaceFixture.Rig], new FaceStageOptions { Device = $"cuda:{Device}", CudaDriver = EmulatedDriver.Find });
        FaceCharacter character = stage.Add(FaceFixture.Rig, FaceFixture.Parameters, Golden.Solver("skin"), Golden.Solver("tongue"));
        FaceFrames frames = stage.CreateFrames(2);
        stage.Animate([character], FaceFixture.Row(0), frames);
        character.SkinSolver = character.SkinSolver! with { ActivePoses = [.. Enumerable.Range(0, 52).Select(i => i % 2 == 0)] };
        stage.Animate([character], FaceFixture.Row(1), frames, 1);
        return frames.SkinWeights;
    }
}
