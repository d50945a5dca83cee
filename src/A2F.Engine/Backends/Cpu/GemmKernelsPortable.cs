using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace A2F.Engine.Backends.Cpu;

/// <summary>
/// Micro-kernels on 128-bit vectors, for machines without AVX2 and for ARM: two rows by one panel use 8 registers for C, four for B, one for A.
/// </summary>
internal static unsafe class GemmKernelsPortable
{
    internal static GemmKernels Create() => new("portable", 2, &Run);

    private static void Run(int rows, int panels, int k, float* a, float* b, nint panelStride, float* c, nint rowStride, float* bias)
    {
        for (int panel = 0; panel < panels; panel++)
        {
            switch (rows)
            {
                case 1: Panel<Rows1>(k, a, b, c, rowStride, bias); break;
                case 2: Panel<Rows2>(k, a, b, c, rowStride, bias); break;
            }
            b += panelStride;
            c += GemmKernels.PanelWidth;
            if (bias != null) bias += GemmKernels.PanelWidth;
        }
    }

    private static void Panel<TRows>(int k, float* a, float* b, float* c, nint rowStride, float* bias)
        where TRows : struct, IRowCount
    {
        Vector128<float> c0p = Vector128<float>.Zero, c0q = Vector128<float>.Zero, c0r = Vector128<float>.Zero, c0s = Vector128<float>.Zero;
        Vector128<float> c1p = Vector128<float>.Zero, c1q = Vector128<float>.Zero, c1r = Vector128<float>.Zero, c1s = Vector128<float>.Zero;
        for (; k > 0; k--)
        {
            Vector128<float> p = Vector128.LoadAligned(b);
            Vector128<float> q = Vector128.LoadAligned(b + 4);
            Vector128<float> r = Vector128.LoadAligned(b + 8);
            Vector128<float> s = Vector128.LoadAligned(b + 12);
            if (TRows.Count > 0)
            {
                Vector128<float> x = Vector128.Create(a[0]);
                c0p = Vector128.MultiplyAddEstimate(x, p, c0p);
                c0q = Vector128.MultiplyAddEstimate(x, q, c0q);
                c0r = Vector128.MultiplyAddEstimate(x, r, c0r);
                c0s = Vector128.MultiplyAddEstimate(x, s, c0s);
            }
            if (TRows.Count > 1)
            {
                Vector128<float> x = Vector128.Create(a[1]);
                c1p = Vector128.MultiplyAddEstimate(x, p, c1p);
                c1q = Vector128.MultiplyAddEstimate(x, q, c1q);
                c1r = Vector128.MultiplyAddEstimate(x, r, c1r);
                c1s = Vector128.MultiplyAddEstimate(x, s, c1s);
            }
            a += TRows.Count;
            b += 16;
        }
        if (TRows.Count > 0) Store(c0p, c0q, c0r, c0s, c + 0 * rowStride, bias);
        if (TRows.Count > 1) Store(c1p, c1q, c1r, c1s, c + 1 * rowStride, bias);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<float> p, Vector128<float> q, Vector128<float> r, Vector128<float> s, float* c, float* bias)
    {
        float* start = bias != null ? bias : c;
        (p + Vector128.Load(start)).Store(c);
        (q + Vector128.Load(start + 4)).Store(c + 4);
        (r + Vector128.Load(start + 8)).Store(c + 8);
        (s + Vector128.Load(start + 12)).Store(c + 12);
    }
}
