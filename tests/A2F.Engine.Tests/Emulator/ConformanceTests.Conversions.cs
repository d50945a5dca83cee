using System.Numerics;

namespace A2F.Engine.Tests.Emulator;

/// <summary>Comparisons and conversions of the remaining types and modes.</summary>
public sealed partial class ConformanceTests
{
    private static OpcodeCase SetpPair(string op, string type, Func<ulong, ulong, bool> f) =>
        Body($"setp.{op}.{type} %p|%q, %a, %b; selp.u32 %t0, 1, 0, %p; selp.u32 %t1, 2, 0, %q; add.u32 %d, %t0, %t1;", "u32",
            $"{type} {type}", (a, b, _) => (f(a & 0xFFFF, b & 0xFFFF) ? 1UL : 0) + (f(a >> 16, b >> 16) ? 2UL : 0));

    private static OpcodeCase Testp(string kind, string type, Func<ulong, bool> f) =>
        Body($"testp.{kind}.{type} %p, %a; selp.u32 %d, 1, 0, %p;", "u32", type, (a, _, _) => f(a) ? 1UL : 0);

    private static IEnumerable<OpcodeCase> MoreCompares()
    {
        yield return Setp("eq", "b16", (a, b) => a == b);
        yield return Setp("ne", "b64", (a, b) => a != b);
        yield return Setp("eq", "u64", (a, b) => a == b);
        yield return Setp("le", "s16", (a, b) => (short)a <= (short)b);
        yield return Setp("ge", "s64", (a, b) => (long)a >= (long)b);
        yield return Setp("lo", "u32", (a, b) => a < b);
        yield return Setp("hs", "u64", (a, b) => a >= b);
        yield return Setp("le", "f32", (a, b) => S(a) <= S(b));
        yield return Setp("gt", "f32", (a, b) => S(a) > S(b));
        yield return Setp("leu", "f32", (a, b) => !(S(a) > S(b)));
        yield return Setp("gtu", "f32", (a, b) => !(S(a) <= S(b)));
        yield return Setp("eq.ftz", "f32", (a, b) => Z(S(a)) == Z(S(b)));
        yield return Setp("eq", "f64", (a, b) => D(a) == D(b));
        yield return Setp("ne", "f64", (a, b) => D(a) < D(b) || D(a) > D(b));
        yield return Setp("ltu", "f64", (a, b) => !(D(a) >= D(b)));
        yield return Setp("num", "f64", (a, b) => !double.IsNaN(D(a)) && !double.IsNaN(D(b)));
        yield return Setp("nan", "f64", (a, b) => double.IsNaN(D(a)) || double.IsNaN(D(b)));
        yield return Setp("eq", "f16", (a, b) => Half(a) == Half(b));
        yield return Setp("ne", "f16", (a, b) => Half(a) < Half(b) || Half(a) > Half(b));
        yield return Setp("neu", "f16", (a, b) => Half(a) != Half(b));
        yield return Setp("num", "f16", (a, b) => !NanH(a, b));
        yield return Setp("nan", "f16", NanH);
        yield return Setp("lt", "bf16", (a, b) => B(a) < B(b));
        yield return Setp("equ", "bf16", (a, b) => B(a) == B(b) || NanB(a, b));
        yield return SetpPair("ge", "f16x2", (a, b) => Half(a) >= Half(b));
        yield return SetpPair("neu", "f16x2", (a, b) => Half(a) != Half(b));
        yield return SetpPair("nan", "f16x2", NanH);
        yield return SetpPair("gt", "bf16x2", (a, b) => B(a) > B(b));
        yield return Body("setp.gt.s32 %p, %a, 0; setp.lt.or.u32 %p, %a, %b, %p; selp.u32 %d, 1, 0, %p;", "u32", "u32 u32",
            (a, b, _) => a < b || (int)a > 0 ? 1UL : 0);
        yield return C("set.eq.s32.f64", "s32", "f64 f64", (a, b, _) => D(a) == D(b) ? uint.MaxValue : 0UL);
        yield return C("set.gtu.f32.f32", "f32", "f32 f32", (a, b, _) => F(S(a) <= S(b) ? 0 : 1));
        yield return C("set.ne.u32.u64", "u32", "u64 u64", (a, b, _) => a != b ? uint.MaxValue : 0UL);
        yield return C("set.lt.f16.f16", "f16", "f16 f16", (a, b, _) => Half(a) < Half(b) ? 0x3C00UL : 0);
        yield return C("set.ge.u16.f16", "u16", "f16 f16", (a, b, _) => Half(a) >= Half(b) ? 0xFFFFUL : 0);
        yield return C("set.le.bf16x2.bf16x2", "bf16x2", "bf16x2 bf16x2", (a, b, c) =>
            Pair(a, b, c, (x, y, _) => B(x) <= B(y) ? 0x3F80UL : 0));
        yield return Body("setp.lt.s32 %p, %a, 0; set.lt.and.u32.s32 %d, %a, %b, %p;", "u32", "s32 s32",
            (a, b, _) => (int)a < 0 && (int)a < (int)b ? uint.MaxValue : 0UL);
        yield return C("slct.f32.s32", "f32", "f32 f32 s32", (a, b, c) => (int)c >= 0 ? a : b);
        yield return C("slct.ftz.b32.f32", "b32", "b32 b32 f32", (a, b, c) => Z(S(c)) >= 0 ? a : b);
        yield return Body("setp.ne.s32 %p, %a, 1; selp.f32 %d, %b, %c, %p;", "f32", "s32 f32 f32", (a, b, c) => a != 1 ? b : c);
        yield return Body("setp.ne.s32 %p, %a, 1; selp.b16 %d, %b, %c, !%p;", "b16", "s32 b16 b16", (a, b, c) => a == 1 ? b : c);
        yield return Testp("infinite", "f32", a => float.IsInfinity(S(a)));
        yield return Testp("number", "f32", a => !float.IsNaN(S(a)));
        yield return Testp("normal", "f32", a => float.IsNormal(S(a)));
        yield return Testp("finite", "f64", a => double.IsFinite(D(a)));
        yield return Testp("subnormal", "f64", a => double.IsSubnormal(D(a)));
        yield return Body("setp.lt.s32 %p, %a, 0; setp.lt.s32 %q, %b, 0; or.pred %p, %p, %q; selp.u32 %d, 1, 0, %p; mov.pred %q, %p;",
            "u32",
            "s32 s32", (a, b, _) => (int)a < 0 || (int)b < 0 ? 1UL : 0);
    }

