using System.Numerics;
using Xunit;

namespace A2F.Engine.Tests.Emulator;

/// <summary>Integers and bits in the types and modes that the first set leaves out.</summary>
public sealed partial class ConformanceTests
{
    private static IEnumerable<OpcodeCase> MoreIntegers()
    {
        yield return C("add.s16", "s16", "s16 s16", (a, b, _) => a + b);
        yield return C("add.u32", "u32", "u32 u32", (a, b, _) => a + b);
        yield return C("add.u64", "u64", "u64 u64", (a, b, _) => a + b);
        yield return C("sub.s32", "s32", "s32 s32", (a, b, _) => a - b);
        yield return C("sub.s64", "s64", "s64 s64", (a, b, _) => a - b);
        yield return C("sub.u16", "u16", "u16 u16", (a, b, _) => a - b);
        yield return C("mul.lo.s16", "s16", "s16 s16", (a, b, _) => a * b);
        yield return C("mul.lo.u32", "u32", "u32 u32", (a, b, _) => a * b);
        yield return C("mul.lo.s64", "s64", "s64 s64", (a, b, _) => a * b);
        yield return C("mul.hi.u16", "u16", "u16 u16", (a, b, _) => a * b >> 16);
        yield return C("mad.lo.s16", "s16", "s16 s16 s16", (a, b, c) => a * b + c);
        yield return C("mad.lo.u16", "u16", "u16 u16 u16", (a, b, c) => a * b + c);
        yield return C("mad.lo.u32", "u32", "u32 u32 u32", (a, b, c) => a * b + c);
        yield return C("mad.lo.s64", "s64", "s64 s64 s64", (a, b, c) => a * b + c);
        yield return C("mad.hi.s32", "s32", "s32 s32 s32", (a, b, c) => (ulong)((BigInteger)(int)a * (int)b >> 32 & uint.MaxValue) + c);
        yield return C("mad.hi.u16", "u16", "u16 u16 u16", (a, b, c) => (a * b >> 16) + c);
        yield return C("mad.hi.u64", "u64", "u64 u64 u64", (a, b, c) => (ulong)((BigInteger)a * b >> 64) + c);
        yield return C("mad.hi.s64", "s64", "s64 s64 s64", (a, b, c) => (ulong)((BigInteger)(long)a * (long)b >> 64 & ulong.MaxValue) + c);
        yield return C("mad.wide.s16", "s32", "s16 s16 s32", (a, b, c) => (ulong)((short)a * (short)b) + c);
        yield return C("mad.wide.u16", "u32", "u16 u16 u32", (a, b, c) => a * b + c);
        yield return C("mad24.lo.s32", "s32", "s32 s32 s32", (a, b, c) => (ulong)(Low24(a) * Low24(b)) + c);
        yield return C("mul24.hi.s32", "s32", "s32 s32", (a, b, _) => (ulong)(Low24(a) * Low24(b) >> 16));
        yield return C("mul24.hi.u32", "u32", "u32 u32", (a, b, _) => (a & 0xFFFFFF) * (b & 0xFFFFFF) >> 16);
        yield return C("sad.s16", "s16", "s16 s16 s16", (a, b, c) => c + (ulong)Math.Abs((short)a - (short)b));
        yield return C("sad.u16", "u16", "u16 u16 u16", (a, b, c) => c + (a > b ? a - b : b - a));
        yield return C("sad.u64", "u64", "u64 u64 u64", (a, b, c) => c + (a > b ? a - b : b - a));
        yield return C("sad.s64", "s64", "s64 s64 s64", (a, b, c) => c + ((long)a > (long)b ? a - b : b - a));
        yield return C("div.s16", "s16", "s16 s16", (a, b, _) => b == 0 ? ~0UL : (ulong)((short)a / (short)b));
        yield return C("div.u16", "u16", "u16 u16", (a, b, _) => b == 0 ? ~0UL : a / b);
        yield return C("div.s64", "s64", "s64 s64", (a, b, _) => b == 0 ? ~0UL : (ulong)(Int128)((Int128)(long)a / (long)b));
        yield return C("rem.s16", "s16", "s16 s16", (a, b, _) => b == 0 ? a : (ulong)((short)a % (short)b));
        yield return C("rem.s64", "s64", "s64 s64", (a, b, _) => b == 0 ? a : (ulong)(Int128)((Int128)(long)a % (long)b));
        yield return C("rem.u64", "u64", "u64 u64", (a, b, _) => b == 0 ? a : a % b);
        yield return C("abs.s16", "s16", "s16", (a, _, _) => (ulong)Math.Abs((int)(short)a));
        yield return C("neg.s64", "s64", "s64", (a, _, _) => 0 - a);
        yield return C("min.s16", "s16", "s16 s16", (a, b, _) => (ulong)Math.Min((short)a, (short)b));
        yield return C("min.u16", "u16", "u16 u16", (a, b, _) => Math.Min(a, b));
        yield return C("min.u64", "u64", "u64 u64", (a, b, _) => Math.Min(a, b));
        yield return C("max.s16", "s16", "s16 s16", (a, b, _) => (ulong)Math.Max((short)a, (short)b));
        yield return C("max.u32", "u32", "u32 u32", (a, b, _) => Math.Max(a, b));
        yield return C("max.s64", "s64", "s64 s64", (a, b, _) => (ulong)Math.Max((long)a, (long)b));
        yield return Body("add.cc.u64 %w0, %a, %b; addc.u64 %d, %a, %b;", "u64", "u64 u64", (a, b, _) => a + b + (a + b < a ? 1UL : 0));
        yield return Body("sub.cc.u64 %w0, %a, %b; subc.u64 %d, %a, %b;", "u64", "u64 u64", (a, b, _) => a - b - (a < b ? 1UL : 0));
        yield return Body("add.cc.u32 %t0, %a, %b; addc.cc.u32 %t1, %a, %a; addc.u32 %d, %b, %b;", "u32", "u32 u32",
            (a, b, _) => b + b + (a + a + (a + b >> 32) >> 32));
        yield return Body("mad.hi.cc.u32 %t0, %a, %b, %c; addc.u32 %d, 0, 0;", "u32", "u32 u32 u32", (a, b, c) => (a * b >> 32) + c >> 32);
        yield return Body("mad.lo.cc.u32 %t0, %a, %b, %c; madc.lo.cc.u32 %t1, %a, %b, %c; addc.u32 %d, 0, 0;", "u32", "u32 u32 u32",
            (a, b, c) => (uint)(a * b) + c + ((uint)(a * b) + c >> 32) >> 32);
    }

