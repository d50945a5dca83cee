using System.Numerics;
using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator.Execution;

internal enum CompareOp : byte
{
    Eq, Ne, Lt, Le, Gt, Ge, Num, Nan,
}

/// <summary>setp, set, selp, slct. A predicate is one bit a lane.</summary>
internal static unsafe class CompareOps
{
    public static void Setp<T>(Warp w, Instruction* i) where T : unmanaged, IComparisonOperators<T, T, bool>
    {
        uint result = Compare<T>(w, i);
        Write(w, i->D, Combine(w, i, result));
        if (i->X[0] >= 0) Write(w, i->X[0], Combine(w, i, ~result));
    }

    /// <summary><see cref="Instruction.Imm"/> where it holds, else 0.</summary>
    public static void Set<T>(Warp w, Instruction* i) where T : unmanaged, IComparisonOperators<T, T, bool>
    {
        uint result = Combine(w, i, Compare<T>(w, i));
        for (int l = 0; l < 32; l++)
            if ((w.Mask >> l & 1) != 0) Lanes.Set(w.Registers + i->D, l, (result >> l & 1) != 0 ? (uint)i->Imm : 0u);
    }

    /// <summary>The two halves of packed floats: into two predicates, or into a pair (1.0 or all ones, in Imm).</summary>
    public static void Packed(Warp w, Instruction* i)
    {
        byte* r = w.Registers;
        bool brain = i->Type == PtxType.BF16X2;
        uint* results = stackalloc uint[2];
        results[0] = results[1] = 0;
        for (int h = 0; h < 2; h++)
            for (int l = 0; l < 32; l++)
            {
                ushort a = (ushort)(Lanes.Get<uint>(r + i->A, l) >> 16 * h), b = (ushort)(Lanes.Get<uint>(r + i->B, l) >> 16 * h);
                float x = brain ? Round.FromBrain(a) : (float)BitConverter.UInt16BitsToHalf(a);
                float y = brain ? Round.FromBrain(b) : (float)BitConverter.UInt16BitsToHalf(b);
                bool nan = float.IsNaN(x) || float.IsNaN(y);
                if (nan ? Unordered(i) : One((CompareOp)i->Op, x, y)) results[h] |= 1u << l;
            }
        if (i->Count == 2)
        {
            Write(w, i->D, Combine(w, i, results[0]));
            if (i->X[0] >= 0) Write(w, i->X[0], Combine(w, i, results[1]));
            return;
        }
        uint low = Combine(w, i, results[0]), high = Combine(w, i, results[1]);
        for (int l = 0; l < 32; l++)
            if ((w.Mask >> l & 1) != 0)
                Lanes.Set(r + i->D, l, ((low >> l & 1) != 0 ? (uint)i->Imm : 0) | ((high >> l & 1) != 0 ? (uint)i->Imm << 16 : 0));
    }

    public static void Selp32(Warp w, Instruction* i)
    {
        byte* d = w.Registers + i->D, a = w.Registers + i->A, b = w.Registers + i->B;
        uint p = w.Predicates[i->C];
        for (int h = 0; h < 2; h++)
        {
            Vector512<uint> v = Vector512.ConditionalSelect(VectorOps.Expand(p >> 16 * h),
                Vector512.Load((uint*)(a + 64 * h)), Vector512.Load((uint*)(b + 64 * h)));
            v = Vector512.ConditionalSelect(VectorOps.Expand(w.Mask >> 16 * h), v, Vector512.Load((uint*)(d + 64 * h)));
            v.Store((uint*)(d + 64 * h));
        }
    }

    public static void Selp64(Warp w, Instruction* i)
    {
        byte* r = w.Registers;
        uint p = w.Predicates[i->C];
        for (int l = 0; l < 32; l++)
            if ((w.Mask >> l & 1) != 0) Lanes.Set(r + i->D, l, Lanes.Get<ulong>(r + ((p >> l & 1) != 0 ? i->A : i->B), l));
    }

    /// <summary>A where C is not negative, else B; C is s32, or f32 with <see cref="Instruction.Flag"/> (NaN picks B).</summary>
    public static void Slct(Warp w, Instruction* i)
    {
        byte* r = w.Registers;
        for (int l = 0; l < 32; l++)
        {
            if ((w.Mask >> l & 1) == 0) continue;
            float f = Lanes.Get<float>(r + i->C, l);
            if (i->Ftz) f = Round.Flush(f);
            int from = (i->Flag ? f >= 0 : Lanes.Get<int>(r + i->C, l) >= 0) ? i->A : i->B;
            if (i->Width == 8) Lanes.Set(r + i->D, l, Lanes.Get<ulong>(r + from, l));
            else Lanes.Set(r + i->D, l, Lanes.Get<uint>(r + from, l));
        }
    }

