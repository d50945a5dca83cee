using System.Text;
using A2F.CudaEmulator;
using Xunit;

namespace A2F.Engine.Tests.Emulator;

/// <summary>mma.sync against a plain product, through the fragment layouts that the PTX ISA documents element by element.</summary>
public sealed class MatrixTests
{
    [Theory]
    [InlineData("m16n8k16", "f32", "f16", 16)]
    [InlineData("m16n8k8", "f32", "f16", 8)]
    [InlineData("m16n8k16", "f16", "f16", 16)]
    [InlineData("m16n8k8", "f16", "f16", 8)]
    [InlineData("m16n8k16", "f32", "bf16", 16)]
    [InlineData("m16n8k8", "f32", "bf16", 8)]
    [InlineData("m16n8k8", "f32", "tf32", 8)]
    [InlineData("m16n8k4", "f32", "tf32", 4)]
    [InlineData("m16n8k16", "s32", "s8", 16)]
    [InlineData("m16n8k32", "s32", "s8", 32)]
    [InlineData("m16n8k32", "s32", "u8", 32)]
    public void Mma_multiplies_as_documented(string shape, string accumulator, string type, int k)
    {
        Random random = new(5);
        int least = type == "u8" ? 0 : -8;
        int[,] a = Matrix(16, k, random, least), b = Matrix(k, 8, random, least), c = Matrix(16, 8, random, -8);
        int bits = type is "s8" or "u8" ? 8 : type == "tf32" ? 32 : 16, per = 32 / bits;
        int aWords = 16 * k / 32 / per, bWords = 8 * k / 32 / per, cWords = accumulator == "f16" ? 2 : 4, cPer = accumulator == "f16" ? 2
            : 1;
        uint[] input = new uint[32 * 12];
        for (int lane = 0; lane < 32; lane++)
        {
            for (int i = 0; i < aWords * per; i++)
            {
                (int row, int column) = PlaceA(type, k, lane, i);
                input[lane * 12 + i / per] |= Encode(type, a[row, column]) << (i % per * bits);
            }
            for (int i = 0; i < bWords * per; i++)
            {
                (int row, int column) = PlaceB(type, lane, i);
                input[lane * 12 + 4 + i / per] |= Encode(type, b[row, column]) << (i % per * bits);
            }
            for (int i = 0; i < 4; i++)
            {
                (int row, int column) = PlaceC(lane, i);
                input[lane * 12 + 8 + i / cPer] |= Encode(accumulator, c[row, column]) << (i % cPer * 16);
            }
        }
        uint[] got = PtxHarness.RunText(Kernel(shape, accumulator, type, aWords, bWords, cWords), 128, new Dim3(1), new Dim3(32), input);
        for (int lane = 0; lane < 32; lane++)
            for (int i = 0; i < 4; i++)
            {
                (int row, int column) = PlaceC(lane, i);
                int expected = c[row, column];
                for (int n = 0; n < k; n++) expected += a[row, n] * b[n, column];
                uint word = got[lane * 4 + i / cPer] >> (i % cPer * 16);
                if (cPer == 2) word &= 0xFFFF;
                Assert.True(word == Encode(accumulator, expected), $"row {row}, column {column}: 0x{word:x}, expected {expected}");
            }
    }

    private static int[,] Matrix(int rows, int columns, Random random, int least)
    {
        int[,] m = new int[rows, columns];
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < columns; c++) m[r, c] = random.Next(least, 9);
        return m;
    }

    private static uint Encode(string type, int v) => type switch
    {
        "f16" => BitConverter.HalfToUInt16Bits((Half)v),
        "bf16" => BitConverter.SingleToUInt32Bits(v) >> 16,
        "s8" or "u8" => (byte)v,
        "s32" => (uint)v,
        _ => BitConverter.SingleToUInt32Bits(v),
    };

    /// <summary>Element a_i of a lane, as the tables of the ISA give it for each shape.</summary>
    private static (int Row, int Column) PlaceA(string type, int k, int lane, int i)
    {
        int group = lane >> 2, thread = lane % 4;
        return (type, k) switch
        {
            ("f16" or "bf16", 16) => (i is 0 or 1 or 4 or 5 ? group : group + 8, thread * 2 + (i & 1) + (i >= 4 ? 8 : 0)),
            ("f16" or "bf16", 8) => (i < 2 ? group : group + 8, thread * 2 + (i & 1)),
            ("tf32", 8) => (i is 0 or 2 ? group : group + 8, i < 2 ? thread : thread + 4),
            ("tf32", 4) => (i == 0 ? group : group + 8, thread),
            (_, 16) => (i < 4 ? group : group + 8, thread * 4 + (i & 3)),
            _ => (i is (>= 0 and < 4) or (>= 8 and < 12) ? group : group + 8, thread * 4 + (i & 3) + (i < 8 ? 0 : 16)),
        };
    }

    private static (int Row, int Column) PlaceB(string type, int lane, int i)
    {
        int group = lane >> 2, thread = lane % 4;
        int row = type switch
        {
            "f16" or "bf16" => thread * 2 + (i & 1) + (i >= 2 ? 8 : 0),
            "tf32" => i == 0 ? thread : thread + 4,
            _ => thread * 4 + (i & 3) + (i < 4 ? 0 : 16),
        };
        return (row, group);
    }

    private static (int Row, int Column) PlaceC(int lane, int i) => (i < 2 ? lane >> 2 : (lane >> 2) + 8, lane % 4 * 2 + (i & 1));

    private static string Kernel(string shape, string accumulator, string type, int a, int b, int c)
    {
        StringBuilder s = new("""
            .visible .entry k(.param .u64 o, .param .u64 in)
            {
            .reg .b32 %t, %a<4>, %b<4>, %c<4>;
            .reg .b64 %p<4>;
            mov.u32 %t, %tid.x;
            ld.param.u64 %p0, [in];
            mul.wide.u32 %p1, %t, 48;
            add.s64 %p0, %p0, %p1;
            ld.global.v4.b32 {%a0, %a1, %a2, %a3}, [%p0];
            ld.global.v4.b32 {%b0, %b1, %b2, %b3}, [%p0+16];
            ld.global.v4.b32 {%c0, %c1, %c2, %c3}, [%p0+32];

            """);
        string types = $"{accumulator}.{type}.{type}.{accumulator}";
        s.Append($"mma.sync.aligned.{shape}.row.col.{types} {List("c", c)}, {List("a", a)}, {List("b", b)}, {List("c", c)};\n");
        s.Append("ld.param.u64 %p2, [o];\nmul.wide.u32 %p1, %t, 16;\nadd.s64 %p2, %p2, %p1;\nst.global.v4.b32 [%p2], {%c0, %c1, %c2, %c3};\nret;\n}\n");
        return s.ToString();

        static string List(string name, int count) => "{" + string.Join(", ", Enumerable.Range(0, count).Select(n => $"%{name}{n}")) + "}";
    }
}
