using A2F.Engine.Animation;
using Xunit;

namespace A2F.Engine.Tests.Animation;

public sealed class BoundedQuadraticTests
{
    public enum Kind
    {
        Regular,
        DuplicateColumns,
        ZeroColumns,
        LowRank,
        IllConditioned,
        NearDuplicates,
        BadlyScaled,
    }

    [Theory]
    [InlineData(Kind.Regular)]
    [InlineData(Kind.DuplicateColumns)]
    [InlineData(Kind.ZeroColumns)]
    [InlineData(Kind.LowRank)]
    [InlineData(Kind.IllConditioned)]
    [InlineData(Kind.NearDuplicates)]
    [InlineData(Kind.BadlyScaled)]
    public void Every_solution_is_a_minimum(Kind kind)
    {
        Random random = new(100 + (int)kind);
        for (int round = 0; round < 300; round++)
        {
            int n = 1 + random.Next(60);
            int m = n + random.Next(20);
            double[] a = Matrix(random, kind, m, n);
            double[] b = [.. Enumerable.Range(0, m).Select(_ => Normal(random) * 3)];
            double[] upper = [.. Enumerable.Range(0, n).Select(i => round % 3 == 0 && i % 4 == 1 ? 1e-10 : round % 5 == 0 && i % 7 == 2 ? 0.0 : 1.0)];
            AssertMinimum(a, b, upper, m, n, $"{kind}, round {round}, {m} x {n}");
        }
    }

    [Fact]
    public void An_optimum_on_bounds_is_exact()
    {
        double[] x = new double[2];
        new BoundedQuadratic(2, [1, 0, 0, 1]).Solve([-3, 5], [1, 1], x);
        Assert.Equal([0.0, 1.0], x);
    }

    [Fact]
    public void A_problem_without_any_slope_is_solved_by_zeros()
    {
        double[] x = [7, 7, 7];
        new BoundedQuadratic(3, new double[9]).Solve(new double[3], [1, 1, 1], x);
        Assert.Equal([0.0, 0.0, 0.0], x);
    }

    [Fact]
    public void Solves_take_a_bounded_number_of_steps_and_a_reset_repeats_them_exactly()
    {
        Random random = new(3);
        double[] ones = Ones(52);
        int most = 0;
        for (int round = 0; round < 200; round++)
        {
            double[] g = Gram(Matrix(random, (Kind)(round % 7), 60, 52), 60, 52);
            double[] c = Values(random, 52, 100), x = new double[52], again = Values(random, 52, 1);
            BoundedQuadratic solver = new(52, g);
            solver.Solve(c, ones, x);
            most = Math.Max(most, solver.Faces);
            solver.Solve(Values(random, 52, 100), ones, again);
            solver.Reset();
            solver.Solve(c, ones, again);
            Assert.Equal(x, again);
        }
        Assert.InRange(most, 1, 52 * 6);
    }

    [Theory]
    [InlineData(Kind.Regular)]
    [InlineData(Kind.DuplicateColumns)]
    [InlineData(Kind.ZeroColumns)]
    [InlineData(Kind.LowRank)]
    [InlineData(Kind.IllConditioned)]
    [InlineData(Kind.NearDuplicates)]
    [InlineData(Kind.BadlyScaled)]
    public void A_chain_of_solves_ends_each_time_in_a_minimum(Kind kind)
    {
        const int N = 40, M = 50;
        Random random = new(200 + (int)kind);
        double[] a = Matrix(random, kind, M, N), g = Gram(a, M, N), x = new double[N];
        BoundedQuadratic solver = new(N, g);
        double[] b = Values(random, M, 3);
        int warm = 0, cold = 0;
        for (int round = 0; round < 200; round++)
        {
            bool jump = round % 20 == 0; // else a small motion, as from frame to frame
            for (int i = 0; i < M; i++) b[i] = jump ? 3 * Normal(random) : b[i] + 0.05 * Normal(random);
            double[] upper = [.. Enumerable.Range(0, N).Select(i => (i + round / 7) % 5 == 0 && kind != Kind.Regular ? 1e-10 : 1.0)];
            solver.Solve(Project(a, b, M, N), upper, x);
            AssertMinimum(a, b, upper, x, M, N, $"{kind}, round {round}");
            if (jump) continue;
            warm += solver.Faces;
            BoundedQuadratic fresh = new(N, g);
            fresh.Solve(Project(a, b, M, N), upper, new double[N]);
            cold += fresh.Faces;
        }
        if (kind == Kind.Regular) Assert.True(warm < cold / 2, $"{warm} faces from where the solve before ended, {cold} from nothing");
    }

