using A2F.CudaEmulator.Driver;
using A2F.Engine.Networks;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Networks;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>Each driver call of a network's life fails in turn: loading it, running it twice, letting it go.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class CudaFaultTests
{
    private static readonly int Device = EmulatedDriver.DeviceOf("sm_89");

    /// <summary>Out of memory, an error that breaks the context, one that does not, and a driver that has shut down.</summary>
    [NvrtcTheory]
    [InlineData(2)]
    [InlineData(700)]
    [InlineData(999)]
    [InlineData(4)]
    public void Any_driver_call_may_fail_with_one_clear_error_and_nothing_is_left_behind(int result)
    {
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

    /// <summary>Loads the network, runs it as a graph that is recorded and replayed, and lets it go.</summary>
    private static float[] Live()
    {
        ModelOptions options = new() { Device = $"cuda:{Device}", CudaDriver = EmulatedDriver.Find };
        PlacedNetwork<RegressionNetwork> placed = Devices.Place(
            options, ops => new RegressionNetwork(SmallRegression.Config, SmallRegression.Weights, ops, 1));
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
}
