using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace A2F.Engine.Backends.Cpu;

/// <summary>
/// AVX-512 micro-kernels: C[rows, 32 or 16] (+)= A[rows, k] * B[k, 32 or 16], one accumulator register per row and panel. 14 rows by two
/// panels use 28 of 32 registers for C, two for B; A is broadcast from memory by the multiply itself. The JIT compiles one body per row
/// count: conditions on <see cref="IRowCount.Count"/> are constants to it.
/// </summary>
internal static unsafe class GemmKernelsAvx512
{
    internal static GemmKernels Create() => new("avx512", GemmKernels.MaxRows, &Run);

    private static void Run(int rows, int panels, int k, float* a, float* b, nint panelStride, float* c, nint rowStride, float* bias)
    {
        switch (rows)
        {
            case 1: Dispatch<Rows1>(panels, k, a, b, panelStride, c, rowStride, bias); break;
            case 2: Dispatch<Rows2>(panels, k, a, b, panelStride, c, rowStride, bias); break;
            case 3: Dispatch<Rows3>(panels, k, a, b, panelStride, c, rowStride, bias); break;
            case 4: Dispatch<Rows4>(panels, k, a, b, panelStride, c, rowStride, bias); break;
            case 5: Dispatch<Rows5>(panels, k, a, b, panelStride, c, rowStride, bias); break;
            case 6: Dispatch<Rows6>(panels, k, a, b, panelStride, c, rowStride, bias); break;
            case 7: Dispatch<Rows7>(panels, k, a, b, panelStride, c, rowStride, bias); break;
            case 8: Dispatch<Rows8>(panels, k, a, b, panelStride, c, rowStride, bias); break;
            case 9: Dispatch<Rows9>(panels, k, a, b, panelStride, c, rowStride, bias); break;
            case 10: Dispatch<Rows10>(panels, k, a, b, panelStride, c, rowStride, bias); break;
            case 11: Dispatch<Rows11>(panels, k, a, b, panelStride, c, rowStride, bias); break;
            case 12: Dispatch<Rows12>(panels, k, a, b, panelStride, c, rowStride, bias); break;
            case 13: Dispatch<Rows13>(panels, k, a, b, panelStride, c, rowStride, bias); break;
            case 14: Dispatch<Rows14>(panels, k, a, b, panelStride, c, rowStride, bias); break;
        }
    }

    private static void Dispatch<TRows>(int panels, int k, float* a, float* b, nint panelStride, float* c, nint rowStride, float* bias)
        where TRows : struct, IRowCount
    {
        if (panels == 2) TwoPanels<TRows>(k, a, b, panelStride, c, rowStride, bias);
        else OnePanel<TRows>(k, a, b, c, rowStride, bias);
    }

