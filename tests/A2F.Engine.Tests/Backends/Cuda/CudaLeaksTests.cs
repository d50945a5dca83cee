using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends.Cuda.Driver;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

[Collection(EmulatedCuda.Collection)]
public sealed class CudaLeaksTests
{
    [Fact]
    public void What_is_not_disposed_is_reported_with_its_type_and_where_it_was_made()
    {
        bool before = CudaLeaks.IsOn;
        CudaLeaks.IsOn = true;
        try
        {
            using CudaContext context = new(EmulatedCuda.Device("sm_89"));
            CudaDeviceVariable<float> forgotten = new(context, 10);
            using (CudaStream stream = new(context))
            {
                Assert.Contains(CudaLeaks.Report(), leak => leak.StartsWith("CudaStream, made", StringComparison.Ordinal));
            }
            Assert.DoesNotContain(CudaLeaks.Report(), leak => leak.StartsWith("CudaStream", StringComparison.Ordinal));
            string report = Assert.Single(CudaLeaks.Report(), leak => leak.StartsWith("CudaDeviceVariable", StringComparison.Ordinal));
            Assert.Contains(nameof(What_is_not_disposed_is_reported_with_its_type_and_where_it_was_made), report, StringComparison.Ordinal);
            forgotten.Dispose();
            Assert.Single(CudaLeaks.Report()); // the context
        }
        finally
        {
            CudaLeaks.IsOn = before;
        }
        Assert.Empty(CudaLeaks.Report());
    }

    [NvrtcTheory]
    [InlineData(Precision.Float32)]
    [InlineData(Precision.Float16)]
    public void A_network_leaves_nothing_undisposed(Precision precision)
    {
        bool before = CudaLeaks.IsOn;
        CudaLeaks.IsOn = true;
        try
        {
            using (CudaOperators ops = EmulatedCuda.Operators("sm_86", precision)) CudaCases.All[0].Run(ops);
            Assert.Empty(CudaLeaks.Report());
        }
        finally
        {
            CudaLeaks.IsOn = before;
        }
    }
}
