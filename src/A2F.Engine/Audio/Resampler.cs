using System.Runtime.Intrinsics;

namespace A2F.Engine.Audio;

/// <summary>
/// Brings audio of any rate to 16 kHz with a Kaiser-windowed sinc filter (Kaiser 1974; Oppenheim and Schafer, section 7.5).
/// Output sample m sits at input time m * rate / 16000, so sample 0 stays sample 0 and nothing is delayed; outside the input
/// is silence. With f the lower of the two Nyquist frequencies, the pass band ends at 0.92 f and the stop band starts at f.
/// The same input gives the same bits on every machine: no fused multiply-adds, a fixed order of sums.
/// </summary>
internal static class Resampler
{
    /// <summary>The rate of all audio that the networks see, in samples a second.</summary>
    public const int TargetRate = 16000;

    /// <summary>The lowest rate taken. Below it there is no speech, and output would outgrow its file without bound.</summary>
    public const int MinRate = 1000;

    /// <summary>The highest rate taken.</summary>
    public const int MaxRate = 768_000;

    /// <summary>The longest output, in samples: 2 GiB of float32, 9.3 hours.</summary>
    public const int MaxOutput = 1 << 29;

    private const double StopBandDecibels = 96;
    private const double PassBand = 0.92;

    // Rows a unit of the filter's own time scale. Linear interpolation between rows then errs by at most
    // (pi / 1024)^2 / 8 = 1.2e-6, which is -118 dB.
    private const int FineRows = 1024;

    /// <summary>How many samples come out for <paramref name="count"/> samples in: count * 16000 / rate, rounded up.</summary>
    public static long OutputLength(long count, int rate) => ((count * TargetRate) + rate - 1) / rate;

    /// <summary>Resamples to 16 kHz; at 16 kHz returns an exact copy.</summary>
    public static float[] ToTargetRate(ReadOnlySpan<float> input, int rate)
    {
        if (rate is < MinRate or > MaxRate)
        {
            throw new A2FException(A2FErrorCode.OutOfRange,
                $"A sample rate of {rate} Hz cannot be resampled, expected {MinRate} to {MaxRate}.");
        }
        if (rate == TargetRate)
            return input.ToArray();
        long length = OutputLength(input.Length, rate);
        if (length > MaxOutput)
        {
            throw new A2FException(A2FErrorCode.OutOfMemory,
                $"{input.Length} samples at {rate} Hz make {length} samples at {TargetRate} Hz, expected at most {MaxOutput}.");
        }
        float[] output = new float[length];
        Run(input, output, rate);
        return output;
    }

    private static void Run(ReadOnlySpan<float> input, Span<float> output, int rate)
    {
        // Input time advances by step / phases a sample, in lowest terms: phase / phases is the fractional part.
        int divisor = GreatestCommonDivisor(TargetRate, rate);
        int phases = TargetRate / divisor;
        int step = rate / divisor;
        int fineRows = (int)Math.Ceiling(FineRows * Math.Min(1.0, (double)TargetRate / rate));
        bool exact = phases <= fineRows;
        int rows = exact ? phases : fineRows;
        (float[] table, int taps) = BuildTable(rows, rate);

        long position = 0;
        int phase = 0;
        for (int m = 0; m < output.Length; m++)
        {
            long start = position - (taps / 2) + 1;
            int from = (int)Math.Max(0, -start);
            int to = (int)Math.Min(taps, input.Length - start);
            ReadOnlySpan<float> window = input[(int)(start + from)..(int)(start + to)];
            if (exact)
            {
                output[m] = Dot(window, table.AsSpan((phase * taps) + from, to - from));
            }
            else
            {
                long scaled = (long)phase * rows;
                int row = (int)(scaled / phases);
                float weight = (float)(scaled % phases) / phases;
                float low = Dot(window, table.AsSpan((row * taps) + from, to - from));
                float high = Dot(window, table.AsSpan(((row + 1) * taps) + from, to - from));
                output[m] = low + (weight * (high - low));
            }
            position += step / phases;
            phase += step % phases;
            if (phase >= phases)
            {
                phase -= phases;
                position++;
            }
        }
    }

    /// <summary>
    /// The filter at fractions 0, 1/rows, ... 1 of an input sample: [rows + 1, taps]. Tap k of a row meets input sample
    /// floor(time) - taps/2 + 1 + k. Every row sums to one, so a constant stays exactly that constant.
    /// </summary>
    private static (float[] Table, int Taps) BuildTable(int rows, int rate)
    {
        double nyquist = 0.5 * Math.Min(1.0, (double)TargetRate / rate); // cycles per input sample
        double transition = (1 - PassBand) * nyquist;
        double cutoff = nyquist - (transition / 2);
        double beta = 0.1102 * (StopBandDecibels - 8.7);
        double halfWidth = (StopBandDecibels - 7.95) / (14.36 * transition) / 2;
        int taps = 2 * (int)Math.Ceiling(halfWidth);
        float[] table = new float[(rows + 1) * taps];
        double[] row = new double[taps];
        double scale = 1 / BesselI0(beta);
        for (int r = 0; r <= rows; r++)
        {
            double sum = 0;
            for (int k = 0; k < taps; k++)
            {
                double time = ((double)r / rows) + (taps / 2) - 1 - k;
                double edge = time / halfWidth;
                double window = Math.Abs(edge) >= 1 ? 0 : BesselI0(beta * Math.Sqrt(1 - (edge * edge))) * scale;
                double angle = 2 * Math.PI * cutoff * time;
                row[k] = window * (time == 0 ? 1 : Math.Sin(angle) / angle);
                sum += row[k];
            }
            for (int k = 0; k < taps; k++)
                table[(r * taps) + k] = (float)(row[k] / sum);
        }
        return (table, taps);
    }

    /// <summary>The modified Bessel function of the first kind, order zero, by its power series.</summary>
    private static double BesselI0(double x)
    {
        double quarter = x * x / 4;
        double term = 1;
        double sum = 1;
        for (int k = 1; term > sum * 1e-17; k++)
        {
            term *= quarter / ((double)k * k);
            sum += term;
        }
        return sum;
    }

    private static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        int width = Vector256<float>.Count;
        Vector256<float> sum0 = default;
        Vector256<float> sum1 = default;
        Vector256<float> sum2 = default;
        Vector256<float> sum3 = default;
        int i = 0;
        for (; i <= a.Length - (4 * width); i += 4 * width)
        {
            sum0 += Vector256.Create(a[i..]) * Vector256.Create(b[i..]);
            sum1 += Vector256.Create(a[(i + width)..]) * Vector256.Create(b[(i + width)..]);
            sum2 += Vector256.Create(a[(i + (2 * width))..]) * Vector256.Create(b[(i + (2 * width))..]);
            sum3 += Vector256.Create(a[(i + (3 * width))..]) * Vector256.Create(b[(i + (3 * width))..]);
        }
        for (; i <= a.Length - width; i += width)
            sum0 += Vector256.Create(a[i..]) * Vector256.Create(b[i..]);
        float sum = Vector256.Sum(sum0 + sum1 + (sum2 + sum3));
        for (; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    private static int GreatestCommonDivisor(int a, int b)
    {
        while (b != 0)
            (a, b) = (b, a % b);
        return a;
    }
}
