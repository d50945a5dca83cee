using System.Numerics;
using Xunit;

namespace A2F.Engine.Tests.Emulator;

/// <summary>Each instruction form alone, against values worked out in plain C# arithmetic.</summary>
public sealed partial class ConformanceTests
{
    private static readonly Dictionary<string, OpcodeCase> Cases = Build();

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Each_lane_gives_the_documented_value(string name) => Assert.Null(Cases[name].Check());

    [Fact]
    public void There_are_hundreds_of_instruction_forms() => Assert.True(Cases.Count >= 450, $"{Cases.Count} cases");

    private static Dictionary<string, OpcodeCase> Build()
    {
        Dictionary<string, OpcodeCase> all = [];
        IEnumerable<OpcodeCase>[] families =
        [
            Integers(), MoreIntegers(), Bits(), MoreBits(), Floats(), Rounded(), MoreFloats(), Narrow(), MoreNarrow(), Compares(),
            MoreCompares(), Conversions(), IntegerConversions(), FloatConversions(), Moves(), Machine(),
        ];
        foreach (OpcodeCase c in families.SelectMany(f => f)) all.Add(c.Name, c);
        return all;
    }

    private static OpcodeCase C(string op, string result, string inputs, Func<ulong, ulong, ulong, ulong> f, long ulps = 0)
    {
        string[] types = inputs.Split(' ');
        return new(op, $"{op} %d, {string.Join(", ", types.Select((_, i) => "%" + (char)('a' + i)))};", result, types, f, ulps);
    }

    private static OpcodeCase Body(string body, string result, string inputs, Func<ulong, ulong, ulong, ulong> f) =>
        new(body, body, result, inputs.Split(' '), f);

    private static ulong F(float v) => BitConverter.SingleToUInt32Bits(v);

    private static float S(ulong v) => BitConverter.UInt32BitsToSingle((uint)v);

    private static ulong G(double v) => BitConverter.DoubleToUInt64Bits(v);

    private static double D(ulong v) => BitConverter.UInt64BitsToDouble(v);

    private static ulong H(double v) => BitConverter.HalfToUInt16Bits((Half)v);

    private static double Half(ulong v) => (double)BitConverter.UInt16BitsToHalf((ushort)v);

    private static float Z(float v) => Math.Abs(v) < 1.17549435e-38f ? MathF.CopySign(0, v) : v;

    private static float B(ulong v) => BitConverter.UInt32BitsToSingle((uint)(v & 0xFFFF) << 16);

    /// <summary>To bf16, nearest even, through exact comparison of the two neighbours.</summary>
    private static ulong ToB(double v)
    {
        if (double.IsNaN(v)) return 0x7FFF;
        float f = (float)v;
        if (f == 0 || float.IsInfinity(f)) return F(f) >> 16;
        uint low = (uint)(F(f) >> 16);
        uint best = low;
        double bestError = double.MaxValue;
        foreach (uint candidate in (uint[])[low - 1, low, low + 1])
        {
            double value = (candidate & 0x7FFF) == 0x7F80 ? Math.CopySign(Math.Pow(2, 128), v) : B(candidate);
            double error = Math.Abs(value - v);
            if (error < bestError || (error == bestError && (candidate & 1) == 0)) (best, bestError) = (candidate, error);
        }
        return best;
    }

    private static ulong Pair(ulong a, ulong b, ulong c, Func<ulong, ulong, ulong, ulong> f) =>
        f(a & 0xFFFF, b & 0xFFFF, c & 0xFFFF) & 0xFFFF | f(a >> 16, b >> 16, c >> 16) << 16;