    /// <summary>A double, exactly, or any of the values that integers cannot hold.</summary>
    private static ulong ToInteger(double v, Func<double, double> round, int bits, bool signed)
    {
        if (double.IsNaN(v)) return bits == 64 ? 1UL << 63 : 0;
        double low = signed ? -Math.Pow(2, bits - 1) : 0, high = Math.Pow(2, signed ? bits - 1 : bits), rounded = round(v);
        if (rounded <= low) return (ulong)(long)low;
        if (rounded >= high) return signed ? (1UL << bits - 1) - 1 : bits == 64 ? ulong.MaxValue : (1UL << bits) - 1;
        return (ulong)((BigInteger)rounded & ulong.MaxValue);
    }

    private static double Even(double v) => Math.Round(v, MidpointRounding.ToEven);

    /// <summary>An integer of up to 64 bits as a double, rounded as asked, by the places that do not fit.</summary>
    private static double ToDouble(BigInteger v, string mode)
    {
        BigInteger size = BigInteger.Abs(v);
        int drop = Math.Max(0, (int)size.GetBitLength() - 53);
        BigInteger kept = size >> drop, rest = size - (kept << drop), half = drop > 0 ? BigInteger.One << drop - 1 : 1;
        bool up = mode switch
        {
            "rz" => false,
            "rm" => v.Sign < 0 && !rest.IsZero,
            "rp" => v.Sign > 0 && !rest.IsZero,
            _ => rest > half || (rest == half && !kept.IsEven),
        };
        return v.Sign * Math.ScaleB((double)(kept + (up ? 1 : 0)), drop);
    }

    /// <summary>The neighbour of a double among halves: of the two round it, the one that the mode wants.</summary>
    private static ulong ToHalf(double v, string mode)
    {
        Half near = (Half)v;
        if (!double.IsFinite(v) || (double)near == v) return BitConverter.HalfToUInt16Bits(near);
        Half below = (double)near < v ? near : System.Half.BitDecrement(near), above = (double)near > v ? near
            : System.Half.BitIncrement(near);
        Half chosen = mode switch { "rz" => v > 0 ? below : above, "rm" => below, "rp" => above, _ => near };
        return BitConverter.HalfToUInt16Bits(chosen);
    }

