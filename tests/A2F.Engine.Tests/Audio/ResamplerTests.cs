using A2F.Engine.Audio;
using Xunit;

namespace A2F.Engine.Tests.Audio;

public sealed class ResamplerTests
{
    public static TheoryData<int> Rates => [8000, 11025, 12345, 22050, 24000, 32000, 44100, 47999, 48000, 96000, 192000];

    [Fact]
    public void Audio_at_16_kHz_comes_back_bit_for_bit()
    {
        float[] samples = Sine(440, 16000, 1000);
        Assert.Equal(samples, Resampler.ToTargetRate(samples, 16000));
    }

    [Theory]
    [InlineData(8000, 5, 10)]
    [InlineData(44100, 44100, 16000)]
    [InlineData(44100, 1, 1)]
    [InlineData(48000, 3, 1)]
    [InlineData(48000, 4, 2)]
    [InlineData(768_000, 49, 2)]
    [InlineData(1000, 7, 112)]
    [InlineData(12345, 1000, 1297)]
    public void The_length_is_the_exact_one_rounded_up(int rate, int count, int expected)
    {
        Assert.Equal(expected, Resampler.ToTargetRate(new float[count], rate).Length);
        Assert.Equal((int)Math.Ceiling(count * 16000m / rate), expected);
    }

    [Theory]
    [MemberData(nameof(Rates))]
    public void Tones_in_the_pass_band_keep_their_level_and_their_place(int rate)
    {
        double nyquist = Math.Min(rate, 16000) / 2.0;
        foreach (double tone in new[] { 50, 440.5, 0.5 * nyquist, 0.8 * nyquist, 0.9 * nyquist })
        {
            float[] output = Resampler.ToTargetRate(Sine(tone, rate, rate), rate);
            float[] expected = Sine(tone, 16000, 16000);
            // The tone starts and ends abruptly; a tenth of a second further in, nothing of that is left.
            int worst = Enumerable.Range(1600, 12800).MaxBy(i => Math.Abs(output[i] - expected[i]));
            double error = Math.Abs(output[worst] - expected[worst]);
            // 2e-4 of the level is 0.0017 dB; a shift of 1e-4 samples at 7.2 kHz would already show.
            Assert.True(error < 2e-4, $"{tone} Hz at [{worst}]: expected {expected[worst]}, found {output[worst]}");
        }
    }

    [Theory]
    [MemberData(nameof(Rates))]
    public void Nothing_above_the_lower_nyquist_frequency_comes_through_louder_than_minus_80_dB(int rate)
    {
        if (rate > 16000)
        {
            for (double tone = 8000.5; tone < rate / 2.0; tone *= 1.07)
            {
                float[] output = Resampler.ToTargetRate(Sine(tone, rate, rate), rate);
                double peak = output.Skip(1600).Take(12800).Max(Math.Abs);
                Assert.True(peak < 1e-4, $"{tone} Hz comes through at {20 * Math.Log10(peak)} dB");
            }
            return;
        }
        // Upwards the danger is mirror images of tones below the input's Nyquist frequency.
        for (double tone = 100; tone < 0.9 * rate / 2; tone += 487)
        {
            float[] output = Resampler.ToTargetRate(Sine(tone, rate, rate), rate);
            double image = Level(output, rate - tone);
            Assert.True(image < 1e-4, $"the image of {tone} Hz comes through at {20 * Math.Log10(image)} dB");
        }
    }

    [Theory]
    [MemberData(nameof(Rates))]
    public void A_constant_stays_that_constant(int rate)
    {
        float[] input = new float[rate];
        Array.Fill(input, 0.7f);
        float[] output = Resampler.ToTargetRate(input, rate);
        int worst = Enumerable.Range(1600, 12800).MaxBy(i => Math.Abs(output[i] - 0.7f));
        Assert.True(Math.Abs(output[worst] - 0.7f) < 1e-6, $"[{worst}]: expected 0.7, found {output[worst]}");
    }

