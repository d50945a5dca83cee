using A2F.Engine.Animation;
using A2F.Engine.Weights;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace A2F.Engine.Tests.Animation;

/// <summary>A blendshape solve of any kind: regular, rank-deficient, with poses that are equal, zero, tiny or huge; and targets to follow.</summary>
/// <param name="Seed">Of all that is not listed here.</param>
/// <param name="Vertices">Fitted vertices, 1 to 12: often fewer coordinates than poses.</param>
/// <param name="Poses">What each pose is.</param>
/// <param name="Parameters">How to solve.</param>
/// <param name="Objective">What to minimise.</param>
internal sealed record RandomSolve(int Seed, int Vertices, RandomSolve.Pose[] Poses, SolverParameters Parameters, SolveObjective Objective)
{
    public const int Frames = 8;

    public enum Pose
    {
        Regular,
        Zero,
        EqualToTheOneBefore,
        SumOfThoseBefore,
        NearlyTheOneBefore,
        Tiny,
        Huge,
    }

    /// <summary>Solves of all kinds.</summary>
    public static Arbitrary<RandomSolve> Any { get; } = Arb.From(
        from seed in Gen.Choose(0, int.MaxValue - 1)
        from vertices in Gen.Choose(1, 12)
        from count in Gen.Choose(1, 24)
        from poses in Gen.Frequency(
            (4, Gen.Constant(Pose.Regular)), (3, Gen.Elements(Enum.GetValues<Pose>()))).ArrayOf(count)
        from active in Gen.Frequency((5, Gen.Constant(true)), (1, Gen.Constant(false))).ArrayOf(count)
        from cancel in Gen.Choose(-1, count / 2).ArrayOf(count)
        from symmetry in Gen.Choose(-1, count / 2).ArrayOf(count)
        from strengths in Gen.Elements(0f, 0.01f, 0.5f, 3.5f, 100f).ArrayOf(4)
        from objective in Gen.Elements(Enum.GetValues<SolveObjective>())
        select new RandomSolve(seed, vertices, poses, Solver(active, cancel, symmetry, strengths, seed), objective));

    /// <summary>The blendshapes.</summary>
    public BlendshapeSet Shapes()
    {
        Random random = new(Seed);
        int length = 3 * Vertices;
        float[] neutral = Values(random, length, 10), deltas = new float[Poses.Length * length];
        for (int pose = 0; pose < Poses.Length; pose++)
        {
            Span<float> own = deltas.AsSpan(pose * length, length), before = deltas.AsSpan(Math.Max(pose - 1, 0) * length, length);
            float[] values = Values(random, length, 1);
            for (int i = 0; i < length; i++)
            {
                own[i] = Poses[pose] switch
                {
                    Pose.Zero => 0,
                    Pose.EqualToTheOneBefore when pose > 0 => before[i],
                    Pose.NearlyTheOneBefore when pose > 0 => before[i] + 1e-5f * values[i],
                    Pose.SumOfThoseBefore when pose > 1 => before[i] + deltas[(pose - 2) * length + i],
                    Pose.Tiny => 1e-4f * values[i],
                    Pose.Huge => 1e3f * values[i],
                    _ => values[i],
                };
            }
        }
        return new BlendshapeSet([.. Poses.Select((kind, i) => $"pose{i}{kind}")], neutral, deltas, null);
    }

    /// <summary>Targets: mixtures within and beyond what poses may do, the neutral face, noise, and motion far out.</summary>
    public IEnumerable<float[]> Targets(BlendshapeSet shapes)
    {
        Random random = new(Seed + 1);
        int length = 3 * Vertices;
        for (int frame = 0; frame < Frames; frame++)
        {
            float[] target = shapes.Neutral.ToArray();
            float size = frame switch { 1 => 0, 5 => 1e3f, 6 => 3, _ => 1 };
            for (int pose = 0; pose < Poses.Length; pose++)
            {
                float weight = size * (float)(1.6 * random.NextDouble() - 0.3);
                for (int i = 0; i < length; i++) target[i] += weight * shapes.Deltas.Span[pose * length + i];
            }
            if (frame is 2 or 5) for (int i = 0; i < length; i++) target[i] += size * (float)(random.NextDouble() - 0.5);
            yield return target;
        }
    }