    private static void TwoPanels<TRows>(int k, float* a, float* b, nint panelStride, float* c, nint rowStride, float* bias)
        where TRows : struct, IRowCount
    {
        Vector512<float> c0a = Vector512<float>.Zero, c0b = Vector512<float>.Zero;
        Vector512<float> c1a = Vector512<float>.Zero, c1b = Vector512<float>.Zero;
        Vector512<float> c2a = Vector512<float>.Zero, c2b = Vector512<float>.Zero;
        Vector512<float> c3a = Vector512<float>.Zero, c3b = Vector512<float>.Zero;
        Vector512<float> c4a = Vector512<float>.Zero, c4b = Vector512<float>.Zero;
        Vector512<float> c5a = Vector512<float>.Zero, c5b = Vector512<float>.Zero;
        Vector512<float> c6a = Vector512<float>.Zero, c6b = Vector512<float>.Zero;
        Vector512<float> c7a = Vector512<float>.Zero, c7b = Vector512<float>.Zero;
        Vector512<float> c8a = Vector512<float>.Zero, c8b = Vector512<float>.Zero;
        Vector512<float> c9a = Vector512<float>.Zero, c9b = Vector512<float>.Zero;
        Vector512<float> c10a = Vector512<float>.Zero, c10b = Vector512<float>.Zero;
        Vector512<float> c11a = Vector512<float>.Zero, c11b = Vector512<float>.Zero;
        Vector512<float> c12a = Vector512<float>.Zero, c12b = Vector512<float>.Zero;
        Vector512<float> c13a = Vector512<float>.Zero, c13b = Vector512<float>.Zero;
        float* b1 = b + panelStride;
        for (; k > 0; k--)
        {
            Vector512<float> p = Vector512.LoadAligned(b);
            Vector512<float> q = Vector512.LoadAligned(b1);
            if (TRows.Count > 0) { Vector512<float> s = Vector512.Create(a[0]); c0a = Avx512F.FusedMultiplyAdd(s, p, c0a); c0b = Avx512F.FusedMultiplyAdd(s, q, c0b); }
            if (TRows.Count > 1) { Vector512<float> s = Vector512.Create(a[1]); c1a = Avx512F.FusedMultiplyAdd(s, p, c1a); c1b = Avx512F.FusedMultiplyAdd(s, q, c1b); }
            if (TRows.Count > 2) { Vector512<float> s = Vector512.Create(a[2]); c2a = Avx512F.FusedMultiplyAdd(s, p, c2a); c2b = Avx512F.FusedMultiplyAdd(s, q, c2b); }
            if (TRows.Count > 3) { Vector512<float> s = Vector512.Create(a[3]); c3a = Avx512F.FusedMultiplyAdd(s, p, c3a); c3b = Avx512F.FusedMultiplyAdd(s, q, c3b); }
            if (TRows.Count > 4) { Vector512<float> s = Vector512.Create(a[4]); c4a = Avx512F.FusedMultiplyAdd(s, p, c4a); c4b = Avx512F.FusedMultiplyAdd(s, q, c4b); }
            if (TRows.Count > 5) { Vector512<float> s = Vector512.Create(a[5]); c5a = Avx512F.FusedMultiplyAdd(s, p, c5a); c5b = Avx512F.FusedMultiplyAdd(s, q, c5b); }
            if (TRows.Count > 6) { Vector512<float> s = Vector512.Create(a[6]); c6a = Avx512F.FusedMultiplyAdd(s, p, c6a); c6b = Avx512F.FusedMultiplyAdd(s, q, c6b); }
            if (TRows.Count > 7) { Vector512<float> s = Vector512.Create(a[7]); c7a = Avx512F.FusedMultiplyAdd(s, p, c7a); c7b = Avx512F.FusedMultiplyAdd(s, q, c7b); }
            if (TRows.Count > 8) { Vector512<float> s = Vector512.Create(a[8]); c8a = Avx512F.FusedMultiplyAdd(s, p, c8a); c8b = Avx512F.FusedMultiplyAdd(s, q, c8b); }
            if (TRows.Count > 9) { Vector512<float> s = Vector512.Create(a[9]); c9a = Avx512F.FusedMultiplyAdd(s, p, c9a); c9b = Avx512F.FusedMultiplyAdd(s, q, c9b); }
            if (TRows.Count > 10) { Vector512<float> s = Vector512.Create(a[10]); c10a = Avx512F.FusedMultiplyAdd(s, p, c10a); c10b = Avx512F.FusedMultiplyAdd(s, q, c10b); }
            if (TRows.Count > 11) { Vector512<float> s = Vector512.Create(a[11]); c11a = Avx512F.FusedMultiplyAdd(s, p, c11a); c11b = Avx512F.FusedMultiplyAdd(s, q, c11b); }
            if (TRows.Count > 12) { Vector512<float> s = Vector512.Create(a[12]); c12a = Avx512F.FusedMultiplyAdd(s, p, c12a); c12b = Avx512F.FusedMultiplyAdd(s, q, c12b); }
            if (TRows.Count > 13) { Vector512<float> s = Vector512.Create(a[13]); c13a = Avx512F.FusedMultiplyAdd(s, p, c13a); c13b = Avx512F.FusedMultiplyAdd(s, q, c13b); }
            a += TRows.Count;
            b += 16;
            b1 += 16;
        }
        Vector512<float> d = default, e = default;
        if (bias != null)
        {
            d = Vector512.Load(bias);
            e = Vector512.Load(bias + 16);
        }
        if (TRows.Count > 0) { Store(c0a, d, c + 0 * rowStride, bias != null); Store(c0b, e, c + 0 * rowStride + 16, bias != null); }
        if (TRows.Count > 1) { Store(c1a, d, c + 1 * rowStride, bias != null); Store(c1b, e, c + 1 * rowStride + 16, bias != null); }
        if (TRows.Count > 2) { Store(c2a, d, c + 2 * rowStride, bias != null); Store(c2b, e, c + 2 * rowStride + 16, bias != null); }
        if (TRows.Count > 3) { Store(c3a, d, c + 3 * rowStride, bias != null); Store(c3b, e, c + 3 * rowStride + 16, bias != null); }
        if (TRows.Count > 4) { Store(c4a, d, c + 4 * rowStride, bias != null); Store(c4b, e, c + 4 * rowStride + 16, bias != null); }
        if (TRows.Count > 5) { Store(c5a, d, c + 5 * rowStride, bias != null); Store(c5b, e, c + 5 * rowStride + 16, bias != null); }
        if (TRows.Count > 6) { Store(c6a, d, c + 6 * rowStride, bias != null); Store(c6b, e, c + 6 * rowStride + 16, bias != null); }
        if (TRows.Count > 7) { Store(c7a, d, c + 7 * rowStride, bias != null); Store(c7b, e, c + 7 * rowStride + 16, bias != null); }
        if (TRows.Count > 8) { Store(c8a, d, c + 8 * rowStride, bias != null); Store(c8b, e, c + 8 * rowStride + 16, bias != null); }
        if (TRows.Count > 9) { Store(c9a, d, c + 9 * rowStride, bias != null); Store(c9b, e, c + 9 * rowStride + 16, bias != null); }
        if (TRows.Count > 10) { Store(c10a, d, c + 10 * rowStride, bias != null); Store(c10b, e, c + 10 * rowStride + 16, bias != null); }
        if (TRows.Count > 11) { Store(c11a, d, c + 11 * rowStride, bias != null); Store(c11b, e, c + 11 * rowStride + 16, bias != null); }
        if (TRows.Count > 12) { Store(c12a, d, c + 12 * rowStride, bias != null); Store(c12b, e, c + 12 * rowStride + 16, bias != null); }
        if (TRows.Count > 13) { Store(c13a, d, c + 13 * rowStride, bias != null); Store(c13b, e, c + 13 * rowStride + 16, bias != null); }
    }