    private static IEnumerable<OpcodeCase> Integers()
    {
        yield return C("add.s32", "s32", "s32 s32", (a, b, _) => a + b);
        yield return C("add.u16", "u16", "u16 u16", (a, b, _) => a + b);
        yield return C("add.s64", "s64", "s64 s64", (a, b, _) => a + b);
        yield return C("add.sat.s32", "s32", "s32 s32", (a, b, _) => (ulong)Math.Clamp((long)(int)a + (int)b, int.MinValue, int.MaxValue));
        yield return C("sub.u32", "u32", "u32 u32", (a, b, _) => a - b);
        yield return C("sub.s16", "s16", "s16 s16", (a, b, _) => a - b);
        yield return C("sub.u64", "u64", "u64 u64", (a, b, _) => a - b);
        yield return C("sub.sat.s32", "s32", "s32 s32", (a, b, _) => (ulong)Math.Clamp((long)(int)a - (int)b, int.MinValue, int.MaxValue));
        yield return C("mul.lo.s32", "s32", "s32 s32", (a, b, _) => a * b);
        yield return C("mul.lo.u16", "u16", "u16 u16", (a, b, _) => a * b);
        yield return C("mul.lo.u64", "u64", "u64 u64", (a, b, _) => a * b);
        yield return C("mul.hi.s32", "s32", "s32 s32", (a, b, _) => (ulong)((BigInteger)(int)a * (int)b >> 32 & uint.MaxValue));
        yield return C("mul.hi.u32", "u32", "u32 u32", (a, b, _) => a * b >> 32);
        yield return C("mul.hi.u64", "u64", "u64 u64", (a, b, _) => (ulong)((BigInteger)a * b >> 64));
        yield return C("mul.hi.s64", "s64", "s64 s64", (a, b, _) => (ulong)((BigInteger)(long)a * (long)b >> 64 & ulong.MaxValue));
        yield return C("mul.hi.s16", "s16", "s16 s16", (a, b, _) => (ulong)((short)a * (short)b >> 16));
        yield return C("mul.wide.s32", "s64", "s32 s32", (a, b, _) => (ulong)((long)(int)a * (int)b));
        yield return C("mul.wide.u32", "u64", "u32 u32", (a, b, _) => a * b);
        yield return C("mul.wide.s16", "s32", "s16 s16", (a, b, _) => (ulong)((short)a * (short)b));
        yield return C("mul.wide.u16", "u32", "u16 u16", (a, b, _) => a * b);
        yield return C("mad.lo.s32", "s32", "s32 s32 s32", (a, b, c) => a * b + c);
        yield return C("mad.lo.u64", "u64", "u64 u64 u64", (a, b, c) => a * b + c);
        yield return C("mad.hi.u32", "u32", "u32 u32 u32", (a, b, c) => (a * b >> 32) + c);
        yield return C("mad.wide.u32", "u64", "u32 u32 u64", (a, b, c) => a * b + c);
        yield return C("mad.wide.s32", "s64", "s32 s32 s64", (a, b, c) => (ulong)((long)(int)a * (int)b) + c);
        yield return C("mul24.lo.s32", "s32", "s32 s32", (a, b, _) => (ulong)(((int)a << 8 >> 8) * (long)((int)b << 8 >> 8)));
        yield return C("mul24.lo.u32", "u32", "u32 u32", (a, b, _) => (a & 0xFFFFFF) * (b & 0xFFFFFF));
        yield return C("mad24.lo.u32", "u32", "u32 u32 u32", (a, b, c) => (a & 0xFFFFFF) * (b & 0xFFFFFF) + c);
        yield return C("sad.s32", "s32", "s32 s32 s32", (a, b, c) => c + (ulong)Math.Abs((long)(int)a - (int)b));
        yield return C("sad.u32", "u32", "u32 u32 u32", (a, b, c) => c + (a > b ? a - b : b - a));
        yield return C("div.s32", "s32", "s32 s32", (a, b, _) => b == 0 ? ~0UL : (ulong)((long)(int)a / (int)b));
        yield return C("div.u32", "u32", "u32 u32", (a, b, _) => b == 0 ? ~0UL : a / b);
        yield return C("div.u64", "u64", "u64 u64", (a, b, _) => b == 0 ? ~0UL : a / b);
        yield return C("rem.s32", "s32", "s32 s32", (a, b, _) => b == 0 ? a : (ulong)((long)(int)a % (int)b));
        yield return C("rem.u32", "u32", "u32 u32", (a, b, _) => b == 0 ? a : a % b);
        yield return C("rem.u16", "u16", "u16 u16", (a, b, _) => b == 0 ? a : a % b);
        yield return C("abs.s32", "s32", "s32", (a, _, _) => (ulong)Math.Abs((long)(int)a));
        yield return C("abs.s64", "s64", "s64", (a, _, _) => (long)a < 0 ? 0 - a : a);
        yield return C("neg.s32", "s32", "s32", (a, _, _) => 0 - a);
        yield return C("neg.s16", "s16", "s16", (a, _, _) => 0 - a);
        yield return C("min.s32", "s32", "s32 s32", (a, b, _) => (ulong)Math.Min((int)a, (int)b));
        yield return C("min.u32", "u32", "u32 u32", (a, b, _) => Math.Min(a, b));
        yield return C("min.s64", "s64", "s64 s64", (a, b, _) => (ulong)Math.Min((long)a, (long)b));
        yield return C("max.s32", "s32", "s32 s32", (a, b, _) => (ulong)Math.Max((int)a, (int)b));
        yield return C("max.u16", "u16", "u16 u16", (a, b, _) => Math.Max(a, b));
        yield return C("max.u64", "u64", "u64 u64", (a, b, _) => Math.Max(a, b));
        yield return Body("add.cc.u32 %t0, %a, %b; addc.u32 %d, %a, %b;", "u32", "u32 u32", (a, b, _) => a + b + (a + b >> 32));
        yield return Body("sub.cc.u32 %t0, %a, %b; subc.u32 %d, %a, %b;", "u32", "u32 u32", (a, b, _) => a - b - (a < b ? 1UL : 0));
        yield return Body("mad.lo.cc.u32 %t0, %a, %b, %c; madc.hi.u32 %d, %a, %b, %c;", "u32", "u32 u32 u32",
            (a, b, c) => (a * b >> 32) + c + ((uint)(a * b) + c >> 32));
    }

