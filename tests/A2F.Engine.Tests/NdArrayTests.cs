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

    [Theory]
    [InlineData(-2, -3)]
    [InlineData(int.MaxValue, int.MaxValue, int.MaxValue)]
    [InlineData(0, -1)]
    public void Impossible_shapes_are_refused(params int[] shape)
    {
        A2FException e = Assert.Throws<A2FException>(() => NdArray.Of(new float[6], shape));
        Assert.Equal(A2FErrorCode.InvalidArgument, e.Code);
        Assert.Equal(0, NdArray.Of(Array.Empty<float>(), int.MaxValue, int.MaxValue, int.MaxValue, 0).Length);
    }
}
