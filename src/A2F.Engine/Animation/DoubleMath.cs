using System.Numerics;
using System.Runtime.InteropServices;

namespace A2F.Engine.Animation;

/// <summary>Dot products in double precision, vectorised; the order of summation depends on the length only.</summary>
internal static class DoubleMath
{
    public static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        int lanes = Vector<double>.Count;
        Vector<double> sum = Vector<double>.Zero;
        int i = 0;
        for (; i + lanes <= a.Length; i += lanes) sum += new Vector<double>(a[i..]) * new Vector<double>(b[i..]);
        double total = Vector.Sum(sum);
        for (; i < a.Length; i++) total += a[i] * b[i];
        return total;
    }

    /// <summary>Both of the same length.</summary>
    public static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<double> b)
    {
        ReadOnlySpan<Vector<float>> va = MemoryMarshal.Cast<float, Vector<float>>(a);
        ReadOnlySpan<Vector<double>> vb = MemoryMarshal.Cast<double, Vector<double>>(b);
        Vector<double> sum0 = Vector<double>.Zero;
        Vector<double> sum1 = Vector<double>.Zero;
        for (int i = 0; i < va.Length; i++)
        {
            Vector.Widen(va[i], out Vector<double> low, out Vector<double> high);
            sum0 += low * vb[2 * i];
            sum1 += high * vb[2 * i + 1];
        }
        double total = Vector.Sum(sum0 + sum1);
        for (int i = va.Length * Vector<float>.Count; i < a.Length; i++) total += a[i] * b[i];
        return total;
    }

    /// <summary>Sum of the products, and of their magnitudes.</summary>
    public static (double Sum, double Size) DotAndSize(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        int lanes = Vector<double>.Count;
        Vector<double> sum = Vector<double>.Zero;
        Vector<double> size = Vector<double>.Zero;
        int i = 0;
        for (; i + lanes <= a.Length; i += lanes)
        {
            Vector<double> product = new Vector<double>(a[i..]) * new Vector<double>(b[i..]);
            sum += product;
            size += Vector.Abs(product);
        }
        (double total, double totalSize) = (Vector.Sum(sum), Vector.Sum(size));
        for (; i < a.Length; i++)
        {
            total += a[i] * b[i];
            totalSize += Math.Abs(a[i] * b[i]);
        }
        return (total, totalSize);
    }

    /// <summary>y += factor * x.</summary>
    public static void AddScaled(ReadOnlySpan<double> x, double factor, Span<double> y)
    {
        int lanes = Vector<double>.Count;
        Vector<double> by = new(factor);
        int i = 0;
        for (; i + lanes <= x.Length; i += lanes) (new Vector<double>(y[i..]) + by * new Vector<double>(x[i..])).CopyTo(y[i..]);
        for (; i < x.Length; i++) y[i] += factor * x[i];
    }
}