    private static IEnumerable<OpcodeCase> Bits()
    {
        yield return C("and.b32", "b32", "b32 b32", (a, b, _) => a & b);
        yield return C("or.b32", "b32", "b32 b32", (a, b, _) => a | b);
        yield return C("xor.b32", "b32", "b32 b32", (a, b, _) => a ^ b);
        yield return C("not.b32", "b32", "b32", (a, _, _) => ~a);
        yield return C("cnot.b32", "b32", "b32", (a, _, _) => a == 0 ? 1UL : 0);
        yield return C("and.b64", "b64", "b64 b64", (a, b, _) => a & b);
        yield return C("or.b16", "b16", "b16 b16", (a, b, _) => a | b);
        yield return C("xor.b64", "b64", "b64 b64", (a, b, _) => a ^ b);
        yield return C("not.b64", "b64", "b64", (a, _, _) => ~a);
        yield return C("shl.b32", "b32", "b32 sh", (a, b, _) => b > 31 ? 0 : a << (int)b);
        yield return C("shl.b64", "b64", "b64 sh", (a, b, _) => b > 63 ? 0 : a << (int)b);
        yield return C("shl.b16", "b16", "b16 sh", (a, b, _) => b > 15 ? 0 : a << (int)b);
        yield return C("shr.u32", "u32", "u32 sh", (a, b, _) => b > 31 ? 0 : a >> (int)b);
        yield return C("shr.s32", "s32", "s32 sh", (a, b, _) => (ulong)((int)a >> (int)Math.Min(b, 31)));
        yield return C("shr.u64", "u64", "u64 sh", (a, b, _) => b > 63 ? 0 : a >> (int)b);
        yield return C("shr.s64", "s64", "s64 sh", (a, b, _) => (ulong)((long)a >> (int)Math.Min(b, 63)));
        yield return C("shr.s16", "s16", "s16 sh", (a, b, _) => (ulong)((short)a >> (int)Math.Min(b, 15)));
        yield return C("popc.b32", "u32", "b32", (a, _, _) => (ulong)BitOperations.PopCount(a));
        yield return C("popc.b64", "u32", "b64", (a, _, _) => (ulong)BitOperations.PopCount(a));
        yield return C("clz.b32", "u32", "b32", (a, _, _) => (ulong)BitOperations.LeadingZeroCount((uint)a));
        yield return C("clz.b64", "u32", "b64", (a, _, _) => (ulong)BitOperations.LeadingZeroCount(a));
        yield return C("brev.b32", "b32", "b32", (a, _, _) => Reverse(a, 32));
        yield return C("brev.b64", "b64", "b64", (a, _, _) => Reverse(a, 64));
        yield return C("bfind.u32", "u32", "u32", (a, _, _) => a == 0 ? uint.MaxValue : (ulong)BitOperations.Log2(a));
        yield return C("bfind.s32", "u32", "s32", (a, _, _) => Find((int)a < 0 ? ~(uint)a : (uint)a));
        yield return Body("bfe.u32 %d, %a, 5, 9;", "u32", "u32", (a, _, _) => a >> 5 & 511);
        yield return Body("bfe.s32 %d, %a, 5, 9;", "s32", "s32", (a, _, _) => (ulong)((int)a << 18 >> 23));
        yield return Body("bfe.u64 %d, %a, 20, 30;", "u64", "u64", (a, _, _) => a >> 20 & 0x3FFFFFFF);
        yield return Body("bfe.s32 %d, %a, 28, 9;", "s32", "s32", (a, _, _) => (ulong)((int)a >> 28));
        yield return Body("bfi.b32 %d, %a, %b, 8, 12;", "b32", "b32 b32", (a, b, _) => b & ~0xFFF00UL | a << 8 & 0xFFF00);
        yield return Body("bfi.b64 %d, %a, %b, 60, 12;", "b64", "b64 b64", (a, b, _) => b & ~(15UL << 60) | a << 60);
        yield return C("prmt.b32", "b32", "b32 b32 b32", (a, b, c) => Permute((uint)a, (uint)b, (uint)c));
        yield return Body("lop3.b32 %d, %a, %b, %c, 0x96;", "b32", "b32 b32 b32", (a, b, c) => a ^ b ^ c);
        yield return Body("lop3.b32 %d, %a, %b, %c, 0xCA;", "b32", "b32 b32 b32", (a, b, c) => a & b | ~a & c);
        yield return C("shf.l.wrap.b32", "b32", "b32 b32 sh", (a, b, c) => (b << 32 | a) << (int)(c & 31) >> 32);
        yield return C("shf.r.wrap.b32", "b32", "b32 b32 sh", (a, b, c) => (b << 32 | a) >> (int)(c & 31));
        yield return C("shf.r.clamp.b32", "b32", "b32 b32 sh", (a, b, c) => (b << 32 | a) >> (int)Math.Min(c, 32));
        yield return C("shf.l.clamp.b32", "b32", "b32 b32 sh", (a, b, c) => (b << 32 | a) >> (int)(32 - Math.Min(c, 32)));
        yield return C("dp4a.s32.s32", "s32", "s32 s32 s32",
            (a, b, c) => c + (ulong)Enumerable.Range(0, 4).Sum(k => (sbyte)(a >> 8 * k) * (sbyte)(b >> 8 * k)));
    }

