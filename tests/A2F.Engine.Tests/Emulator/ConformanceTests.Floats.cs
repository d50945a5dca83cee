namespace A2F.Engine.Tests.Emulator;

/// <summary>Rounding modes, flushing, saturation and NaN forms of float arithmetic; f16 and bf16 beyond the first set.</summary>
public sealed partial class ConformanceTests
{
    private static IEnumerable<OpcodeCase> Rounded()
    {
        foreach (string mode in (string[])["rn", "rz", "rm", "rp"])
        {
            if (mode != "rn") yield return C($"sub.{mode}.f32", "f32", "f32 f32", (a, b, _) => F(ExactFloat.Add(S(a), -S(b), mode)));
            yield return C($"add.{mode}.f32", "f32", "f32 f32", (a, b, _) => F(ExactFloat.Add(S(a), S(b), mode)));
            yield return Body($"mul.{mode}.f32 %d, %b, %a;", "f32", "f32 f32", (a, b, _) => F(ExactFloat.Multiply(S(a), S(b), mode)));
            yield return Body($"fma.{mode}.f32 %d, %a, %b, %c; ", "f32", "f32 f32 f32", (a, b, c) =>
                F(ExactFloat.Fma(S(a), S(b), S(c), mode)));
            yield return Body($"div.{mode}.f32 %d, %a, %b; ", "f32", "f32 f32", (a, b, _) => F(ExactFloat.Divide(S(a), S(b), mode)));
            yield return Body($"rcp.{mode}.f32 %d, %a; ", "f32", "f32", (a, _, _) => F(ExactFloat.Divide(1, S(a), mode)));
            yield return Body($"sqrt.{mode}.f32 %d, %a; ", "f32", "f32", (a, _, _) => F(ExactFloat.Root(S(a), mode)));
        }
        yield return C("add.rz.ftz.f32", "f32", "f32 f32", (a, b, _) => F(Z(ExactFloat.Add(Z(S(a)), Z(S(b)), "rz"))));
        yield return C("fma.rp.sat.f32", "f32", "f32 f32 f32", (a, b, c) => F(Sat(ExactFloat.Fma(S(a), S(b), S(c), "rp"))));
    }

