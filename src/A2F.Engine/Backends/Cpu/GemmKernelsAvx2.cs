using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace A2F.Engine.Backends.Cpu;

/// <summary>
/// AVX2 micro-kernels: six rows by one panel use 12 of 16 registers for C, two for B, one for the broadcast element of A.
/// </summary>
internal static unsafe class GemmKernelsAvx2
{
    internal static GemmKernels Create() => new("avx2", 6, &Run);

    private static void Run(int rows, int panels, int k, float* a, float* b, nint panelStride, float* c, nint rowStride, float* bias)
    {
        for (int panel = 0; panel < panels; panel++)
        {
            switch (rows)
            {
                case 1: Panel<Rows1>(k, a, b, c, rowStride, bias); break;
                case 2: Panel<Rows2>(k, a, b, c, rowStride, bias); break;
                case 3: Panel<Rows3>(k, a, b, c, rowStride, bias); break;
                case 4: Panel<Rows4>(k, a, b, c, rowStride, bias); break;
                case 5: Panel<Rows5>(k, a, b, c, rowStride, bias); break;
                case 6: Panel<Rows6>(k, a, b, c, rowStride, bias); break;
            }
            b += panelStride;
            c += GemmKernels.PanelWidth;
            if (bias != null) bias += GemmKernels.PanelWidth;
        }
    }

    private static void Panel<TRows>(int k, float* a, float* b, float* c, nint rowStride, float* bias)
        where TRows : struct, IRowCount
    {
        Vector256<float> c0p = Vector256<float>.Zero, c0q = Vector256<float>.Zero;
        Vector256<float> c1p = Vector256<float>.Zero, c1q = Vector256<float>.Zero;
        Vector256<float> c2p = Vector256<float>.Zero, c2q = Vector256<float>.Zero;
        Vector256<float> c3p = Vector256<float>.Zero, c3q = Vector256<float>.Zero;
        Vector256<float> c4p = Vector256<float>.Zero, c4q = Vector256<float>.Zero;
        Vector256<float> c5p = Vector256<float>.Zero, c5q = Vector256<float>.Zero;
        for (; k > 0; k--)
        {
            Vector256<float> p = Vector256.LoadAligned(b);
            Vector256<float> q = Vector256.LoadAligned(b + 8);
            if (TRows.Count > 0)
            {
                Vector256<float> x = Vector256.Create(a[0]);
                c0p = Fma.MultiplyAdd(x, p, c0p);
                c0q = Fma.MultiplyAdd(x, q, c0q);
            }
            if (TRows.Count > 1)
            {
                Vector256<float> x = Vector256.Create(a[1]);
                c1p = Fma.MultiplyAdd(x, p, c1p);
                c1q = Fma.MultiplyAdd(x, q, c1q);
            }
            if (TRows.Count > 2)
            {
                Vector256<float> x = Vector256.Create(a[2]);
                c2p = Fma.MultiplyAdd(x, p, c2p);
                c2q = Fma.MultiplyAdd(x, q, c2q);
            }
            if (TRows.Count > 3)
            {
                Vector256<float> x = Vector256.Create(a[3]);
                c3p = Fma.MultiplyAdd(x, p, c3p);
                c3q = Fma.MultiplyAdd(x, q, c3q);
            }
            if (TRows.Count > 4)
            {
                Vector256<float> x = Vector256.Create(a[4]);
                c4p = Fma.MultiplyAdd(x, p, c4p);
                c4q = Fma.MultiplyAdd(x, q, c4q);
            }
            if (TRows.Count > 5)
            {
                Vector256<float> x = Vector256.Create(a[5]);
                c5p = Fma.MultiplyAdd(x, p, c5p);
                c5q = Fma.MultiplyAdd(x, q, c5q);
            }
            a += TRows.Count;
            b += 16;
        }
        if (TRows.Count > 0) Store(c0p, c0q, c + 0 * rowStride, bias);
        if (TRows.Count > 1) Store(c1p, c1q, c + 1 * rowStride, bias);
        if (TRows.Count > 2) Store(c2p, c2q, c + 2 * rowStride, bias);
        if (TRows.Count > 3) Store(c3p, c3q, c + 3 * rowStride, bias);
        if (TRows.Count > 4) Store(c4p, c4q, c + 4 * rowStride, bias);
        if (TRows.Count > 5) Store(c5p, c5q, c + 5 * rowStride, bias);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<float> p, Vector256<float> q, float* c, float* bias)
    {
        float* start = bias != null ? bias : c;
        (p + Vector256.Load(start)).Store(c);
        (q + Vector256.Load(start + 8)).Store(c + 8);
    }
}
