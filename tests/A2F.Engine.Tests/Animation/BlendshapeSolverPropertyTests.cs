using A2F.Engine.Animation;
using A2F.Engine.Weights;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace A2F.Engine.Tests.Animation;

/// <summary>What holds for every blendshape solve, whatever the rig and the target.</summary>
public sealed class BlendshapeSolverPropertyTests
{
    private const int Solves = 1500;

    [Fact]
    public void Weights_are_a_minimum_within_their_bounds_and_follow_the_rules_of_pairs() => ForAll((solve, solver, weights, what) =>
    {
        RandomSolve.AssertMinimum(solver.Setup, solver.B, solver.X, what);
        SolverParameters p = solve.Parameters;
        for (int pose = 0; pose < weights.Length; pose++)
        {
            int at = Array.IndexOf(solver.Setup.Active, pose);
            float expected = at < 0 ? p.Offsets[pose] : (float)solver.X[at] * p.Multipliers[pose] + p.Offsets[pose];
            Assert.Equal(expected, weights[pose]);
            Assert.Equal(p.ActivePoses[pose], at >= 0);
        }
    });

    [Fact]
    public void Solves_end_soon() => ForAll((solve, solver, _, what) =>
    {
        // Two solves where there are cancel pairs.
        int n = solver.Setup.Active.Length;
        Assert.True(solver.Faces <= 2 * (8 * n + 8), $"{what}: {solver.Faces} faces for {n} poses");
    });

    [Fact]
    public void A_solve_that_starts_from_another_frame_costs_the_same_as_one_from_nothing() => ForAll((solve, solver, _, what) =>
    {
        BlendshapeBasis basis = new(solve.Shapes(), solve.Vertices, "test");
        if (solver.Setup.CancelPairs.Length > 0) return; // which of an equal pair is cancelled may depend on the last bit
        int n = solver.Setup.Active.Length;
        double[] fresh = new double[n], c = solver.B.ToArray();
        if (solver.Setup.Options.Objective == SolveObjective.Normal)
        {
            for (int i = 0; i < n; i++) c[i] = DoubleMath.Dot(solver.Setup.A.AsSpan(i * n, n), solver.B);
        }
        new BoundedQuadratic(n, solver.Setup.G).Solve(c, [.. Enumerable.Repeat(1.0, n)], fresh);
        double warm = RandomSolve.Cost(solver.Setup, solver.B, solver.X), cold = RandomSolve.Cost(solver.Setup, solver.B, fresh);
        double floor = 0; // rounding, of numbers in a box of size 1
        foreach (double b in solver.B) floor += 1e-12 * b * b;
        foreach (double g in solver.Setup.G) floor += 1e-15 * Math.Abs(g);
        Assert.True(Math.Abs(warm - cold) <= 1e-6 * (Math.Abs(warm) + Math.Abs(cold)) + floor, $"{what}: cost {warm:R} and {cold:R}");
    });

    private static void ForAll(Action<RandomSolve, BlendshapeSolver, float[], string> check) =>
        Prop.ForAll(RandomSolve.Any, solve =>
        {
            BlendshapeSet shapes = solve.Shapes();
            BlendshapeBasis basis = new(shapes, solve.Vertices, "test");
            BlendshapeSolver solver = new(
                basis, new SolverSetup(basis, solve.Parameters, new SolveOptions { Objective = solve.Objective }, "test"));
            float[] weights = new float[solve.Poses.Length];
            int frame = 0;
            foreach (float[] target in solve.Targets(shapes))
            {
                solver.Solve(target, weights);
                check(solve, solver, weights, $"{solve}, frame {frame++}");
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(Solves).WithReplay(20261124, 1).WithQuietOnSuccess(true)); // the same solves each time
}