    private static ulong Reverse(ulong v, int bits)
    {
        ulong r = 0;
        for (int i = 0; i < bits; i++) r |= (v >> i & 1) << (bits - 1 - i);
        return r;
    }

    private static ulong Find(uint v) => v == 0 ? uint.MaxValue : (ulong)BitOperations.Log2(v);

    private static ulong Permute(uint a, uint b, uint c)
    {
        byte[] pool = [.. BitConverter.GetBytes(a), .. BitConverter.GetBytes(b)];
        ulong r = 0;
        for (int i = 0; i < 4; i++)
        {
            uint pick = c >> 4 * i & 15;
            byte v = pool[pick & 7];
            r |= (ulong)((pick & 8) != 0 ? v >= 128 ? 255 : 0 : v) << 8 * i;
        }
        return r;
    }

    private static IEnumerable<OpcodeCase> Floats()
    {
        yield return C("add.f32", "f32", "f32 f32", (a, b, _) => F(S(a) + S(b)));
        yield return C("sub.rn.f32", "f32", "f32 f32", (a, b, _) => F(S(a) - S(b)));
        yield return C("mul.f32", "f32", "f32 f32", (a, b, _) => F(S(a) * S(b)));
        yield return C("fma.rn.f32", "f32", "f32 f32 f32", (a, b, c) => F(MathF.FusedMultiplyAdd(S(a), S(b), S(c))));
        yield return C("add.ftz.f32", "f32", "f32 f32", (a, b, _) => F(Z(Z(S(a)) + Z(S(b)))));
        yield return C("mul.ftz.f32", "f32", "f32 f32", (a, b, _) => F(Z(Z(S(a)) * Z(S(b)))));
        yield return C("add.sat.f32", "f32", "f32 f32", (a, b, _) => F(Sat(S(a) + S(b))));
        yield return C("fma.rn.sat.f32", "f32", "f32 f32 f32", (a, b, c) => F(Sat(MathF.FusedMultiplyAdd(S(a), S(b), S(c)))));
        yield return C("mul.rz.f32", "f32", "f32 f32", (a, b, _) => F(Toward((double)S(a) * S(b), 0)));
        yield return C("mul.rm.f32", "f32", "f32 f32", (a, b, _) => F(Toward((double)S(a) * S(b), -1)));
        yield return C("mul.rp.f32", "f32", "f32 f32", (a, b, _) => F(Toward((double)S(a) * S(b), 1)));
        yield return C("div.rn.f32", "f32", "f32 f32", (a, b, _) => F(S(a) / S(b)));
        yield return C("div.full.f32", "f32", "f32 f32", (a, b, _) => F(S(a) / S(b)), 2);
        yield return C("div.approx.ftz.f32", "f32", "f32 f32", (a, b, _) => F(Z(Z(S(a)) / Z(S(b)))), 2);
        yield return C("rcp.rn.f32", "f32", "f32", (a, _, _) => F(1 / S(a)));
        yield return C("rcp.approx.ftz.f32", "f32", "f32", (a, _, _) => F(Z(1 / Z(S(a)))), 1);
        yield return C("sqrt.rn.f32", "f32", "f32", (a, _, _) => F(MathF.Sqrt(S(a))));
        yield return C("sqrt.approx.f32", "f32", "f32", (a, _, _) => F(MathF.Sqrt(S(a))), 1);
        yield return C("rsqrt.approx.f32", "f32", "f32", (a, _, _) => F((float)(1 / Math.Sqrt(S(a)))), 2);
        yield return C("ex2.approx.f32", "f32", "f32", (a, _, _) => F((float)Math.Pow(2, S(a))), 2);
        yield return C("lg2.approx.f32", "f32", "f32", (a, _, _) => F((float)Math.Log2(S(a))), 2);
        yield return C("sin.approx.f32", "f32", "f32", (a, _, _) => F((float)Math.Sin(S(a))), 4);
        yield return C("cos.approx.f32", "f32", "f32", (a, _, _) => F((float)Math.Cos(S(a))), 4);
        yield return C("tanh.approx.f32", "f32", "f32", (a, _, _) => F((float)Math.Tanh(S(a))), 4);
        yield return C("min.f32", "f32", "f32 f32", (a, b, _) => F(float.IsNaN(S(a)) ? S(b) : float.IsNaN(S(b)) ? S(a) : MathF.Min(S(a),
            S(b))));
        yield return C("max.f32", "f32", "f32 f32", (a, b, _) => F(float.IsNaN(S(a)) ? S(b) : float.IsNaN(S(b)) ? S(a) : MathF.Max(S(a),
            S(b))));
        yield return C("max.NaN.f32", "f32", "f32 f32", (a, b, _) => F(MathF.Max(S(a), S(b))));
        yield return C("abs.f32", "f32", "f32", (a, _, _) => a & 0x7FFFFFFF);
        yield return C("neg.f32", "f32", "f32", (a, _, _) => a ^ 0x80000000);
        yield return C("copysign.f32", "f32", "f32 f32", (a, b, _) => a & 0x80000000 | b & 0x7FFFFFFF);
        yield return C("add.f64", "f64", "f64 f64", (a, b, _) => G(D(a) + D(b)));
        yield return C("sub.f64", "f64", "f64 f64", (a, b, _) => G(D(a) - D(b)));
        yield return C("mul.rn.f64", "f64", "f64 f64", (a, b, _) => G(D(a) * D(b)));
        yield return C("fma.rn.f64", "f64", "f64 f64 f64", (a, b, c) => G(Math.FusedMultiplyAdd(D(a), D(b), D(c))));
        yield return C("div.rn.f64", "f64", "f64 f64", (a, b, _) => G(D(a) / D(b)));
        yield return C("sqrt.rn.f64", "f64", "f64", (a, _, _) => G(Math.Sqrt(D(a))));
        yield return C("min.f64", "f64", "f64 f64", (a, b, _) => G(double.MinNumber(D(a), D(b))));
        yield return C("neg.f64", "f64", "f64", (a, _, _) => a ^ 1UL << 63);
    }