    private static IEnumerable<OpcodeCase> MoreFloats()
    {
        yield return C("sub.ftz.f32", "f32", "f32 f32", (a, b, _) => F(Z(Z(S(a)) - Z(S(b)))));
        yield return C("fma.rn.ftz.f32", "f32", "f32 f32 f32", (a, b, c) => F(Z(MathF.FusedMultiplyAdd(Z(S(a)), Z(S(b)), Z(S(c))))));
        yield return C("mad.rn.f32", "f32", "f32 f32 f32", (a, b, c) => F(MathF.FusedMultiplyAdd(S(a), S(b), S(c))));
        yield return C("div.rn.ftz.f32", "f32", "f32 f32", (a, b, _) => F(Z(Z(S(a)) / Z(S(b)))));
        yield return C("div.approx.f32", "f32", "f32 f32", (a, b, _) => F(S(a) / S(b)), 2);
        yield return C("div.full.ftz.f32", "f32", "f32 f32", (a, b, _) => F(Z(Z(S(a)) / Z(S(b)))), 2);
        yield return C("rcp.approx.f32", "f32", "f32", (a, _, _) => F(1 / S(a)), 1);
        yield return C("rcp.rn.ftz.f32", "f32", "f32", (a, _, _) => F(Z(1 / Z(S(a)))));
        yield return C("sqrt.rn.ftz.f32", "f32", "f32", (a, _, _) => F(MathF.Sqrt(Z(S(a)))));
        yield return C("sqrt.approx.ftz.f32", "f32", "f32", (a, _, _) => F(MathF.Sqrt(Z(S(a)))), 1);
        yield return C("rsqrt.approx.ftz.f32", "f32", "f32", (a, _, _) => F((float)(1 / Math.Sqrt(Z(S(a))))), 2);
        yield return C("ex2.approx.ftz.f32", "f32", "f32", (a, _, _) => F(Z((float)Math.Pow(2, Z(S(a))))), 2);
        yield return C("lg2.approx.ftz.f32", "f32", "f32", (a, _, _) => F((float)Math.Log2(Z(S(a)))), 2);
        yield return C("sin.approx.ftz.f32", "f32", "f32", (a, _, _) => F(Z((float)Math.Sin(Z(S(a))))), 4);
        yield return C("cos.approx.ftz.f32", "f32", "f32", (a, _, _) => F((float)Math.Cos(Z(S(a)))), 4);
        yield return C("min.NaN.f32", "f32", "f32 f32", (a, b, _) => F(Nan(a, b) ? float.NaN : MathF.Min(S(a), S(b))));
        yield return C("min.ftz.f32", "f32", "f32 f32", (a, b, _) => F(float.MinNumber(Z(S(a)), Z(S(b)))));
        yield return C("max.ftz.f32", "f32", "f32 f32", (a, b, _) => F(float.MaxNumber(Z(S(a)), Z(S(b)))));
        yield return C("max.ftz.NaN.f32", "f32", "f32 f32", (a, b, _) => F(Nan(a, b) ? float.NaN : MathF.Max(Z(S(a)), Z(S(b)))));
        yield return C("abs.ftz.f32", "f32", "f32", (a, _, _) => F(MathF.Abs(Z(S(a)))));
        yield return C("neg.ftz.f32", "f32", "f32", (a, _, _) => F(-Z(S(a))));
        yield return C("sub.sat.f32", "f32", "f32 f32", (a, b, _) => F(Sat(S(a) - S(b))));
        yield return C("mul.ftz.sat.f32", "f32", "f32 f32", (a, b, _) => F(Sat(Z(Z(S(a)) * Z(S(b))))));
        yield return C("max.f64", "f64", "f64 f64", (a, b, _) => G(double.MaxNumber(D(a), D(b))));
        yield return C("abs.f64", "f64", "f64", (a, _, _) => a & long.MaxValue);
        yield return C("rcp.rn.f64", "f64", "f64", (a, _, _) => G(1 / D(a)));
        yield return C("mad.rn.f64", "f64", "f64 f64 f64", (a, b, c) => G(Math.FusedMultiplyAdd(D(a), D(b), D(c))));
        yield return C("copysign.f64", "f64", "f64 f64", (a, b, _) => a & 1UL << 63 | b & long.MaxValue);
        // Twenty good bits, and nothing in the low word.
        yield return C("rcp.approx.ftz.f64", "f64", "f64", (a, _, _) => G(Z64(1 / Z64(D(a)))), 1L << 33);
        yield return C("rsqrt.approx.ftz.f64", "f64", "f64", (a, _, _) => G(1 / Math.Sqrt(Z64(D(a)))), 1L << 33);
        yield return Body("rcp.approx.ftz.f64 %w0, %a; cvt.u32.u64 %d, %w0;", "u32", "f64", (_, _, _) => 0);
        yield return C("rsqrt.approx.f64", "f64", "f64", (a, _, _) => G(1 / Math.Sqrt(D(a))), 1L << 33);
    }

    private static double Z64(double v) => double.IsSubnormal(v) ? Math.CopySign(0, v) : v;

    private static ulong ZH(ulong v) => (v & 0x7C00) == 0 ? v & 0x8000 : v;

    private static double SatD(double v) => v > 0 ? Math.Min(v, 1) : 0;

    private static bool NanH(ulong a, ulong b) => double.IsNaN(Half(a)) || double.IsNaN(Half(b));

    private static bool NanB(ulong a, ulong b) => float.IsNaN(B(a)) || float.IsNaN(B(b));

    /// <summary>A case for pairs from the definition for one half.</summary>
    private static OpcodeCase P(string op, string type, int inputs, Func<ulong, ulong, ulong, ulong> one) =>
        C(op, type, string.Join(' ', Enumerable.Repeat(type, inputs)), (a, b, c) => Pair(a, b, c, one));

