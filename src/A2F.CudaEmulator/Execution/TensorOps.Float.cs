using A2F.CudaEmulator.Ptx;

namespace A2F.CudaEmulator.Execution;

/// <summary>
/// mma.sync on floats. A register of a fragment, seen as 32 words in lane order, is an 8-row matrix of four words a row (A, C), or its
/// transpose (B): lane 4 r + t holds word t of row r. A word is one element (tf32) or two neighbours, the lower first.
/// </summary>
internal static unsafe partial class TensorOps
{
    /// <summary>
    /// mma.m16n8kK: X[0..3] D, X[4..7] A, X[8..9] B, X[10..13] C; Width is K, Type the element type, Type2 the accumulator's.
    /// Products are exact and accumulate in float, k ascending.
    /// </summary>
    public static void Multiply(Warp w, Instruction* i)
    {
        FullWarp(w);
        int perWord = i->Type == PtxType.TF32 ? 1 : 2, blocks = i->Count2;
        // a[(register * perWord + which of the word) * 32 + lane]; b as rows of k.
        float* a = stackalloc float[4 * 2 * 32];
        float* b = stackalloc float[16 * 8];
        float* c = stackalloc float[16 * 8];
        for (int reg = 0; reg < i->Count; reg++)
            for (int e = 0; e < perWord; e++) Elements(i->Type, w.Registers + i->X[4 + reg], e, a + (reg * perWord + e) * 32);
        for (int reg = 0; reg < blocks; reg++)
            for (int e = 0; e < perWord; e++) RowsOfB(i->Type, w.Registers + i->X[8 + reg], e, perWord, b + reg * 4 * perWord * 8);
        LoadAccumulators(w, i, c);
        for (int row = 0; row < 16; row++)
        {
            Vector256<float> sum = Vector256.Load(c + row * 8);
            for (int block = 0; block < blocks; block++)
            {
                // Registers of A alternate between the upper and the lower eight rows.
                float* words = a + ((2 * block + (row >> 3)) * perWord * 32) + 4 * (row & 7);
                float* rows = b + block * 4 * perWord * 8;
                for (int t = 0; t < 4; t++)
                    for (int e = 0; e < perWord; e++, rows += 8)
                        sum = Vector256.FusedMultiplyAdd(Vector256.Create(words[e * 32 + t]), Vector256.Load(rows), sum);
            }
            sum.Store(c + row * 8);
        }
        StoreAccumulators(w, i, c);
    }

    /// <summary>Element <paramref name="e"/> of each of 32 words, as floats.</summary>
    private static void Elements(PtxType type, byte* column, int e, float* to)
    {
        for (int half = 0; half < 32; half += 16)
        {
            Vector512<uint> v = Vector512.Load((uint*)column + half);
            v = type switch
            {
                PtxType.TF32 => v & Vector512.Create(0xFFFFE000u), // the hardware ignores the low 13 bits
                PtxType.BF16 => e == 0 ? v << 16 : v & Vector512.Create(0xFFFF0000u),
                _ => FromHalf(e == 0 ? v & Vector512.Create(0xFFFFu) : v >>> 16).AsUInt32(),
            };
            v.AsSingle().Store(to + half);
        }
    }

    /// <summary>Halves in the low bits: moved into place, floats of 2^-112 times the value; infinity and NaN keep their exponent.</summary>
    private static Vector512<float> FromHalf(Vector512<uint> v)
    {
        Vector512<uint> magnitude = v & Vector512.Create(0x7FFFu), sign = (v & Vector512.Create(0x8000u)) << 16;
        Vector512<uint> scaled = ((magnitude << 13).AsSingle() * Vector512.Create(5.192296858534828e33f)).AsUInt32();
        Vector512<uint> special = Vector512.GreaterThanOrEqual(magnitude, Vector512.Create(0x7C00u)) & Vector512.Create(0x7F800000u);
        return (scaled | special | sign).AsSingle();
    }

    /// <summary>From lanes 4 column + t to rows of eight columns: row t perWord + e.</summary>
    private static void RowsOfB(PtxType type, byte* column, int e, int perWord, float* rows)
    {
        float* elements = stackalloc float[32];
        Elements(type, column, e, elements);
        Vector512<int> turn = Vector512.Create(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        for (int half = 0; half < 2; half++)
        {
            Vector512<float> four = Vector512.Shuffle(Vector512.Load(elements + 16 * half), turn);
            float* to = rows + e * 8 + 4 * half;
            four.GetLower().GetLower().Store(to);
            four.GetLower().GetUpper().Store(to + perWord * 8);
            four.GetUpper().GetLower().Store(to + 2 * perWord * 8);
            four.GetUpper().GetUpper().Store(to + 3 * perWord * 8);
        }
    }

    /// <summary>C: as four f32 registers, or two of f16 pairs; register pairs hold the upper and the lower eight rows.</summary>
    private static void LoadAccumulators(Warp w, Instruction* i, float* c)
    {
        bool narrow = i->Type2 == PtxType.F16;
        float* pairs = stackalloc float[64];
        for (int half = 0; half < 2; half++)
        {
            float* even = pairs, odd = pairs + 32;
            for (int e = 0; narrow && e < 2; e++) Elements(PtxType.F16, w.Registers + i->X[10 + half], e, pairs + 32 * e);
            if (!narrow)
            {
                even = (float*)(w.Registers + i->X[10 + 2 * half]);
                odd = (float*)(w.Registers + i->X[11 + 2 * half]);
            }
            for (int row = 0; row < 8; row++)
            {
                Vector256<float> both = Vector256.Create(Vector128.Load(even + 4 * row), Vector128.Load(odd + 4 * row));
                Vector256.Shuffle(both, Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7)).Store(c + 64 * half + 8 * row);
            }
        }
    }

    private static void StoreAccumulators(Warp w, Instruction* i, float* c)
    {
        bool narrow = i->Type2 == PtxType.F16;
        for (int half = 0; half < 2; half++)
            for (int row = 0; row < 8; row++)
            {
                float* from = c + 64 * half + 8 * row;
                if (narrow)
                {
                    uint* pairs = (uint*)(w.Registers + i->X[half]) + 4 * row;
                    for (int t = 0; t < 4; t++)
                    {
                        uint upper = Round.ToHalf(from[2 * t + 1], Rounding.Nearest);
                        pairs[t] = upper << 16 | Round.ToHalf(from[2 * t], Rounding.Nearest);
                    }
                    continue;
                }
                Vector256<float> both = Vector256.Shuffle(Vector256.Load(from), Vector256.Create(0, 2, 4, 6, 1, 3, 5, 7));
                both.GetLower().Store((float*)(w.Registers + i->X[2 * half]) + 4 * row);
                both.GetUpper().Store((float*)(w.Registers + i->X[2 * half + 1]) + 4 * row);
            }
    }
}