    private static float Sat(float v) => v > 0 ? Math.Min(v, 1) : 0;

    /// <summary>The neighbour of an exact double in the wanted direction (-1 down, 0 to zero, 1 up).</summary>
    private static float Toward(double v, int way)
    {
        float f = (float)v;
        if (double.IsInfinity(v) || double.IsNaN(v) || f == v) return f;
        bool down = way < 0 || (way == 0 && v > 0);
        return down ? f > v ? MathF.BitDecrement(f) : f : f < v ? MathF.BitIncrement(f) : f;
    }

    private static IEnumerable<OpcodeCase> Narrow()
    {
        yield return C("add.f16", "f16", "f16 f16", (a, b, _) => H(Half(a) + Half(b)));
        yield return C("sub.rn.f16", "f16", "f16 f16", (a, b, _) => H(Half(a) - Half(b)));
        yield return C("mul.f16", "f16", "f16 f16", (a, b, _) => H(Half(a) * Half(b)));
        yield return C("fma.rn.f16", "f16", "f16 f16 f16", (a, b, c) => H(Half(a) * Half(b) + Half(c)));
        yield return C("neg.f16", "f16", "f16", (a, _, _) => a ^ 0x8000);
        yield return C("abs.f16", "f16", "f16", (a, _, _) => a & 0x7FFF);
        yield return C("min.f16", "f16", "f16 f16", (a, b, _) => H(double.MinNumber(Half(a), Half(b))));
        yield return C("max.f16", "f16", "f16 f16", (a, b, _) => H(double.MaxNumber(Half(a), Half(b))));
        yield return C("ex2.approx.f16", "f16", "f16", (a, _, _) => H(Math.Pow(2, Half(a))));
        yield return C("tanh.approx.f16", "f16", "f16", (a, _, _) => H(Math.Tanh(Half(a))));
        yield return C("add.f16x2", "f16x2", "f16x2 f16x2", (a, b, c) => Pair(a, b, c, (x, y, _) => H(Half(x) + Half(y))));
        yield return C("mul.f16x2", "f16x2", "f16x2 f16x2", (a, b, c) => Pair(a, b, c, (x, y, _) => H(Half(x) * Half(y))));
        yield return C("fma.rn.f16x2", "f16x2", "f16x2 f16x2 f16x2", (a, b, c) => Pair(a, b, c, (x, y, z) =>
            H(Half(x) * Half(y) + Half(z))));
        yield return C("fma.rn.relu.f16", "f16", "f16 f16 f16", (a, b, c) => H(Relu(Half(a) * Half(b) + Half(c))));
        yield return C("max.f16x2", "f16x2", "f16x2 f16x2", (a, b, c) => Pair(a, b, c, (x, y, _) => H(double.MaxNumber(Half(x), Half(y)))));
        yield return C("neg.f16x2", "f16x2", "f16x2", (a, _, _) => a ^ 0x80008000);
        yield return C("fma.rn.bf16", "bf16", "bf16 bf16 bf16", (a, b, c) => ToB((double)B(a) * B(b) + B(c)));
        yield return C("fma.rn.bf16x2", "bf16x2", "bf16x2 bf16x2 bf16x2", (a, b, c) => Pair(a, b, c, (x, y, z) =>
            ToB((double)B(x) * B(y) + B(z))));
        yield return C("max.bf16x2", "bf16x2", "bf16x2 bf16x2", (a, b, c) => Pair(a, b, c, (x, y, _) => ToB(float.MaxNumber(B(x), B(y)))));
        yield return C("neg.bf16x2", "bf16x2", "bf16x2", (a, _, _) => a ^ 0x80008000);
    }

