using A2F.Engine.Backends;
using A2F.Engine.Backends.Cpu;
using Xunit;

namespace A2F.Engine.Tests.Backends;

public sealed class RowOperatorTests
{
    public static TheoryData<CpuInstructionSet, int> Backends => OperatorCase.Backends();

    [Theory]
    [MemberData(nameof(Backends))]
    public void Group_norm_agrees_with_double_arithmetic(CpuInstructionSet set, int threads)
    {
        foreach ((int items, int rows, int columns) in new[] { (1, 1, 1), (2, 7, 5), (3, 51, 40), (1, 500, 67), (2, 33, 512) })
        {
            using CpuOperators ops = new(threads, set);
            float[] x = Array.ConvertAll(OperatorCase.Random(items * rows * columns, 1), v => v * 0.1f + 3); // mean far above the spread
            float[] scale = OperatorCase.Random(columns, 2), shift = OperatorCase.Random(columns, 3);
            double[] expected = new double[x.Length];
            for (int item = 0; item < items; item++)
            {
                for (int c = 0; c < columns; c++)
                {
                    double[] column = Enumerable.Range(0, rows).Select(t => (double)x[(item * rows + t) * columns + c]).ToArray();
                    (double mean, double variance) = Moments(column);
                    for (int t = 0; t < rows; t++)
                    {
                        double v = (column[t] - mean) / Math.Sqrt(variance + 1e-5) * scale[c] + shift[c];
                        expected[(item * rows + t) * columns + c] = ReferenceMath.Gelu(v);
                    }
                }
            }
            Tensor y = OperatorCase.Upload(ops, x, items, rows, columns);
            ops.GroupNorm(y, new NormWeights(ops.Upload(scale), ops.Upload(shift), 1e-5f), Activation.Gelu);
            OperatorCase.AssertClose(expected, OperatorCase.Download(ops, y), 1e-5, $"[{items}, {rows}, {columns}]"); // a mean of 30 spreads amplifies its rounding
            ops.VerifyGuards();
        }
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void Layer_norm_agrees_with_double_arithmetic(CpuInstructionSet set, int threads)
    {
        foreach ((int items, int rows, int columns) in new[] { (1, 1, 1), (2, 7, 5), (3, 9, 24), (1, 25, 768), (2, 3, 67) })
        {
            using CpuOperators ops = new(threads, set);
            float[] x = OperatorCase.Random(items * rows * columns, 1), scale = OperatorCase.Random(columns, 2), shift = OperatorCase.Random(columns, 3);
            double[] expected = new double[x.Length];
            for (int row = 0; row < items * rows; row++)
            {
                (double mean, double variance) = Moments(x.AsSpan(row * columns, columns).ToArray().Select(v => (double)v).ToArray());
                for (int c = 0; c < columns; c++)
                    expected[row * columns + c] = (x[row * columns + c] - mean) / Math.Sqrt(variance + 1e-5) * scale[c] + shift[c];
            }
            Tensor y = ops.Allocate(items, rows, columns);
            ops.LayerNorm(OperatorCase.Upload(ops, x, items, rows, columns, padding: 2), new NormWeights(ops.Upload(scale), ops.Upload(shift), 1e-5f), y);
            OperatorCase.AssertClose(expected, OperatorCase.Download(ops, y), 2e-6, $"[{items}, {rows}, {columns}]");
            ops.VerifyGuards();
        }
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void Attention_agrees_with_double_arithmetic(CpuInstructionSet set, int threads)
    {
        foreach ((int items, int steps, int heads, int size) in new[] { (1, 1, 1, 1), (2, 5, 3, 7), (1, 25, 12, 64), (3, 49, 4, 8), (1, 130, 2, 16) })
        {
            using CpuOperators ops = new(threads, set);
            int dim = heads * size;
            float[] qkv = Array.ConvertAll(OperatorCase.Random(items * steps * 3 * dim, 1), v => v * 4);
            double[] expected = new double[items * steps * dim];
            for (int item = 0; item < items; item++)
            {
                for (int head = 0; head < heads; head++)
                {
                    double At(int part, int t, int i) => qkv[(item * steps + t) * 3 * dim + part * dim + head * size + i];
                    for (int t = 0; t < steps; t++)
                    {
                        double[] p = new double[steps];
                        for (int u = 0; u < steps; u++)
                            p[u] = Math.Exp(Enumerable.Range(0, size).Sum(i => At(0, t, i) * At(1, u, i)) / Math.Sqrt(size));
                        double total = p.Sum();
                        for (int i = 0; i < size; i++)
                            expected[(item * steps + t) * dim + head * size + i] = Enumerable.Range(0, steps).Sum(u => p[u] / total * At(2, u, i));
                    }
                }
            }
            Tensor y = ops.Allocate(items, steps, dim);
            ops.Attention(OperatorCase.Upload(ops, qkv, items, steps, 3 * dim), heads, y);
            OperatorCase.AssertClose(expected, OperatorCase.Download(ops, y), 1e-5, $"[{items}, {steps}] {heads} x {size}");
            ops.VerifyGuards();
        }
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void Autocorrelation_agrees_with_double_arithmetic(CpuInstructionSet set, int threads)
    {
        foreach ((int items, int frames, int length, int hop, int lags) in new[] { (1, 1, 8, 8, 1), (2, 3, 50, 20, 13), (2, 25, 640, 320, 32) })
        {
            using CpuOperators ops = new(threads, set);
            int samples = (frames - 1) * hop + length;
            float[] audio = Array.ConvertAll(OperatorCase.Random(items * samples, 1), v => v * 0.2f + 0.5f), taper = OperatorCase.Random(length, 2);
            double[] expected = new double[items * frames * lags];
            for (int i = 0; i < expected.Length; i++)
            {
                int lag = i % lags, start = i / lags / frames * samples + i / lags % frames * hop;
                double mean = Enumerable.Range(start, length).Average(n => (double)audio[n]);
                double W(int n) => (audio[start + n] - mean) * taper[n];
                expected[i] = 0.25 * Enumerable.Range(0, length - lag).Sum(n => W(n) * W(n + lag));
            }
            Tensor y = ops.Allocate(items, frames, lags);
            ops.AutoCorrelation(OperatorCase.Upload(ops, audio, items, 1, samples), ops.Upload(taper), hop, 0.25f, y);
            OperatorCase.AssertClose(expected, OperatorCase.Download(ops, y), 3e-6, $"[{items}, {frames}, {length}] {lags} lags");
            ops.VerifyGuards();
        }
    }

    [Fact]
    public void Scaling_sets_or_adds_and_repeats_a_single_row()
    {
        using CpuOperators ops = new();
        Tensor y = OperatorCase.Upload(ops, [1, 2, 3, 4, 5, 6], 1, 2, 3);
        ops.Scale(OperatorCase.Upload(ops, [10, 20, 30], 1, 1, 3), 0.5f, y, accumulate: true);
        Assert.Equal([6f, 12, 18, 9, 15, 21], OperatorCase.Download(ops, y));
        ops.Scale(y.RowRange(1, 1), 2, y.RowRange(0, 1));
        Assert.Equal([18f, 30, 42, 9, 15, 21], OperatorCase.Download(ops, y));
    }

    [Fact]
    public unsafe void A_pool_runs_each_task_once_on_any_number_of_threads()
    {
        foreach (int threads in new[] { 1, 2, 5 })
        {
            using WorkerPool pool = new(threads);
            foreach (int tasks in new[] { 0, 1, 2, 3, 64, 1000 })
            {
                int[] counts = new int[tasks + 1];
                fixed (int* state = counts) pool.Run(tasks, state, &Count);
                Assert.All(counts[..tasks], c => Assert.Equal(1, c));
                Assert.Equal(0, counts[tasks]);
            }
        }

        static void Count(void* state, int task, int worker) => Interlocked.Increment(ref ((int*)state)[task]);
    }

    private static (double Mean, double Variance) Moments(double[] values)
    {
        double mean = values.Average();
        return (mean, values.Sum(v => (v - mean) * (v - mean)) / values.Length);
    }
}