    /// <summary>Logic on predicates: 0 and, 1 or, 2 xor, 3 not, 4 move.</summary>
    public static void Logic(Warp w, Instruction* i)
    {
        uint a = w.Predicates[i->A], b = w.Predicates[i->B];
        Write(w, i->D, i->Op switch { 0 => a & b, 1 => a | b, 2 => a ^ b, 3 => ~a, _ => a });
    }

    /// <summary>testp: finite, infinite, number, notanumber, normal, subnormal.</summary>
    public static void Testp(Warp w, Instruction* i)
    {
        uint result = 0;
        for (int l = 0; l < 32; l++)
        {
            double v = i->Width == 8 ? Lanes.Get<double>(w.Registers + i->A, l) : Lanes.Get<float>(w.Registers + i->A, l);
            double least = i->Width == 8 ? 2.2250738585072014e-308 : 1.17549435e-38f;
            bool holds = i->Op switch
            {
                0 => double.IsFinite(v),
                1 => double.IsInfinity(v),
                2 => !double.IsNaN(v),
                3 => double.IsNaN(v),
                4 => double.IsFinite(v) && Math.Abs(v) >= least,
                _ => v != 0 && Math.Abs(v) < least,
            };
            if (holds) result |= 1u << l;
        }
        Write(w, i->D, result);
    }

    public static void Write(Warp w, int predicate, uint value) =>
        w.Predicates[predicate] = w.Predicates[predicate] & ~w.Mask | value & w.Mask;

    private static uint Combine(Warp w, Instruction* i, uint result) => i->Op2 switch
    {
        1 => result & w.Predicates[i->C],
        2 => result | w.Predicates[i->C],
        3 => result ^ w.Predicates[i->C],
        _ => result,
    };

    private static bool Unordered(Instruction* i) => (CompareOp)i->Op == CompareOp.Nan || (i->Flag && (CompareOp)i->Op != CompareOp.Num);

    private static uint Compare<T>(Warp w, Instruction* i) where T : unmanaged, IComparisonOperators<T, T, bool>
    {
        byte* a = w.Registers + i->A, b = w.Registers + i->B;
        bool isFloat = typeof(T) == typeof(float) || typeof(T) == typeof(double) || typeof(T) == typeof(Half);
        if (sizeof(T) == 4 && !i->Ftz) return Wide<T>(a, 0, b, i) | Wide<T>(a, 64, b, i) << 16;
        uint result = 0, nan = 0;
        for (int l = 0; l < 32; l++)
        {
            T x = Lanes.Get<T>(a, l), y = Lanes.Get<T>(b, l);
            if (typeof(T) == typeof(float) && i->Ftz)
            {
                x = Unsafe.BitCast<float, T>(Round.Flush(Unsafe.BitCast<T, float>(x)));
                y = Unsafe.BitCast<float, T>(Round.Flush(Unsafe.BitCast<T, float>(y)));
            }
            if (One((CompareOp)i->Op, x, y)) result |= 1u << l;
            if (isFloat && !(x >= y) && !(x < y)) nan |= 1u << l;
        }
        if (!isFloat) return result;
        return Unordered(i) ? result | nan : result & ~nan;
    }

    private static bool One<T>(CompareOp op, T a, T b) where T : IComparisonOperators<T, T, bool> => op switch
    {
        CompareOp.Eq => a == b,
        CompareOp.Ne => a != b,
        CompareOp.Lt => a < b,
        CompareOp.Le => a <= b,
        CompareOp.Gt => a > b,
        CompareOp.Ge => a >= b,
        CompareOp.Num => true,
        _ => false,
    };

    private static uint Wide<T>(byte* a, int at, byte* b, Instruction* i) where T : unmanaged
    {
        Vector512<T> x = Vector512.Load((T*)(a + at)), y = Vector512.Load((T*)(b + at));
        Vector512<T> v = (CompareOp)i->Op switch
        {
            CompareOp.Eq => Vector512.Equals(x, y),
            CompareOp.Ne => ~Vector512.Equals(x, y),
            CompareOp.Lt => Vector512.LessThan(x, y),
            CompareOp.Le => Vector512.LessThanOrEqual(x, y),
            CompareOp.Gt => Vector512.GreaterThan(x, y),
            CompareOp.Ge => Vector512.GreaterThanOrEqual(x, y),
            CompareOp.Num => Vector512<T>.AllBitsSet,
            _ => Vector512<T>.Zero,
        };
        if (typeof(T) == typeof(float))
        {
            Vector512<T> ordered = Vector512.Equals(x, x) & Vector512.Equals(y, y);
            v = Unordered(i) ? v | ~ordered : v & ordered;
        }
        return (uint)v.ExtractMostSignificantBits();
    }
}