    private static IEnumerable<OpcodeCase> MoreNarrow()
    {
        yield return C("add.sat.f16", "f16", "f16 f16", (a, b, _) => H(SatD(Half(a) + Half(b))));
        yield return C("add.ftz.f16", "f16", "f16 f16", (a, b, _) => ZH(H(Half(ZH(a)) + Half(ZH(b)))));
        yield return C("mul.ftz.sat.f16", "f16", "f16 f16", (a, b, _) => ZH(H(SatD(Half(ZH(a)) * Half(ZH(b))))));
        yield return C("fma.rn.ftz.f16", "f16", "f16 f16 f16", (a, b, c) => ZH(H(Half(ZH(a)) * Half(ZH(b)) + Half(ZH(c)))));
        yield return C("fma.rn.sat.f16", "f16", "f16 f16 f16", (a, b, c) => H(SatD(Half(a) * Half(b) + Half(c))));
        yield return C("min.NaN.f16", "f16", "f16 f16", (a, b, _) => NanH(a, b) ? 0x7FFF : H(Math.Min(Half(a), Half(b))));
        yield return C("max.NaN.f16", "f16", "f16 f16", (a, b, _) => NanH(a, b) ? 0x7FFF : H(Math.Max(Half(a), Half(b))));
        yield return C("max.ftz.f16", "f16", "f16 f16", (a, b, _) => H(double.MaxNumber(Half(ZH(a)), Half(ZH(b)))));
        yield return P("sub.f16x2", "f16x2", 2, (x, y, _) => H(Half(x) - Half(y)));
        yield return P("sub.rn.f16x2", "f16x2", 2, (x, y, _) => H(Half(x) - Half(y)));
        yield return P("mul.sat.f16x2", "f16x2", 2, (x, y, _) => H(SatD(Half(x) * Half(y))));
        yield return P("add.ftz.f16x2", "f16x2", 2, (x, y, _) => ZH(H(Half(ZH(x)) + Half(ZH(y)))));
        yield return P("fma.rn.relu.f16x2", "f16x2", 3, (x, y, z) => H(Relu(Half(x) * Half(y) + Half(z))));
        yield return P("fma.rn.sat.f16x2", "f16x2", 3, (x, y, z) => H(SatD(Half(x) * Half(y) + Half(z))));
        yield return P("min.f16x2", "f16x2", 2, (x, y, _) => H(double.MinNumber(Half(x), Half(y))));
        yield return P("min.NaN.f16x2", "f16x2", 2, (x, y, _) => NanH(x, y) ? 0x7FFF : H(Math.Min(Half(x), Half(y))));
        yield return P("max.NaN.f16x2", "f16x2", 2, (x, y, _) => NanH(x, y) ? 0x7FFF : H(Math.Max(Half(x), Half(y))));
        yield return P("abs.f16x2", "f16x2", 1, (x, _, _) => x & 0x7FFF);
        yield return P("ex2.approx.f16x2", "f16x2", 1, (x, _, _) => H(Math.Pow(2, Half(x))));
        yield return P("tanh.approx.f16x2", "f16x2", 1, (x, _, _) => H(Math.Tanh(Half(x))));
        yield return C("add.bf16", "bf16", "bf16 bf16", (a, b, _) => ToB((double)B(a) + B(b)));
        yield return C("sub.rn.bf16", "bf16", "bf16 bf16", (a, b, _) => ToB((double)B(a) - B(b)));
        yield return C("mul.bf16", "bf16", "bf16 bf16", (a, b, _) => ToB((double)B(a) * B(b)));
        yield return C("fma.rn.relu.bf16", "bf16", "bf16 bf16 bf16", (a, b, c) => ToB(Relu((double)B(a) * B(b) + B(c))));
        yield return C("min.bf16", "bf16", "bf16 bf16", (a, b, _) => ToB(float.MinNumber(B(a), B(b))));
        yield return C("max.NaN.bf16", "bf16", "bf16 bf16", (a, b, _) => NanB(a, b) ? 0x7FFF : ToB(MathF.Max(B(a), B(b))));
        yield return C("neg.bf16", "bf16", "bf16", (a, _, _) => a ^ 0x8000);
        yield return C("abs.bf16", "bf16", "bf16", (a, _, _) => a & 0x7FFF);
        yield return C("ex2.approx.ftz.bf16", "bf16", "bf16", (a, _, _) => ZB(ToB(Math.Pow(2, B(ZB(a))))));
        yield return C("tanh.approx.bf16", "bf16", "bf16", (a, _, _) => ToB(Math.Tanh(B(a))));
        yield return P("add.bf16x2", "bf16x2", 2, (x, y, _) => ToB((double)B(x) + B(y)));
        yield return P("sub.bf16x2", "bf16x2", 2, (x, y, _) => ToB((double)B(x) - B(y)));
        yield return P("mul.rn.bf16x2", "bf16x2", 2, (x, y, _) => ToB((double)B(x) * B(y)));
        yield return P("fma.rn.relu.bf16x2", "bf16x2", 3, (x, y, z) => ToB(Relu((double)B(x) * B(y) + B(z))));
        yield return P("min.NaN.bf16x2", "bf16x2", 2, (x, y, _) => NanB(x, y) ? 0x7FFF : ToB(MathF.Min(B(x), B(y))));
        yield return P("abs.bf16x2", "bf16x2", 1, (x, _, _) => x & 0x7FFF);
        yield return P("tanh.approx.bf16x2", "bf16x2", 1, (x, _, _) => ToB(Math.Tanh(B(x))));
    }

    private static ulong ZB(ulong v) => (v & 0x7F80) == 0 ? v & 0x8000 : v;
}