    /// <summary>Fails unless a frame's solution is a minimum within its bounds and follows the rules of cancel pairs.</summary>
    /// <param name="setup">The solve.</param>
    /// <param name="b">[active]: right-hand side.</param>
    /// <param name="x">[active]: solution.</param>
    /// <param name="what">For messages.</param>
    public static void AssertMinimum(SolverSetup setup, ReadOnlySpan<double> b, ReadOnlySpan<double> x, string what)
    {
        int n = setup.Active.Length;
        double[] upper = [.. Enumerable.Repeat(1.0, n)];
        foreach ((int first, int second) in setup.CancelPairs)
        {
            const double Bound = BlendshapeSolver.CancelledBound;
            Assert.True(Math.Min(x[first], x[second]) <= Bound, $"{what}: {x[first]} and {x[second]} should exclude each other");
            // The one that was the smaller before it was cancelled; where both are small now, whichever lies on the bound.
            if (x[first] <= Bound && (x[second] > Bound || x[first] == Bound)) upper[first] = Bound;
            else upper[second] = Bound;
        }
        double[] residual = new double[n];
        for (int i = 0; i < n; i++) residual[i] = Dot(setup.A.AsSpan(i * n, n), x) - b[i];
        for (int i = 0; i < n; i++)
        {
            Assert.True(x[i] >= 0 && x[i] <= upper[i], $"{what}: x[{i}] = {x[i]} is outside 0 to {upper[i]}"); // and no NaN
            // The gradient and what it is a sum of.
            bool normal = setup.Options.Objective == SolveObjective.Normal;
            ReadOnlySpan<double> row = setup.A.AsSpan(i * n, n);
            double gradient = normal ? Dot(row, residual) : residual[i], size = normal ? Size(row, b) : Math.Abs(b[i]);
            for (int j = 0; j < n; j++) size += normal ? Math.Abs(row[j]) * Size(setup.A.AsSpan(j * n, n), x) : Math.Abs(row[j] * x[j]);
            for (int j = 0; j < n; j++) size += 1e-8 * Math.Abs(setup.G[i * n + j]); // numbers in a box of size 1 are known to 1e-14 at best
            double limit = 1e-6 * size;
            bool fine = (x[i] <= 0 || gradient <= limit) && (x[i] >= upper[i] || gradient >= -limit);
            Assert.True(fine, $"{what}: x[{i}] = {x[i]} of 0 to {upper[i]} has gradient {gradient:g3}, terms of {size:g3}");
        }
    }

    /// <summary>What a solve minimises: ||A x - b||^2, or x'Ax/2 - b'x.</summary>
    public static double Cost(SolverSetup setup, ReadOnlySpan<double> b, ReadOnlySpan<double> x)
    {
        int n = setup.Active.Length;
        double cost = 0;
        for (int i = 0; i < n; i++)
        {
            double row = Dot(setup.A.AsSpan(i * n, n), x);
            cost += setup.Options.Objective == SolveObjective.Normal ? (row - b[i]) * (row - b[i]) : x[i] * (0.5 * row - b[i]);
        }
        return cost;
    }

    public override string ToString() =>
        $"seed {Seed}, {Vertices} vertices, {Objective}, L1 {Parameters.L1Regularization}, L2 {Parameters.L2Regularization}, symmetry " +
        $"{Parameters.SymmetryStrength}, temporal {Parameters.TemporalSmoothing}, poses {string.Join(' ', Poses)}, active " +
        $"{string.Join(' ', Parameters.ActivePoses.Select(a => a ? 1 : 0))}, cancel {string.Join(' ', Parameters.CancelPoses)}";

    private static SolverParameters Solver(bool[] active, int[] cancel, int[] symmetry, float[] strengths, int seed) => new()
    {
        L1Regularization = strengths[0],
        L2Regularization = strengths[1],
        SymmetryStrength = strengths[2],
        TemporalSmoothing = strengths[3],
        TemplateBoundingBoxSize = 20,
        ActivePoses = active,
        CancelPoses = cancel,
        SymmetryPoses = symmetry,
        Multipliers = [.. Values(new Random(seed + 2), active.Length, 2)],
        Offsets = [.. Values(new Random(seed + 3), active.Length, 1)],
    };

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }

    private static double Size(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += Math.Abs(a[i] * b[i]);
        return sum;
    }

    private static float[] Values(Random random, int count, float size) =>
        [.. Enumerable.Range(0, count).Select(_ => size * (float)(2 * random.NextDouble() - 1))];
}