    [Theory]
    [InlineData(48000, 4800)]
    [InlineData(44100, 4410)]
    [InlineData(8000, 800)]
    [InlineData(12345, 2469)]
    public void An_impulse_stays_at_its_time_and_is_symmetric(int rate, int at)
    {
        float[] input = new float[2 * at];
        input[at] = 1;
        float[] output = Resampler.ToTargetRate(input, rate);
        int centre = at * 16000 / rate;
        Assert.Equal(centre, Enumerable.Range(0, output.Length).MaxBy(i => Math.Abs(output[i])));
        for (int distance = 1; distance < 200; distance++)
            Assert.Equal(output[centre - distance], output[centre + distance], 1e-6f);
    }

    [Theory]
    [InlineData(44100)]
    [InlineData(12345)]
    [InlineData(767_999)]
    public void It_agrees_with_the_defining_sum_in_double_precision(int rate)
    {
        // Kaiser-windowed sinc: 96 dB, from 0.92 to 1 of the lower Nyquist frequency.
        Random random = new(3);
        float[] input = [.. Enumerable.Range(0, 4 * rate / 1000).Select(_ => (random.NextSingle() * 2) - 1)];
        float[] output = Resampler.ToTargetRate(input, rate);
        double nyquist = 0.5 * Math.Min(1.0, 16000.0 / rate);
        double half = (96 - 7.95) / (14.36 * 0.08 * nyquist) / 2;
        for (int m = 0; m < output.Length; m++)
        {
            double sum = 0;
            double gain = 0;
            double time = (double)m * rate / 16000;
            for (long n = (long)Math.Floor(time - half); n <= time + half; n++)
            {
                double tap = Kaiser((time - n) / half) * Sinc(2 * 0.96 * nyquist * (time - n));
                gain += tap;
                sum += n >= 0 && n < input.Length ? tap * input[n] : 0;
            }
            Assert.True(Math.Abs((sum / gain) - output[m]) < 5e-6, $"[{m}]: expected {sum / gain}, found {output[m]}");
        }
    }

    [Fact]
    public void Rates_out_of_range_are_refused()
    {
        foreach (int rate in new[] { int.MinValue, 0, 999, 768_001 })
        {
            A2FException e = Assert.Throws<A2FException>(() => Resampler.ToTargetRate([0f], rate));
            Assert.Equal(A2FErrorCode.OutOfRange, e.Code);
        }
    }

    private static float[] Sine(double tone, int rate, int count) =>
        [.. Enumerable.Range(0, count).Select(i => (float)Math.Sin((2 * Math.PI * tone * i / rate) + 0.3))];

    /// <summary>The amplitude of one frequency, by correlation under a Blackman window.</summary>
    private static double Level(float[] samples, double tone)
    {
        (double re, double im, double total) = (0, 0, 0);
        for (int i = 1600; i < 14400; i++)
        {
            double x = 2 * Math.PI * (i - 1600) / 12800;
            double window = 0.42 - (0.5 * Math.Cos(x)) + (0.08 * Math.Cos(2 * x));
            re += window * samples[i] * Math.Cos(2 * Math.PI * tone * i / 16000);
            im += window * samples[i] * Math.Sin(2 * Math.PI * tone * i / 16000);
            total += window;
        }
        return 2 * Math.Sqrt((re * re) + (im * im)) / total;
    }

    private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x);

    /// <summary>The Kaiser window, its Bessel function as the integral of exp(x cos t) over half a turn.</summary>
    private static double Kaiser(double x)
    {
        double beta = 0.1102 * (96 - 8.7);
        return Math.Abs(x) > 1 ? 0 : BesselI0(beta * Math.Sqrt(1 - (x * x))) / BesselI0(beta);
    }

    private static double BesselI0(double x)
    {
        const int points = 32;
        double sum = 0;
        for (int i = 0; i < points; i++)
            sum += Math.Exp(x * Math.Cos(Math.PI * (i + 0.5) / points));
        return sum / points;
    }
}