    private static long Low24(ulong v) => (int)(v << 8) >> 8;

    private static IEnumerable<OpcodeCase> MoreBits()
    {
        yield return C("and.b16", "b16", "b16 b16", (a, b, _) => a & b);
        yield return C("xor.b16", "b16", "b16 b16", (a, b, _) => a ^ b);
        yield return C("or.b64", "b64", "b64 b64", (a, b, _) => a | b);
        yield return C("not.b16", "b16", "b16", (a, _, _) => ~a);
        yield return C("cnot.b16", "b16", "b16", (a, _, _) => a == 0 ? 1UL : 0);
        yield return C("cnot.b64", "b64", "b64", (a, _, _) => a == 0 ? 1UL : 0);
        yield return C("shr.u16", "u16", "u16 sh", (a, b, _) => b > 15 ? 0 : a >> (int)b);
        yield return C("shr.b32", "b32", "b32 sh", (a, b, _) => b > 31 ? 0 : a >> (int)b);
        yield return C("shr.b64", "b64", "b64 sh", (a, b, _) => b > 63 ? 0 : a >> (int)b);
        yield return C("bfe.u32", "u32", "u32 sh sh", (a, b, c) => Field(a, b, c, 32, false));
        yield return C("bfe.s32", "s32", "s32 sh sh", (a, b, c) => Field(a, b, c, 32, true));
        yield return C("bfe.u64", "u64", "u64 sh sh", (a, b, c) => Field(a, b, c, 64, false));
        yield return C("bfe.s64", "s64", "s64 sh sh", (a, b, c) => Field(a, b, c, 64, true));
        yield return Body("bfi.b32 %d, %a, %b, %c, 7;", "b32", "b32 b32 sh", (a, b, c) => Insert(a, b, c, 7, 32));
        yield return Body("bfi.b32 %d, %a, %b, 3, %c;", "b32", "b32 b32 sh", (a, b, c) => Insert(a, b, 3, c, 32));
        yield return Body("bfi.b64 %d, %a, %b, 20, %c;", "b64", "b64 b64 sh", (a, b, c) => Insert(a, b, 20, c, 64));
        yield return C("bfind.u64", "u32", "u64", (a, _, _) => a == 0 ? uint.MaxValue : (ulong)BitOperations.Log2(a));
        yield return C("bfind.s64", "u32", "s64", (a, _, _) => Find64((long)a < 0 ? ~a : a, 0));
        yield return C("bfind.shiftamt.u32", "u32", "u32", (a, _, _) => a == 0 ? uint.MaxValue : 31 - (ulong)BitOperations.Log2(a));
        yield return C("bfind.shiftamt.s32", "u32", "s32",
            (a, _, _) => Find((int)a < 0 ? ~(uint)a : (uint)a) is var at && at == uint.MaxValue ? at : 31 - at);
        yield return C("bfind.shiftamt.u64", "u32", "u64", (a, _, _) => Find64(a, 63));
        yield return C("prmt.b32.f4e", "b32", "b32 b32 sh", (a, b, c) => (b << 32 | a) >> 8 * (int)(c & 3));
        yield return C("prmt.b32.b4e", "b32", "b32 b32 sh", (a, b, c) => Bytes(b << 32 | a, k => (int)(c & 3) - k));
        yield return C("prmt.b32.rc8", "b32", "b32 b32 sh", (a, b, c) => Bytes(a, _ => (int)(c & 3)));
        yield return C("prmt.b32.ecl", "b32", "b32 b32 sh", (a, b, c) => Bytes(a, k => Math.Max(k, (int)(c & 3))));
        yield return C("prmt.b32.ecr", "b32", "b32 b32 sh", (a, b, c) => Bytes(a, k => Math.Min(k, (int)(c & 3))));
        yield return C("prmt.b32.rc16", "b32", "b32 b32 sh", (a, b, c) => Bytes(a, k => (int)(c & 1) * 2 + k % 2));
        yield return C("dp4a.u32.u32", "u32", "u32 u32 u32", (a, b, c) => c + Products(a, b, 8, 0, false, false, 4));
        yield return C("dp4a.s32.u32", "s32", "s32 u32 s32", (a, b, c) => c + Products(a, b, 8, 0, true, false, 4));
        yield return C("dp4a.u32.s32", "s32", "u32 s32 s32", (a, b, c) => c + Products(a, b, 8, 0, false, true, 4));
        yield return C("dp2a.lo.s32.s32", "s32", "s32 s32 s32", (a, b, c) => c + Products(a, b, 16, 0, true, true, 2));
        yield return C("dp2a.hi.s32.s32", "s32", "s32 s32 s32", (a, b, c) => c + Products(a, b, 16, 16, true, true, 2));
        yield return C("dp2a.lo.u32.u32", "u32", "u32 u32 u32", (a, b, c) => c + Products(a, b, 16, 0, false, false, 2));
        yield return C("dp2a.hi.u32.s32", "s32", "u32 s32 s32", (a, b, c) => c + Products(a, b, 16, 16, false, true, 2));
    }

