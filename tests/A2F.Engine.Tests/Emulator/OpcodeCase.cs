namespace A2F.Engine.Tests.Emulator;

/// <summary>One instruction form, its inputs and what each lane must give.</summary>
/// <param name="Name">The instruction, or the body's first line.</param>
/// <param name="Body">PTX text.</param>
/// <param name="Result">Type of %d.</param>
/// <param name="Inputs">Types of %a, %b, %c.</param>
/// <param name="Expected">Raw bits to raw bits.</param>
/// <param name="Ulps">Allowed distance for approximations.</param>
internal sealed record OpcodeCase(
    string Name, string Body, string Result, string[] Inputs, Func<ulong, ulong, ulong, ulong>? Expected, long Ulps = 0)
{
    /// <summary>What a lane must give where that depends on other lanes: from its number and all values of the first two inputs.</summary>
    public Func<int, ulong[], ulong[], ulong>? ByLane { get; init; }

    private static readonly uint[] Words =
    [
        0, 1, 2, 3, 7, 31, 32, 33, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFF, 0xFFFFFFFE,
        0xFFFFFF80, 0x12345678, 0xDEADBEEF, 0x00FFFFFF, 0x01000000, 0xAAAAAAAA, 0x55555555, 0x7654, 0x0F0F0F0F, 100, 0xFFFFFF9C, 12,
            1000000,
    ];

    private static readonly float[] Floats =
    [
        0f, -0f, 1f, -1f, 0.5f, -0.5f, 1.5f, 2.5f, -2.5f, 3.4e38f, -3.4e38f, 1e-40f, -1e-40f, float.PositiveInfinity,
            float.NegativeInfinity,
        float.NaN, 1.17549435e-38f, 0.1f, 3.14159f, -7.25f, 65504f, 65520f, 1e-7f, 2147483648f, -2147483904f, 4294967296f, 0.33333334f,
            100.75f, 1e10f,
        -1e-5f, 1.0000001f, 255.5f,
    ];

    public static ulong[] Values(string type, int which)
    {
        ulong[] v = new ulong[32];
        for (int l = 0; l < 32; l++)
        {
            int at = which switch { 0 => l, 1 => (l * 7 + 3) & 31, _ => (l * 13 + 5) & 31 };
            uint word = Words[at], other = Words[(at * 5 + 1) & 31];
            float f = Floats[at];
            v[l] = type switch
            {
                "sh" => (ulong)(l * 3 + which),
                "f32" => BitConverter.SingleToUInt32Bits(f),
                "f64" => BitConverter.DoubleToUInt64Bits(at == 9 ? 1e300 : at == 11 ? 5e-310 : f * 1.0000000001),
                "f16" => BitConverter.HalfToUInt16Bits((Half)f),
                "bf16" => BitConverter.SingleToUInt32Bits(f) >> 16,
                "f16x2" => BitConverter.HalfToUInt16Bits((Half)f) | (uint)BitConverter.HalfToUInt16Bits((Half)Floats[(at + 9) & 31]) << 16,
                "bf16x2" => BitConverter.SingleToUInt32Bits(f) >> 16 | BitConverter.SingleToUInt32Bits(Floats[(at + 9) & 31]) & 0xFFFF0000,
                "u16" or "s16" or "b16" => (ushort)(word ^ word >> 16),
                "u64" or "s64" or "b64" => at < 8 ? word : (ulong)word << 32 | other,
                _ => word,
            };
        }
        return v;
    }

    /// <summary>The first lane that differs, in words, or null.</summary>
    public string? Check()
    {
        (string, ulong[])[] inputs = [.. Inputs.Select((t, i) => (t, Values(t, i)))];
        ulong[] got = PtxHarness.Run(Body, Result, inputs);
        int bits = PtxHarness.Bits(Result);
        ulong mask = bits == 64 ? ulong.MaxValue : (1UL << bits) - 1;
        for (int l = 0; l < 32; l++)
        {
            ulong a = inputs.Length > 0 ? inputs[0].Item2[l] : 0, b = inputs.Length > 1 ? inputs[1].Item2[l] : 0, c = inputs.Length > 2
                ? inputs[2].Item2[l] : 0;
            ulong want = (ByLane is null ? Expected!(a, b, c) : ByLane(l, inputs[0].Item2, inputs[^1].Item2)) & mask;
            if (!Same(got[l] & mask, want))
                return $"{Body}: lane {l}, a 0x{a:x}, b 0x{b:x}, c 0x{c:x}: got 0x{got[l] & mask:x}, expected 0x{want:x}";
        }
        return null;
    }

    private bool Same(ulong got, ulong want)
    {
        if (got == want) return true;
        switch (Result)
        {
            case "f32":
                (float x, float y) = (BitConverter.UInt32BitsToSingle((uint)got), BitConverter.UInt32BitsToSingle((uint)want));
                return float.IsNaN(x) && float.IsNaN(y) || Math.Abs((long)(int)got - (int)want) <= Ulps;
            case "f64":
                return (double.IsNaN(BitConverter.UInt64BitsToDouble(got)) && double.IsNaN(BitConverter.UInt64BitsToDouble(want)))
                    || Int128.Abs((Int128)(long)got - (long)want) <= Ulps;
            case "f16":
                return HalfNan((ushort)got) && HalfNan((ushort)want);
            case "bf16":
                return BrainNan((ushort)got) && BrainNan((ushort)want);
            case "f16x2":
                return Halves(got, want, HalfNan);
            case "bf16x2":
                return Halves(got, want, BrainNan);
            default:
                return false;
        }
    }

    private static bool HalfNan(ushort v) => (v & 0x7FFF) > 0x7C00;

    private static bool BrainNan(ushort v) => (v & 0x7FFF) > 0x7F80;

    private static bool Halves(ulong got, ulong want, Func<ushort, bool> nan)
    {
        for (int s = 0; s < 32; s += 16)
        {
            (ushort x, ushort y) = ((ushort)(got >> s), (ushort)(want >> s));
            if (x != y && !(nan(x) && nan(y))) return false;
        }
        return true;
    }
}
