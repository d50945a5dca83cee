using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace A2F.Engine.Backends.Cpu;

/// <summary>Elementary functions on eight lanes. Coefficients are own minimax fits (relative error below 3e-9 before rounding where not stated).</summary>
internal static unsafe class VectorMath
{
    /// <summary>
    /// x * Phi(x), Phi(x) = (1 + erf(x / sqrt 2)) / 2. With z = |x| / sqrt 2: erf(z) = z * P(z^2) below 1, erfc(z) = exp(-Q(z)) above, Q a
    /// polynomial of degree 8 on [0.95, 5] (absolute error 2.5e-7); so erf is within 2.5 ulp, and negative x keep relative accuracy.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> Gelu(Vector256<float> x)
    {
        Vector256<float> z = Vector256.Abs(x) * 0.70710678f;
        Vector256<float> t = z * z;
        Vector256<float> p = Vector256.Create(7.853853458e-05f);
        p = Fma(p, t, -8.010191377e-04f);
        p = Fma(p, t, 5.188327283e-03f);
        p = Fma(p, t, -2.685381100e-02f);
        p = Fma(p, t, 1.128358543e-01f);
        p = Fma(p, t, -3.761262596e-01f);
        p = Fma(p, t, 1.128379107e+00f);
        Vector256<float> near = Vector256<float>.One - z * p;

        Vector256<float> far = Vector256.MinNative(z, Vector256.Create(5f));
        Vector256<float> q = Vector256.Create(-1.145502438e-06f);
        q = Fma(q, far, 3.574761286e-05f);
        q = Fma(q, far, -5.048555904e-04f);
        q = Fma(q, far, 4.305466078e-03f);
        q = Fma(q, far, -2.506670915e-02f);
        q = Fma(q, far, 1.075896472e-01f);
        q = Fma(q, far, 6.345756054e-01f);
        q = Fma(q, far, 1.128570557e+00f);
        q = Fma(q, far, 1.011444256e-04f);

        Vector256<float> erfc = Vector256.ConditionalSelect(Vector256.LessThan(z, Vector256<float>.One), near, Exp(-q));
        Vector256<float> half = x * 0.5f;
        Vector256<float> factor = Vector256.ConditionalSelect(
            Vector256.LessThan(x, Vector256<float>.Zero), erfc, Vector256.Create(2f) - erfc);
        return half * factor;
    }

    /// <summary>exp(x) within 2 ulp for x in [-87, 88]; clamped outside.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> Exp(Vector256<float> x)
    {
        x = Vector256.MinNative(Vector256.MaxNative(x, Vector256.Create(-87f)), Vector256.Create(88f));
        Vector256<float> n = Vector256.Round(x * 1.44269504f);
        Vector256<float> r = Vector256.MultiplyAddEstimate(n, Vector256.Create(-0.693145752f), x); // log 2 in two parts
        r = Vector256.MultiplyAddEstimate(n, Vector256.Create(-1.42860682e-06f), r);
        Vector256<float> p = Vector256.Create(1.383682946e-03f);
        p = Fma(p, r, 8.374822326e-03f);
        p = Fma(p, r, 4.166822508e-02f);
        p = Fma(p, r, 1.666641980e-01f);
        p = Fma(p, r, 4.999999106e-01f);
        p = Fma(p, r, 1f);
        p = Fma(p, r, 1f);
        Vector256<int> exponent = Vector256.ConvertToInt32Native(n) + Vector256.Create(127);
        return p * (exponent << 23).AsSingle();
    }

    /// <summary>tanh(x): odd polynomial below 0.5, 1 - 2 / (exp(2 |x|) + 1) above; within 3 ulp.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> Tanh(Vector256<float> x)
    {
        Vector256<float> t = x * x;
        Vector256<float> p = Vector256.Create(3.59212804e-03f); // Taylor's series
        p = Fma(p, t, -8.86323553e-03f);
        p = Fma(p, t, 2.18694885e-02f);
        p = Fma(p, t, -5.39682540e-02f);
        p = Fma(p, t, 1.33333333e-01f);
        p = Fma(p, t, -3.33333333e-01f);
        Vector256<float> near = Vector256.MultiplyAddEstimate(p * t, x, x);
        Vector256<float> size = Vector256.Abs(x);
        Vector256<float> far = Vector256<float>.One - Vector256.Create(2f) / (Exp(size + size) + Vector256<float>.One);
        far |= x & Vector256.Create(-0f);
        return Vector256.ConditionalSelect(Vector256.LessThan(size, Vector256.Create(0.5f)), near, far);
    }

    /// <summary>1 / (1 + exp(-x)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> Sigmoid(Vector256<float> x) => Vector256<float>.One / (Vector256<float>.One + Exp(-x));

    /// <summary>x * tanh(log(1 + exp x)): with e = exp x, the tanh is e (e + 2) / (e (e + 2) + 2), and 1 from 20 on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> Mish(Vector256<float> x)
    {
        Vector256<float> e = Exp(Vector256.MinNative(x, Vector256.Create(20f)));
        Vector256<float> n = e * (e + Vector256.Create(2f));
        return x * (n / (n + Vector256.Create(2f)));
    }

    /// <summary>Sum of the products of two arrays, in four interleaved partial sums.</summary>
    internal static float Dot(float* a, float* b, int count)
    {
        Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
        int i = 0;
        for (; i <= count - 32; i += 32)
        {
            s0 = Vector256.MultiplyAddEstimate(Vector256.Load(a + i), Vector256.Load(b + i), s0);
            s1 = Vector256.MultiplyAddEstimate(Vector256.Load(a + i + 8), Vector256.Load(b + i + 8), s1);
            s2 = Vector256.MultiplyAddEstimate(Vector256.Load(a + i + 16), Vector256.Load(b + i + 16), s2);
            s3 = Vector256.MultiplyAddEstimate(Vector256.Load(a + i + 24), Vector256.Load(b + i + 24), s3);
        }
        for (; i <= count - 8; i += 8)
            s0 = Vector256.MultiplyAddEstimate(Vector256.Load(a + i), Vector256.Load(b + i), s0);
        float sum = Vector256.Sum(s0 + s1 + (s2 + s3));
        for (; i < count; i++) sum += a[i] * b[i];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Fma(Vector256<float> a, Vector256<float> b, float c) =>
        Vector256.MultiplyAddEstimate(a, b, Vector256.Create(c));
}