    private static double Relu(double v) => v > 0 || double.IsNaN(v) ? v : 0;

    private static OpcodeCase Setp(string op, string type, Func<ulong, ulong, bool> f) =>
        Body($"setp.{op}.{type} %p, %a, %b; selp.u32 %d, 1, 0, %p;", "u32", $"{type} {type}", (a, b, _) => f(a, b) ? 1UL : 0);

    private static IEnumerable<OpcodeCase> Compares()
    {
        yield return Setp("eq", "s32", (a, b) => a == b);
        yield return Setp("ne", "u32", (a, b) => a != b);
        yield return Setp("lt", "s32", (a, b) => (int)a < (int)b);
        yield return Setp("lt", "u32", (a, b) => a < b);
        yield return Setp("le", "s32", (a, b) => (int)a <= (int)b);
        yield return Setp("gt", "s32", (a, b) => (int)a > (int)b);
        yield return Setp("ge", "u32", (a, b) => a >= b);
        yield return Setp("hi", "u32", (a, b) => a > b);
        yield return Setp("ls", "u32", (a, b) => a <= b);
        yield return Setp("lt", "s16", (a, b) => (short)a < (short)b);
        yield return Setp("ge", "u16", (a, b) => a >= b);
        yield return Setp("lt", "s64", (a, b) => (long)a < (long)b);
        yield return Setp("gt", "u64", (a, b) => a > b);
        yield return Setp("eq", "f32", (a, b) => S(a) == S(b));
        yield return Setp("ne", "f32", (a, b) => S(a) != S(b) && !Nan(a, b));
        yield return Setp("lt", "f32", (a, b) => S(a) < S(b));
        yield return Setp("geu", "f32", (a, b) => !(S(a) < S(b)));
        yield return Setp("neu", "f32", (a, b) => S(a) != S(b));
        yield return Setp("equ", "f32", (a, b) => S(a) == S(b) || Nan(a, b));
        yield return Setp("ltu", "f32", (a, b) => !(S(a) >= S(b)));
        yield return Setp("num", "f32", (a, b) => !Nan(a, b));
        yield return Setp("nan", "f32", Nan);
        yield return Setp("lt.ftz", "f32", (a, b) => Z(S(a)) < Z(S(b)));
        yield return Setp("gt", "f64", (a, b) => D(a) > D(b));
        yield return Setp("leu", "f64", (a, b) => !(D(a) > D(b)));
        yield return Setp("lt", "f16", (a, b) => Half(a) < Half(b));
        yield return Setp("gtu", "f16", (a, b) => !(Half(a) <= Half(b)));
        yield return Setp("ge", "bf16", (a, b) => B(a) >= B(b));
        yield return Body("setp.lt.and.s32 %p|%q, %a, %b, %p; selp.u32 %d, 1, 0, %q;", "u32", "s32 s32", (_, _, _) => 0) with
        {
            Name = "setp.and with a second target",
            Body = "setp.gt.s32 %p, %a, 0; setp.lt.and.s32 %p|%q, %a, %b, !%p; selp.u32 %t0, 1, 0, %p; selp.u32 %t1, 2, 0, %q; " +
                "add.u32 %d, %t0, %t1;",
            Expected = (a, b, _) => ((int)a < (int)b && (int)a <= 0 ? 1UL : 0) + ((int)a >= (int)b && (int)a <= 0 ? 2UL : 0),
        };
        yield return Body("setp.gt.s32 %p, %a, 0; setp.lt.xor.s32 %p, %a, %b, %p; selp.u32 %d, 1, 0, %p;", "u32", "s32 s32",
            (a, b, _) => (int)a < (int)b != (int)a > 0 ? 1UL : 0);
        yield return C("set.lt.u32.f32", "u32", "f32 f32", (a, b, _) => S(a) < S(b) ? uint.MaxValue : 0UL);
        yield return C("set.ge.f32.s32", "f32", "s32 s32", (a, b, _) => F((int)a >= (int)b ? 1 : 0));
        yield return C("set.gt.f16x2.f16x2", "f16x2", "f16x2 f16x2", (a, b, c) => Pair(a, b, c, (x, y, _) => Half(x) > Half(y) ? 0x3C00UL
            : 0));
        yield return Body("setp.lt.f16x2 %p|%q, %a, %b; selp.u32 %t0, 1, 0, %p; selp.u32 %t1, 2, 0, %q; add.u32 %d, %t0, %t1;", "u32",
            "f16x2 f16x2",
            (a, b, _) => (Half(a) < Half(b) ? 1UL : 0) + (Half(a >> 16) < Half(b >> 16) ? 2UL : 0));
        yield return C("slct.s32.s32", "s32", "s32 s32 s32", (a, b, c) => (int)c >= 0 ? a : b);
        yield return C("slct.u64.f32", "u64", "u64 u64 f32", (a, b, c) => S(c) >= 0 ? a : b);
        yield return Body("setp.lt.s32 %p, %a, 0; selp.b64 %d, %b, %c, %p;", "b64", "s32 b64 b64", (a, b, c) => (int)a < 0 ? b : c);
        yield return Body("testp.finite.f32 %p, %a; selp.u32 %d, 1, 0, %p;", "u32", "f32", (a, _, _) => float.IsFinite(S(a)) ? 1UL : 0);
        yield return Body("testp.subnormal.f32 %p, %a; selp.u32 %d, 1, 0, %p;", "u32", "f32", (a, _, _) => float.IsSubnormal(S(a)) ? 1UL
            : 0);
        yield return Body("testp.notanumber.f64 %p, %a; selp.u32 %d, 1, 0, %p;", "u32", "f64", (a, _, _) => double.IsNaN(D(a)) ? 1UL : 0);
        yield return Body("setp.lt.s32 %p, %a, 0; setp.lt.s32 %q, %b, 0; xor.pred %p, %p, %q; not.pred %p, %p; selp.u32 %d, 1, 0, %p;",
            "u32", "s32 s32",
            (a, b, _) => (int)a < 0 == (int)b < 0 ? 1UL : 0);
    }

