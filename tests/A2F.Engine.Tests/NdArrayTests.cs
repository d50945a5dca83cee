using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests;

public sealed class NdArrayTests
{
    [Fact]
    public void A_shape_that_does_not_fit_the_data_is_refused_with_both_sizes()
    {
        A2FException e = Assert.Throws<A2FException>(() => NdArray.Of(new float[5], 2, 3));
        Assert.Equal(A2FErrorCode.InvalidArgument, e.Code);
        Assert.Contains("[2, 3]", e.Message, StringComparison.Ordinal);
        Assert.Contains('5', e.Message);
    }
}