    private static IEnumerable<OpcodeCase> IntegerConversions()
    {
        yield return C("cvt.u32.s8", "u32", "u32", (a, _, _) => (ulong)(sbyte)a);
        yield return C("cvt.u64.u16", "u64", "u16", (a, _, _) => a);
        yield return C("cvt.s64.s16", "s64", "s16", (a, _, _) => (ulong)(short)a);
        yield return C("cvt.s64.u32", "s64", "u32", (a, _, _) => a);
        yield return C("cvt.s16.s32", "s16", "s32", (a, _, _) => a);
        yield return C("cvt.u16.u64", "u16", "u64", (a, _, _) => a);
        yield return C("cvt.s32.s64", "s32", "s64", (a, _, _) => a);
        yield return C("cvt.u32.u16", "u32", "u16", (a, _, _) => a);
        yield return C("cvt.sat.u32.s32", "u32", "s32", (a, _, _) => (ulong)Math.Max(0, (int)a));
        yield return C("cvt.sat.s16.s32", "s16", "s32", (a, _, _) => (ulong)Math.Clamp((int)a, short.MinValue, short.MaxValue));
        yield return C("cvt.sat.u16.u32", "u16", "u32", (a, _, _) => Math.Min(a, 0xFFFF));
        yield return C("cvt.sat.s32.s64", "s32", "s64", (a, _, _) => (ulong)Math.Clamp((long)a, int.MinValue, int.MaxValue));
        yield return C("cvt.sat.s32.u32", "s32", "u32", (a, _, _) => Math.Min(a, int.MaxValue));
        foreach (string mode in (string[])["rn", "rz", "rm", "rp"])
        {
            yield return C($"cvt.{mode}.f64.u64", "f64", "u64", (a, _, _) => G(ToDouble(a, mode)));
            yield return C($"cvt.{mode}.f64.s64", "f64", "s64", (a, _, _) => G(ToDouble((long)a, mode)));
            yield return C($"cvt.{mode}.f16.f32", "f16", "f32", (a, _, _) => ToHalf(S(a), mode)) with { Name = $"halves {mode}" };
            yield return C($"cvt.{mode}.f16.f64", "f16", "f64", (a, _, _) => ToHalf(D(a), mode));
            yield return C($"cvt.{mode}.f16.u32", "f16", "u32", (a, _, _) => ToHalf(a, mode));
        }
        yield return C("cvt.rn.f64.u32", "f64", "u32", (a, _, _) => G((uint)a));
        yield return C("cvt.rn.f32.s64", "f32", "s64", (a, _, _) => F((long)a));
        yield return C("cvt.rp.f32.u32", "f32", "u32", (a, _, _) => F(Toward(a, 1)));
        yield return C("cvt.rm.f32.s32", "f32", "s32", (a, _, _) => F(Toward((int)a, -1)));
        yield return C("cvt.rn.f32.u16", "f32", "u16", (a, _, _) => F((ushort)a));
        yield return C("cvt.rn.f32.s8", "f32", "s32", (a, _, _) => F((sbyte)a));
        yield return C("cvt.rn.f16.s16", "f16", "s16", (a, _, _) => H((short)a));
        yield return C("cvt.rn.f16.u64", "f16", "u64", (a, _, _) => ToHalf(ToDouble(a, "rn"), "rn"));
        yield return C("cvt.rn.bf16.s32", "bf16", "s32", (a, _, _) => ToB((int)a));
    }

