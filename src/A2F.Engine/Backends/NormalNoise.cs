using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace A2F.Engine.Backends;

/// <summary>
/// Normally distributed numbers by position: number n of (seed, window) is the same on every machine and backend, whatever is asked for
/// beside it.
/// <para>
/// Philox4x32 with 10 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") turns the counter (n / 4, window), 64 bits
/// each, under the key seed into four words. Each pair of words (a, b) gives two numbers by Box and Muller: radius
/// sqrt(-2 log u), u = (a / 256 + 1/2) / 2^24 rounded, and the angle b, in units of 2 pi / 2^32, from -pi/4. Logarithm, sine and cosine are
/// polynomials of correctly rounded operations in a fixed order, so that their bits are the same everywhere; kernels/noise.cuh has the same
/// ones.
/// </para>
/// </summary>
internal static unsafe class NormalNoise
{
    private const int Lanes = 8, BlockNumbers = 4, BatchNumbers = Lanes * BlockNumbers;
    private const uint M0 = 0xD2511F53, M1 = 0xCD9E8D57, W0 = 0x9E3779B9, W1 = 0xBB67AE85;

    /// <summary>Writes the numbers from <paramref name="first"/> on.</summary>
    /// <param name="seed">Seed of the character.</param>
    /// <param name="window">Window of the track, 0 where all windows share their noise.</param>
    /// <param name="first">Number of the first element, 0 or more.</param>
    /// <param name="values">Where they go.</param>
    internal static void Fill(ulong seed, ulong window, long first, Span<float> values)
    {
        float* batch = stackalloc float[BatchNumbers];
        for (int done = 0; done < values.Length;)
        {
            long number = first + done, block = number / BlockNumbers;
            Batch(seed, window, (ulong)block, batch);
            int skip = (int)(number % BlockNumbers), count = Math.Min(BatchNumbers - skip, values.Length - done);
            new ReadOnlySpan<float>(batch + skip, count).CopyTo(values.Slice(done, count));
            done += count;
        }
    }

    /// <summary>The four words of a counter.</summary>
    internal static (uint X, uint Y, uint Z, uint W) Words(ulong seed, ulong window, ulong block)
    {
        Vector256<uint> x = Vector256.Create((uint)block), y = Vector256.Create((uint)(block >> 32));
        Vector256<uint> z = Vector256.Create((uint)window), w = Vector256.Create((uint)(window >> 32));
        Philox(seed, ref x, ref y, ref z, ref w);
        return (x[0], y[0], z[0], w[0]);
    }

    /// <summary>The numbers of eight blocks.</summary>
    private static void Batch(ulong seed, ulong window, ulong block, float* values)
    {
        uint low = (uint)block;
        Vector256<uint> x = Vector256.Create(low) + Vector256<uint>.Indices, y = Vector256.Create((uint)(block >> 32));
        y -= Vector256.LessThan(x, Vector256.Create(low)); // the carry
        Vector256<uint> z = Vector256.Create((uint)window), w = Vector256.Create((uint)(window >> 32));
        Philox(seed, ref x, ref y, ref z, ref w);
        (Vector256<float> a, Vector256<float> b) = Pair(x, y);
        (Vector256<float> c, Vector256<float> d) = Pair(z, w);
        float* parts = stackalloc float[BatchNumbers];
        a.Store(parts);
        b.Store(parts + Lanes);
        c.Store(parts + 2 * Lanes);
        d.Store(parts + 3 * Lanes);
        for (int i = 0; i < BatchNumbers; i++) values[i] = parts[i % BlockNumbers * Lanes + i / BlockNumbers];
    }

    private static void Philox(ulong seed, ref Vector256<uint> x, ref Vector256<uint> y, ref Vector256<uint> z, ref Vector256<uint> w)
    {
        (uint k0, uint k1) = ((uint)seed, (uint)(seed >> 32));
        for (int round = 0; round < 10; round++)
        {
            (Vector256<uint> high0, Vector256<uint> low0) = Multiply(x, M0);
            (Vector256<uint> high1, Vector256<uint> low1) = Multiply(z, M1);
            x = high1 ^ y ^ Vector256.Create(k0);
            z = high0 ^ w ^ Vector256.Create(k1);
            (y, w) = (low1, low0);
            k0 += W0;
            k1 += W1;
        }
    }