    private static void OnePanel<TRows>(int k, float* a, float* b, float* c, nint rowStride, float* bias)
        where TRows : struct, IRowCount
    {
        Vector512<float> c0a = Vector512<float>.Zero;
        Vector512<float> c1a = Vector512<float>.Zero;
        Vector512<float> c2a = Vector512<float>.Zero;
        Vector512<float> c3a = Vector512<float>.Zero;
        Vector512<float> c4a = Vector512<float>.Zero;
        Vector512<float> c5a = Vector512<float>.Zero;
        Vector512<float> c6a = Vector512<float>.Zero;
        Vector512<float> c7a = Vector512<float>.Zero;
        Vector512<float> c8a = Vector512<float>.Zero;
        Vector512<float> c9a = Vector512<float>.Zero;
        Vector512<float> c10a = Vector512<float>.Zero;
        Vector512<float> c11a = Vector512<float>.Zero;
        Vector512<float> c12a = Vector512<float>.Zero;
        Vector512<float> c13a = Vector512<float>.Zero;
        for (; k > 0; k--)
        {
            Vector512<float> p = Vector512.LoadAligned(b);
            if (TRows.Count > 0) { Vector512<float> s = Vector512.Create(a[0]); c0a = Avx512F.FusedMultiplyAdd(s, p, c0a); }
            if (TRows.Count > 1) { Vector512<float> s = Vector512.Create(a[1]); c1a = Avx512F.FusedMultiplyAdd(s, p, c1a); }
            if (TRows.Count > 2) { Vector512<float> s = Vector512.Create(a[2]); c2a = Avx512F.FusedMultiplyAdd(s, p, c2a); }
            if (TRows.Count > 3) { Vector512<float> s = Vector512.Create(a[3]); c3a = Avx512F.FusedMultiplyAdd(s, p, c3a); }
            if (TRows.Count > 4) { Vector512<float> s = Vector512.Create(a[4]); c4a = Avx512F.FusedMultiplyAdd(s, p, c4a); }
            if (TRows.Count > 5) { Vector512<float> s = Vector512.Create(a[5]); c5a = Avx512F.FusedMultiplyAdd(s, p, c5a); }
            if (TRows.Count > 6) { Vector512<float> s = Vector512.Create(a[6]); c6a = Avx512F.FusedMultiplyAdd(s, p, c6a); }
            if (TRows.Count > 7) { Vector512<float> s = Vector512.Create(a[7]); c7a = Avx512F.FusedMultiplyAdd(s, p, c7a); }
            if (TRows.Count > 8) { Vector512<float> s = Vector512.Create(a[8]); c8a = Avx512F.FusedMultiplyAdd(s, p, c8a); }
            if (TRows.Count > 9) { Vector512<float> s = Vector512.Create(a[9]); c9a = Avx512F.FusedMultiplyAdd(s, p, c9a); }
            if (TRows.Count > 10) { Vector512<float> s = Vector512.Create(a[10]); c10a = Avx512F.FusedMultiplyAdd(s, p, c10a); }
            if (TRows.Count > 11) { Vector512<float> s = Vector512.Create(a[11]); c11a = Avx512F.FusedMultiplyAdd(s, p, c11a); }
            if (TRows.Count > 12) { Vector512<float> s = Vector512.Create(a[12]); c12a = Avx512F.FusedMultiplyAdd(s, p, c12a); }
            if (TRows.Count > 13) { Vector512<float> s = Vector512.Create(a[13]); c13a = Avx512F.FusedMultiplyAdd(s, p, c13a); }
            a += TRows.Count;
            b += 16;
        }
        Vector512<float> d = default;
        if (bias != null)
        {
            d = Vector512.Load(bias);
        }
        if (TRows.Count > 0) { Store(c0a, d, c + 0 * rowStride, bias != null); }
        if (TRows.Count > 1) { Store(c1a, d, c + 1 * rowStride, bias != null); }
        if (TRows.Count > 2) { Store(c2a, d, c + 2 * rowStride, bias != null); }
        if (TRows.Count > 3) { Store(c3a, d, c + 3 * rowStride, bias != null); }
        if (TRows.Count > 4) { Store(c4a, d, c + 4 * rowStride, bias != null); }
        if (TRows.Count > 5) { Store(c5a, d, c + 5 * rowStride, bias != null); }
        if (TRows.Count > 6) { Store(c6a, d, c + 6 * rowStride, bias != null); }
        if (TRows.Count > 7) { Store(c7a, d, c + 7 * rowStride, bias != null); }
        if (TRows.Count > 8) { Store(c8a, d, c + 8 * rowStride, bias != null); }
        if (TRows.Count > 9) { Store(c9a, d, c + 9 * rowStride, bias != null); }
        if (TRows.Count > 10) { Store(c10a, d, c + 10 * rowStride, bias != null); }
        if (TRows.Count > 11) { Store(c11a, d, c + 11 * rowStride, bias != null); }
        if (TRows.Count > 12) { Store(c12a, d, c + 12 * rowStride, bias != null); }
        if (TRows.Count > 13) { Store(c13a, d, c + 13 * rowStride, bias != null); }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<float> sum, Vector512<float> start, float* c, bool overwrite) =>
        (sum + (overwrite ? start : Vector512.Load(c))).Store(c);
}
