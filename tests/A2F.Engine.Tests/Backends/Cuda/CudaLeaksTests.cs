using System.Runtime.CompilerServices;
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
                Assert.Contains(Leaks(), leak => leak.StartsWith("CudaStream, made", StringComparison.Ordinal));
            }
            Assert.DoesNotContain(Leaks(), leak => leak.StartsWith("CudaStream", StringComparison.Ordinal));
            Assert.Single(Leaks(), leak => leak.StartsWith("CudaDeviceVariable", StringComparison.Ordinal));
            forgotten.Dispose();
            Assert.Single(Leaks()); // the context
        }
        finally
        {
            CudaLeaks.IsOn = before;
        }
        Assert.Empty(Leaks());
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
            Assert.Empty(Leaks());
        }
        finally
        {
            CudaLeaks.IsOn = before;
        }
    }

    /// <summary>What the calling test made, by the stacks: tests of other classes run at the same time.</summary>
    private static List<string> Leaks([CallerMemberName] string test = "") =>
        [.. CudaLeaks.Report().Where(leak => leak.Contains(test, StringComparison.Ordinal))];
}