    private static IEnumerable<OpcodeCase> FloatConversions()
    {
        yield return C("cvt.rni.u32.f32", "u32", "f32", (a, _, _) => ToInteger(S(a), Even, 32, false));
        yield return C("cvt.rmi.u32.f32", "u32", "f32", (a, _, _) => ToInteger(S(a), Math.Floor, 32, false));
        yield return C("cvt.rpi.u32.f32", "u32", "f32", (a, _, _) => ToInteger(S(a), Math.Ceiling, 32, false));
        yield return C("cvt.rzi.u16.f32", "u16", "f32", (a, _, _) => ToInteger(S(a), Math.Truncate, 16, false));
        yield return C("cvt.rzi.s64.f32", "s64", "f32", (a, _, _) => ToInteger(S(a), Math.Truncate, 64, true));
        yield return C("cvt.rni.s64.f32", "s64", "f32", (a, _, _) => ToInteger(S(a), Even, 64, true));
        yield return C("cvt.rzi.ftz.s32.f32", "s32", "f32", (a, _, _) => ToInteger(Z(S(a)), Math.Truncate, 32, true));
        yield return C("cvt.rpi.ftz.s32.f32", "s32", "f32", (a, _, _) => ToInteger(Z(S(a)), Math.Ceiling, 32, true));
        yield return C("cvt.rzi.s32.f16", "s32", "f16", (a, _, _) => ToInteger(Half(a), Math.Truncate, 32, true));
        yield return C("cvt.rni.u32.f16", "u32", "f16", (a, _, _) => ToInteger(Half(a), Even, 32, false));
        yield return C("cvt.rzi.s16.f16", "s16", "f16", (a, _, _) => ToInteger(Half(a), Math.Truncate, 16, true));
        yield return C("cvt.rzi.u16.f16", "u16", "f16", (a, _, _) => ToInteger(Half(a), Math.Truncate, 16, false));
        yield return C("cvt.rni.s64.f64", "s64", "f64", (a, _, _) => ToInteger(D(a), Even, 64, true));
        yield return C("cvt.rmi.s64.f64", "s64", "f64", (a, _, _) => ToInteger(D(a), Math.Floor, 64, true));
        yield return C("cvt.rzi.f32.f32", "f32", "f32", (a, _, _) => F(MathF.Truncate(S(a))));
        yield return C("cvt.rpi.f32.f32", "f32", "f32", (a, _, _) => F(MathF.Ceiling(S(a))));
        yield return C("cvt.rni.ftz.f32.f32", "f32", "f32", (a, _, _) => F(MathF.Round(Z(S(a)), MidpointRounding.ToEven)));
        yield return C("cvt.rni.f64.f64", "f64", "f64", (a, _, _) => G(Even(D(a))));
        yield return C("cvt.rzi.f64.f64", "f64", "f64", (a, _, _) => G(Math.Truncate(D(a))));
        yield return C("cvt.rmi.f16.f16", "f16", "f16", (a, _, _) => H(Math.Floor(Half(a))));
        yield return C("cvt.rni.f16.f16", "f16", "f16", (a, _, _) => H(Even(Half(a))));
        yield return C("cvt.rz.f32.f64", "f32", "f64", (a, _, _) => F(Toward(D(a), 0)));
        yield return C("cvt.rm.f32.f64", "f32", "f64", (a, _, _) => F(Toward(D(a), -1)));
        yield return C("cvt.rn.ftz.f32.f64", "f32", "f64", (a, _, _) => F(Z((float)D(a))));
        yield return C("cvt.rn.sat.f32.f64", "f32", "f64", (a, _, _) => F(Sat((float)D(a))));
        yield return C("cvt.f64.f16", "f64", "f16", (a, _, _) => G(Half(a)));
        yield return C("cvt.ftz.f64.f32", "f64", "f32", (a, _, _) => G(Z(S(a))));
        yield return C("cvt.sat.f32.f16", "f32", "f16", (a, _, _) => F(Sat((float)Half(a))));
        yield return C("cvt.rn.sat.f16.f32", "f16", "f32", (a, _, _) => H(Sat(S(a))));
        yield return C("cvt.rn.ftz.f16.f32", "f16", "f32", (a, _, _) => H(Z(S(a))));
        yield return C("cvt.rn.relu.f16.f32", "f16", "f32", (a, _, _) => H(Relu(S(a))));
        yield return C("cvt.f32.bf16", "f32", "bf16", (a, _, _) => F(B(a)));
        yield return C("cvt.rn.bf16.f16", "bf16", "f16", (a, _, _) => ToB(Half(a)));
        yield return C("cvt.rz.bf16.f32", "bf16", "f32", (a, _, _) => float.IsNaN(S(a)) ? 0x7FFF : a >> 16);
        yield return C("cvt.rn.relu.bf16.f32", "bf16", "f32", (a, _, _) => ToB(Relu(S(a))));
        yield return C("cvt.rz.f16x2.f32", "f16x2", "f32 f32", (a, b, _) => ToHalf(S(a), "rz") << 16 | ToHalf(S(b), "rz"));
        yield return C("cvt.rz.bf16x2.f32", "bf16x2", "f32 f32",
            (a, b, _) => (float.IsNaN(S(a)) ? 0x7FFF : a >> 16) << 16 | (float.IsNaN(S(b)) ? 0x7FFF : b >> 16));
        yield return C("cvt.rn.relu.bf16x2.f32", "bf16x2", "f32 f32", (a, b, _) => ToB(Relu(S(a))) << 16 | ToB(Relu(S(b))));
        yield return C("cvt.rn.tf32.f32", "b32", "f32", (a, _, _) => Tf32(a, true));
        yield return C("cvt.rz.tf32.f32", "b32", "f32", (a, _, _) => (a & 0x7F800000) == 0x7F800000 ? a : a & 0xFFFFE000);
        yield return C("cvt.rn.relu.tf32.f32", "b32", "f32", (a, _, _) => (a & 0x7FFFFFFF) > 0x7F800000 ? a : (int)a < 0 ? 0
            : Tf32(a, true));
    }

    /// <summary>Ten places after the point: the nearer neighbour, of two equally near the even one.</summary>
    private static ulong Tf32(ulong a, bool even)
    {
        if ((a & 0x7F800000) == 0x7F800000) return a;
        ulong below = a & 0xFFFFE000, rest = a - below;
        return rest > 0x1000 || (rest == 0x1000 && (!even || (below & 0x2000) != 0)) ? below + 0x2000 : below;
    }
}
