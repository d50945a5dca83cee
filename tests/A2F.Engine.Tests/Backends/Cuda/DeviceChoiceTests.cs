using A2F.CudaEmulator.Driver;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Runtime;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>What "auto" chooses, and that it says why.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class DeviceChoiceTests
{
    private static readonly string Model = TestData.Path("fixtures/reg_autocorr");

    [NvrtcFact]
    public void Auto_takes_the_first_gpu_that_works()
    {
        using RegressionModel model = RegressionModel.Load(Model, Options);
        Assert.Contains("sm_75", model.Device, StringComparison.Ordinal);
        Assert.Equal("cuda:0 is the first GPU that works", model.DeviceReason);
    }

    [NvrtcFact]
    public void Auto_passes_over_a_gpu_that_fails_and_says_so()
    {
        EmulatedDriver.FailCall(1, 2, "cuStreamCreateWithPriority");
        using RegressionModel model = RegressionModel.Load(Model, Options);
        Assert.NotNull(EmulatedDriver.FailedCall);
        Assert.Contains("sm_80", model.Device, StringComparison.Ordinal);
        Assert.StartsWith("cuda:1 is the first GPU that works; cuda:0: cuStreamCreateWithPriority", model.DeviceReason, StringComparison.Ordinal);
        Assert.True(EmulatedDriver.Books(0).AreZero);
    }

    [Theory]
    [InlineData("cuInit", 100)]
    [InlineData("cuMemAlloc", 2)]
    public void Auto_takes_the_cpu_where_no_gpu_works_and_says_why(string function, int result)
    {
        EmulatedDriver.FailEvery(1, result, function);
        try
        {
            using RegressionModel model = RegressionModel.Load(Model, Options);
            Assert.StartsWith("cpu", model.Device, StringComparison.Ordinal);
            Assert.StartsWith("no GPU can be used; ", model.DeviceReason, StringComparison.Ordinal);
        }
        finally
        {
            EmulatedDriver.FailNone();
        }
        Assert.All(Enumerable.Range(0, EmulatedDriver.Architectures.Count), device => Assert.True(EmulatedDriver.Books(device).AreZero));
    }

    [Fact]
    public void A_device_that_was_asked_for_is_never_replaced()
    {
        using RegressionModel cpu = RegressionModel.Load(Model, Options with { Device = "cpu" });
        Assert.Null(cpu.DeviceReason);
        A2FException error = Assert.Throws<A2FException>(() => RegressionModel.Load(Model, Options with { Device = "cuda:9" }));
        Assert.Contains("cuda:9: the driver has 5 device(s)", error.Message, StringComparison.Ordinal);
    }

    private static ModelOptions Options => new() { Device = "auto", CudaDriver = EmulatedDriver.Find, Precision = Precision.Float16, MaxBatch = 1 };
}