    private static ulong Find64(ulong v, ulong top) => v == 0 ? uint.MaxValue
        : top == 0 ? (ulong)BitOperations.Log2(v) : top - (ulong)BitOperations.Log2(v);

    /// <summary>The field with its sign (that of the operand where it reaches beyond) or zeros above it.</summary>
    private static ulong Field(ulong a, ulong position, ulong length, int width, bool signed)
    {
        BigInteger value = signed ? width == 32 ? (int)a : (long)a : a;
        if (length == 0) return 0;
        BigInteger field = (value >> (int)position) & ((BigInteger.One << (int)length) - 1);
        if (signed && (field >> (int)length - 1 & 1) == 1) field -= BigInteger.One << (int)length;
        return (ulong)(field & ulong.MaxValue);
    }

    private static ulong Insert(ulong a, ulong b, ulong position, ulong length, int width)
    {
        for (int k = 0; k < (int)length; k++)
        {
            int at = (int)position + k;
            if (at < width) b = b & ~(1UL << at) | (a >> k & 1) << at;
        }
        return b;
    }

    /// <summary>Four bytes of a pool, chosen by place, modulo 8.</summary>
    private static ulong Bytes(ulong pool, Func<int, int> choose)
    {
        ulong r = 0;
        for (int k = 0; k < 4; k++) r |= (pool >> 8 * (choose(k) & 7) & 0xFF) << 8 * k;
        return r;
    }

    private static ulong Products(ulong a, ulong b, int bitsA, int shiftB, bool signedA, bool signedB, int count)
    {
        long sum = 0;
        for (int k = 0; k < count; k++)
        {
            long x = (long)(a >> bitsA * k & (1UL << bitsA) - 1), y = (byte)(b >> shiftB + 8 * k);
            if (signedA && x >= 1L << bitsA - 1) x -= 1L << bitsA;
            if (signedB && y >= 128) y -= 256;
            sum += x * y;
        }
        return (ulong)sum;
    }

    [Fact]
    public void Every_truth_table_of_lop3_is_what_its_bits_say()
    {
        for (int table = 0; table < 256; table++)
        {
            int t = table;
            Assert.Null(Body($"lop3.b32 %d, %a, %b, %c, {table};", "b32", "b32 b32 b32", (a, b, c) =>
            {
                ulong r = 0;
                for (int k = 0; k < 32; k++) r |= (ulong)(t >> (int)((a >> k & 1) << 2 | (b >> k & 1) << 1 | c >> k & 1) & 1) << k;
                return r;
            }).Check());
        }
    }
}