    private static bool Nan(ulong a, ulong b) => float.IsNaN(S(a)) || float.IsNaN(S(b));

    private static IEnumerable<OpcodeCase> Conversions()
    {
        yield return C("cvt.u64.u32", "u64", "u32", (a, _, _) => a);
        yield return C("cvt.s64.s32", "s64", "s32", (a, _, _) => (ulong)(int)a);
        yield return C("cvt.u32.u64", "u32", "u64", (a, _, _) => a);
        yield return C("cvt.u16.u32", "u16", "u32", (a, _, _) => a);
        yield return C("cvt.s32.s16", "s32", "s16", (a, _, _) => (ulong)(short)a);
        yield return C("cvt.s32.s8", "s32", "s32", (a, _, _) => (ulong)(sbyte)a);
        yield return C("cvt.u32.u8", "u32", "u32", (a, _, _) => (byte)a);
        yield return C("cvt.sat.s8.s32", "s32", "s32", (a, _, _) => (ulong)Math.Clamp((int)a, -128, 127));
        yield return C("cvt.sat.u8.s32", "u32", "s32", (a, _, _) => (ulong)Math.Clamp((int)a, 0, 255));
        yield return C("cvt.rn.f32.s32", "f32", "s32", (a, _, _) => F((int)a));
        yield return C("cvt.rn.f32.u32", "f32", "u32", (a, _, _) => F((uint)a));
        yield return C("cvt.rz.f32.s32", "f32", "s32", (a, _, _) => F(Toward((int)a, 0)));
        yield return C("cvt.rn.f32.u64", "f32", "u64", (a, _, _) => F(a));
        yield return C("cvt.rn.f64.s32", "f64", "s32", (a, _, _) => G((int)a));
        yield return C("cvt.rn.f16.s32", "f16", "s32", (a, _, _) => H((int)a));
        yield return C("cvt.rzi.s32.f32", "s32", "f32", (a, _, _) => (ulong)Clamp(Math.Truncate(S(a)), int.MinValue, int.MaxValue));
        yield return C("cvt.rni.s32.f32", "s32", "f32", (a, _, _) => (ulong)Clamp(Math.Round(S(a), MidpointRounding.ToEven), int.MinValue,
            int.MaxValue));
        yield return C("cvt.rmi.s32.f32", "s32", "f32", (a, _, _) => (ulong)Clamp(Math.Floor(S(a)), int.MinValue, int.MaxValue));
        yield return C("cvt.rpi.s32.f32", "s32", "f32", (a, _, _) => (ulong)Clamp(Math.Ceiling(S(a)), int.MinValue, int.MaxValue));
        yield return C("cvt.rzi.u32.f32", "u32", "f32", (a, _, _) => (ulong)Clamp(Math.Truncate(S(a)), 0, uint.MaxValue));
        yield return C("cvt.rzi.s16.f32", "s16", "f32", (a, _, _) => (ulong)Clamp(Math.Truncate(S(a)), -32768, 32767));
        yield return C("cvt.rni.f32.f32", "f32", "f32", (a, _, _) => F(MathF.Round(S(a), MidpointRounding.ToEven)));
        yield return C("cvt.rmi.f32.f32", "f32", "f32", (a, _, _) => F(MathF.Floor(S(a))));
        yield return C("cvt.sat.f32.f32", "f32", "f32", (a, _, _) => F(Sat(S(a))));
        yield return C("cvt.ftz.f32.f32", "f32", "f32", (a, _, _) => F(Z(S(a))));
        yield return C("cvt.rn.f16.f32", "f16", "f32", (a, _, _) => H(S(a)));
        yield return C("cvt.rz.f16.f32", "f16", "f32", (a, _, _) => HalfTowardZero(S(a)));
        yield return C("cvt.f32.f16", "f32", "f16", (a, _, _) => F((float)Half(a)));
        yield return C("cvt.f64.f32", "f64", "f32", (a, _, _) => G(S(a)));
        yield return C("cvt.rn.f32.f64", "f32", "f64", (a, _, _) => F((float)D(a)));
        yield return C("cvt.rp.f32.f64", "f32", "f64", (a, _, _) => F(Toward(D(a), 1)));
        yield return C("cvt.rn.bf16.f32", "bf16", "f32", (a, _, _) => ToB(S(a)));
        yield return C("cvt.rn.f16x2.f32", "f16x2", "f32 f32", (a, b, _) => H(S(a)) << 16 | H(S(b)));
        yield return C("cvt.rn.bf16x2.f32", "bf16x2", "f32 f32", (a, b, _) => ToB(S(a)) << 16 | ToB(S(b)));
        yield return C("cvt.rn.relu.f16x2.f32", "f16x2", "f32 f32", (a, b, _) => H(Relu(S(a))) << 16 | H(Relu(S(b))));
        yield return C("cvt.rzi.s64.f64", "s64", "f64",
            (a, _, _) => double.IsNaN(D(a)) ? 1UL << 63 : D(a) >= 9.3e18 ? long.MaxValue : D(a) <= -9.3e18 ? 1UL << 63
                : (ulong)(long)Math.Truncate(D(a)));
        yield return C("cvt.rna.tf32.f32", "b32", "f32", (a, _, _) => (a & 0x7F800000) == 0x7F800000 ? a : a + 0x1000 & 0xFFFFE000);
    }