    /// <summary>High and low words of the 64-bit products.</summary>
    private static (Vector256<uint> High, Vector256<uint> Low) Multiply(Vector256<uint> a, uint factor)
    {
        Vector256<uint> m = Vector256.Create(factor), high;
        if (Avx2.IsSupported)
        {
            Vector256<ulong> even = Avx2.Multiply(a, m), odd = Avx2.Multiply((a.AsUInt64() >> 32).AsUInt32(), m);
            high = Vector256.ConditionalSelect(
                Vector256.Create(0x00000000FFFFFFFFul).AsUInt32(), (even >> 32).AsUInt32(), odd.AsUInt32());
        }
        else
        {
            Span<uint> words = stackalloc uint[Lanes];
            a.CopyTo(words);
            for (int i = 0; i < Lanes; i++) words[i] = (uint)((ulong)words[i] * factor >> 32);
            high = Vector256.Create((ReadOnlySpan<uint>)words);
        }
        return (high, a * m);
    }

    private static (Vector256<float> First, Vector256<float> Second) Pair(Vector256<uint> a, Vector256<uint> b)
    {
        Vector256<float> u = Fma(Vector256.ConvertToSingle((a >> 8).AsInt32()), 5.9604644775390625e-8f, Vector256.Create(2.98023223876953125e-8f));
        Vector256<float> radius = Vector256.Sqrt(Log(u) * -2f);

        // A quarter turn, and the angle x from its middle, in [-pi/4, pi/4).
        Vector256<uint> quarter = b >> 30;
        Vector256<float> turn = Vector256.ConvertToSingle((b << 2 >> 8).AsInt32());
        Vector256<float> x = Fma(turn, 9.362675e-8f, Vector256.Create(-0.78539816f)), t = x * x;
        Vector256<float> sine = Vector256.Create(2.7557319e-6f);
        sine = Fma(sine, t, -1.9841270e-4f);
        sine = Fma(sine, t, 8.3333333e-3f);
        sine = Fma(sine, t, -0.16666667f);
        sine = Fma(sine * t, x, x);
        Vector256<float> cosine = Vector256.Create(-2.7557319e-7f);
        cosine = Fma(cosine, t, 2.4801587e-5f);
        cosine = Fma(cosine, t, -1.3888889e-3f);
        cosine = Fma(cosine, t, 4.1666667e-2f);
        cosine = Fma(cosine, t, -0.5f);
        cosine = Fma(cosine, t, 1f);

        // Quarters 0 to 3: (c, s), (-s, c), (-c, -s), (s, -c).
        Vector256<float> swap = Vector256.Equals(quarter & Vector256<uint>.One, Vector256<uint>.One).AsSingle();
        Vector256<float> first = Vector256.ConditionalSelect(swap, sine, cosine), second = Vector256.ConditionalSelect(swap, cosine, sine);
        Vector256<uint> firstSign = ((quarter ^ (quarter >> 1)) & Vector256<uint>.One) << 31, secondSign = (quarter >> 1) << 31;
        return (radius * (first.AsUInt32() ^ firstSign).AsSingle(), radius * (second.AsUInt32() ^ secondSign).AsSingle());
    }

    /// <summary>
    /// log x for normal x above 0: x = 2^e m, m in about [0.7, 1.4], log m = 2 artanh((m - 1) / (m + 1)). Within 1e-7 of x log x.
    /// </summary>
    private static Vector256<float> Log(Vector256<float> x)
    {
        Vector256<int> bits = x.AsInt32() - Vector256.Create(0x3F3504F3); // the bits of sqrt 1/2
        Vector256<int> exponent = bits >> 23;
        Vector256<float> m = ((bits & Vector256.Create(0x007FFFFF)) + Vector256.Create(0x3F3504F3)).AsSingle();
        Vector256<float> s = (m - Vector256<float>.One) / (m + Vector256<float>.One), t = s * s;
        Vector256<float> p = Vector256.Create(0.11111111f);
        p = Fma(p, t, 0.14285714f);
        p = Fma(p, t, 0.2f);
        p = Fma(p, t, 0.33333333f);
        p = Fma(p * t, s, s);
        return Fma(Vector256.ConvertToSingle(exponent), 0.69314718f, p + p);
    }

    private static Vector256<float> Fma(Vector256<float> a, Vector256<float> b, float c) => Fma(a, b, Vector256.Create(c));

    private static Vector256<float> Fma(Vector256<float> a, float b, Vector256<float> c) => Fma(a, Vector256.Create(b), c);

    /// <summary>a * b + c, rounded once whatever the machine has.</summary>
    private static Vector256<float> Fma(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Vector256.FusedMultiplyAdd(a, b, c);
}