    private static void AssertMinimum(double[] a, double[] b, double[] upper, int m, int n, string what)
    {
        double[] x = new double[n];
        new BoundedQuadratic(n, Gram(a, m, n)).Solve(Project(a, b, m, n), upper, x);
        AssertMinimum(a, b, upper, x, m, n, what);
    }

    private static void AssertMinimum(double[] a, double[] b, double[] upper, double[] x, int m, int n, string what)
    {
        double[] residual = new double[m];
        double size = 0;
        for (int i = 0; i < m; i++)
        {
            residual[i] = -b[i];
            size += b[i] * b[i];
            for (int j = 0; j < n; j++) residual[i] += a[i * n + j] * x[j];
        }
        for (int j = 0; j < n; j++)
        {
            Assert.True(x[j] >= 0 && x[j] <= upper[j], $"{what}: x[{j}] = {x[j]} is outside 0 to {upper[j]}");
            double gradient = 0;
            double norm = 0;
            for (int i = 0; i < m; i++)
            {
                gradient += a[i * n + j] * residual[i];
                norm += a[i * n + j] * a[i * n + j];
            }
            double limit = 1e-6 * Math.Sqrt(norm * size) + 1e-300;
            bool fine = (x[j] <= 0 || gradient <= limit) && (x[j] >= upper[j] || gradient >= -limit);
            Assert.True(fine, $"{what}: x[{j}] = {x[j]} of 0 to {upper[j]} has gradient {gradient}, limit {limit}");
        }
    }

    private static double[] Matrix(Random random, Kind kind, int m, int n)
    {
        double[] a = new double[m * n];
        int rank = kind == Kind.LowRank ? Math.Max(1, n / 3) : n;
        double[] left = [.. Enumerable.Range(0, m * rank).Select(_ => Normal(random))];
        double[] right = [.. Enumerable.Range(0, rank * n).Select(_ => Normal(random))];
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++)
            {
                if (kind == Kind.LowRank)
                {
                    for (int k = 0; k < rank; k++) a[i * n + j] += left[i * rank + k] * right[k * n + j];
                }
                else
                {
                    a[i * n + j] = left[i * n + j] * (kind == Kind.BadlyScaled ? Math.Pow(10, j % 9 - 4) : 1);
                }
                if (kind == Kind.IllConditioned) a[i * n + j] = 1 + 1e-4 * a[i * n + j];
                if (j > 0 && j % 3 == 0 && kind == Kind.DuplicateColumns) a[i * n + j] = a[i * n + j - 1];
                if (j > 0 && j % 3 == 0 && kind == Kind.NearDuplicates) a[i * n + j] = a[i * n + j - 1] + 1e-5 * a[i * n + j];
                if (j % 4 == 1 && kind == Kind.ZeroColumns) a[i * n + j] = 0;
            }
        }
        return a;
    }

    // a'b.
    private static double[] Project(double[] a, double[] b, int m, int n)
    {
        double[] c = new double[n];
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++) c[j] += a[i * n + j] * b[i];
        }
        return c;
    }

    private static double[] Ones(int n) => [.. Enumerable.Repeat(1.0, n)];

    private static double[] Values(Random random, int count, double size) => [.. Enumerable.Range(0, count).Select(_ => Normal(random) * size)];

    private static double[] Gram(double[] a, int m, int n)
    {
        double[] g = new double[n * n];
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < n; j++)
            {
                for (int k = 0; k < n; k++) g[j * n + k] += a[i * n + j] * a[i * n + k];
            }
        }
        return g;
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