    private static long Clamp(double v, long low, long high) => double.IsNaN(v) ? 0 : v <= low ? low : v >= high ? high : (long)v;

    private static ulong HalfTowardZero(float v)
    {
        Half h = (Half)v;
        if (float.IsFinite(v) && Math.Abs((float)h) > Math.Abs(v)) h = v > 0 ? System.Half.BitDecrement(h) : System.Half.BitIncrement(h);
        return BitConverter.HalfToUInt16Bits(h);
    }

    private static IEnumerable<OpcodeCase> Moves()
    {
        yield return Body("mov.u32 %d, %tid.x; add.u32 %d, %d, %a;", "u32", "u32", (a, _, _) => 0) with
        {
            Name = "mov special",
            Body = "mov.u32 %t0, %laneid; sub.u32 %t0, %t0, %tid.x; add.u32 %d, %a, %t0;",
            Expected = (a, _, _) => a
        };
        yield return Body("mov.b64 {%t0, %t1}, %a; mov.b64 %d, {%t1, %t0};", "b64", "b64", (a, _, _) => a << 32 | a >> 32);
        yield return Body("{ .reg .b16 %l, %h; mov.b32 {%l, %h}, %a; mov.b32 %d, {%h, %l}; }", "b32", "b32", (a, _, _) =>
            a << 16 & 0xFFFF0000 | a >> 16);
        yield return Body("mov.f32 %d, 0f3FC00000;", "f32", "f32", (_, _, _) => F(1.5f));
        yield return Body("mov.b32 %t0, -5; add.s32 %d, %a, %t0;", "s32", "s32", (a, _, _) => a - 5);
        yield return Body("mov.f64 %d, 0d4000000000000000;", "f64", "f64", (_, _, _) => G(2));
        yield return Body("@!%p add.u32 %d, %a, 1; @%p add.u32 %d, %a, 2;", "u32", "u32", (a, _, _) => 0) with
        {
            Name = "guards",
            Body = "setp.lt.s32 %p, %a, 0; @!%p add.u32 %d, %a, 1; @%p add.u32 %d, %a, 2;",
            Expected = (a, _, _) => (int)a < 0 ? a + 2
            : a + 1
        };
        yield return Body("mov.u32 %d, %lanemask_lt; popc.b32 %d, %d; sub.u32 %d, %d, %laneid; add.u32 %d, %d, %a;", "u32", "u32", (a, _,
            _) => a);
    }
}
