using System.Runtime.Intrinsics;
using A2F.Engine.Backends.Cpu;
using Xunit;

namespace A2F.Engine.Tests.Backends;

public sealed class VectorMathTests
{
    [Fact]
    public void Gelu_is_exact_erf_gelu_to_a_few_ulp_of_the_exact_value()
    {
        double worst = 0, worstAt = 0;
        for (int i = -600_000; i <= 600_000; i++)
        {
            float x = i * 1e-5f; // -6 .. 6
            double exact = ReferenceMath.Gelu(x), found = VectorMath.Gelu(Vector256.Create(x))[0];
            // Above zero the factor is 1 + erf, below it the tail keeps its relative accuracy.
            double tolerance = x >= 0 ? 3 * (MathF.BitIncrement(MathF.Abs(x)) - MathF.Abs(x)) + 1e-45 : 5e-6 * Math.Abs(exact) + 1e-12;
            double ratio = Math.Abs(found - exact) / tolerance;
            if (ratio > worst) (worst, worstAt) = (ratio, x);
        }
        Assert.True(worst <= 1, $"gelu({worstAt:R}) is {worst:F2} tolerances off");
    }

    [Fact]
    public void Gelu_of_huge_arguments_is_the_argument_or_zero()
    {
        Assert.Equal(1e30f, VectorMath.Gelu(Vector256.Create(1e30f))[0]);
        Assert.Equal(0, VectorMath.Gelu(Vector256.Create(-40f))[3], 1e-9f);
        Assert.Equal(0, VectorMath.Gelu(Vector256<float>.Zero)[7]);
    }

    [Fact]
    public void Exp_is_within_two_ulp_and_clamps()
    {
        double worst = 0, worstAt = 0;
        for (int i = -870_000; i <= 880_000; i += 3)
        {
            float x = i * 1e-4f, found = VectorMath.Exp(Vector256.Create(x))[0];
            double error = Math.Abs(found - Math.Exp(x)) / (MathF.BitIncrement(found) - found);
            if (error > worst) (worst, worstAt) = (error, x);
        }
        Assert.True(worst <= 2, $"exp({worstAt:R}) is {worst:F2} ulp off");
        Assert.Equal(MathF.Exp(-87), VectorMath.Exp(Vector256.Create(float.NegativeInfinity))[0], 1e-43f);
    }

    [Fact]
    public unsafe void Dot_products_of_any_length_agree_with_double_arithmetic()
    {
        float[] a = OperatorCase.Random(700, 1), b = OperatorCase.Random(700, 2);
        for (int count = 0; count <= a.Length; count++)
        {
            double expected = 0;
            for (int i = 0; i < count; i++) expected += (double)a[i] * b[i];
            fixed (float* pa = a, pb = b) Assert.Equal(expected, VectorMath.Dot(pa, pb, count), 5e-6);
        }
    }
}
