using A2F.CudaEmulator;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Networks;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Networks;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>The engine's own use of streams, graphs and page-locked memory, under orders that CUDA allows.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class EmulatedNetworkOrderTests : IDisposable
{
    private static readonly int Device = EmulatedDriver.DeviceOf("sm_86");

    public void Dispose()
    {
        EmulatedDriver.Order = WorkOrder.Eager;
        EmulatedDriver.Trace = null;
    }

    [NvrtcFact]
    public void A_network_gives_the_same_bits_however_late_and_in_whatever_order_its_work_runs()
    {
        float[] expected = Run(WorkOrder.Eager);
        foreach (WorkOrder order in (WorkOrder[])[WorkOrder.Lazy, .. Enumerable.Range(0, 8).Select(WorkOrder.Adversarial)])
        {
            float[] actual = Run(order);
            Assert.True(expected.AsSpan().SequenceEqual(actual), order.ToString());
            Assert.True(EmulatedDriver.Books(Device).AreZero, order.ToString());
        }
    }

    /// <summary>Loads a network and runs it three times, its graph recorded and replayed.</summary>
    private static float[] Run(WorkOrder order)
    {
        EmulatedDriver.Order = order;
        Timeline trace = new();
        EmulatedDriver.Trace = trace;
        RegressionConfig config = SmallRegression.Config;
        ModelOptions options = new() { Device = $"cuda:{Device}", CudaDriver = EmulatedDriver.Find };
        PlacedNetwork<RegressionNetwork> placed = Devices.Place(
            options, ops => new RegressionNetwork(config, SmallRegression.Weights, ops, 1));
        float[] results = new float[3 * config.OutputLength];
        using (placed.Operators)
        {
            for (int run = 0; run < 3; run++)
            {
                Span<float> result = results.AsSpan(run * config.OutputLength, config.OutputLength);
                float[] emotion = OperatorCase.Random(config.ImplicitLength + config.EmotionCount, 7);
                placed.Network.Run(OperatorCase.Random(config.InputLength, run), emotion, result, 1);
            }
        }
        Assert.True(trace.Kernels.Sum(k => k.Launches) > 30);
        return results;
    }
}
