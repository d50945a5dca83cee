using System.Runtime.InteropServices;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Animation;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Animation;
using A2F.Engine.Weights;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>Solves on the GPU of what is hard to solve: minima, and no costlier than the CPU's.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class CudaFaceStageSolveTests
{
    public enum Kind
    {
        Golden,
        Regular,
        Duplicates,
        NearDuplicates,
        Zeros,
        LowRank,
    }

    private static readonly int Shapes = FaceFixture.Rig.SkinSize;

    /// <summary>100 poses take larger blocks; the triangle of 200 fits shared memory on sm_90 only.</summary>
    [NvrtcTheory]
    [InlineData("sm_86", Kind.Golden, 52, SolveObjective.Normal)]
    [InlineData("sm_75", Kind.Golden, 52, SolveObjective.Energy)]
    [InlineData("sm_86", Kind.Duplicates, 52, SolveObjective.Normal)]
    [InlineData("sm_86", Kind.Duplicates, 52, SolveObjective.Energy)]
    [InlineData("sm_90", Kind.NearDuplicates, 52, SolveObjective.Normal)]
    [InlineData("sm_80", Kind.NearDuplicates, 52, SolveObjective.Energy)]
    [InlineData("sm_75", Kind.Zeros, 52, SolveObjective.Normal)]
    [InlineData("sm_89", Kind.LowRank, 52, SolveObjective.Normal)]
    [InlineData("sm_75", Kind.LowRank, 52, SolveObjective.Energy)]
    [InlineData("sm_75", Kind.Regular, 1, SolveObjective.Normal)]
    [InlineData("sm_75", Kind.Regular, 65, SolveObjective.Energy)]
    [InlineData("sm_75", Kind.Zeros, 100, SolveObjective.Normal)]
    [InlineData("sm_75", Kind.Regular, 200, SolveObjective.Energy)]
    [InlineData("sm_90", Kind.Regular, 200, SolveObjective.Energy)]
    [InlineData("sm_75", Kind.Duplicates, 200, SolveObjective.Normal)]
    public void Every_solution_is_a_minimum_and_no_costlier_than_the_cpus(string device, Kind kind, int poses, SolveObjective objective)
    {
        FaceRig rig = new(Golden.RegressionGeometry(), Set(kind, poses), null);
        SolverParameters parameters = Plain(poses);
        SolveOptions options = new() { Objective = objective };
        using CudaFaceStage stage = (CudaFaceStage)FaceStage.Create(
            [rig], new FaceStageOptions { Device = $"cuda:{EmulatedDriver.DeviceOf(device)}", CudaDriver = EmulatedDriver.Find });
        FaceCharacter character = stage.Add(rig, FaceFixture.Parameters, parameters, options: options);
        FoldedSkin folded = new(rig, stage.FrameSeconds, FaceFixture.Parameters);
        SolverSetup setup = new(rig.Skin!, parameters, options, "test");
        BlendshapeSolver cpu = new(rig.Skin!, setup);
        float[] expected = new float[poses];
        for (int frame = 0; frame < 60; frame += poses > 100 ? 20 : 6)
        {
            float[] row = FaceFixture.Row(frame);
            FaceFrames frames = stage.CreateFrames(1);
            stage.Animate([character], row, frames);
            folded.Animate(row.AsSpan(0, Shapes));
            cpu.Solve(folded.Fold, folded.Coefficients, expected);
            double[] x = new double[poses];
            stage.Worker.Download(stage.Operators.WeightBefore(0, 0, 0), MemoryMarshal.AsBytes(x.AsSpan()));
            for (int i = 0; i < poses; i++) Assert.Equal((float)x[i], frames.SkinWeights[i]);
            string what = $"{kind}, {poses} poses, {objective} on {device}, frame {frame}";
            AssertMinimum(setup, cpu.B, x, what);
            AssertCost(setup, cpu.B, expected, x, what);
        }
    }

    /// <summary>The properties that BlendshapeSolverPropertyTests holds the CPU to.</summary>
    [NvrtcFact]
    public void Any_solve_ends_in_a_minimum_within_its_bounds_and_follows_the_rules_of_pairs() =>
        Prop.ForAll(RandomSolve.Any, AssertSolve)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(60).WithReplay(20261124, 1).WithQuietOnSuccess(true)); // the same solves each time

    private static void AssertSolve(RandomSolve solve)
    {
        BlendshapeSet shapes = solve.Shapes();
        int length = shapes.Neutral.Length;
        float[] identity = new float[length * length], none = new float[length]; // coefficients are displacements
        for (int i = 0; i < length; i++) identity[i * length + i] = 1;
        FaceRig rig = new(new FaceGeometry(identity, shapes.Neutral, none, none, default, default, default, default), shapes);
        AnimatorParameters plain = new()
        {
            LowerFaceSmoothing = 0,
            UpperFaceSmoothing = 0,
            LowerFaceStrength = 1,
            EyelidOpenOffset = 0,
            LipOpenOffset = 0,
        };
        SolveOptions options = new() { Objective = solve.Objective };
        SolverSetup setup = new(rig.Skin!, solve.Parameters, options, "test");
        using CudaFaceStage stage = (CudaFaceStage)FaceStage.Create(
            [rig], new FaceStageOptions { Device = $"cuda:{EmulatedDriver.DeviceOf("sm_86")}", CudaDriver = EmulatedDriver.Find });
        FaceCharacter character = stage.Add(rig, plain, solve.Parameters, options: options);
        FoldedSkin folded = new(rig, stage.FrameSeconds, plain);
        FaceFrames frames = stage.CreateFrames(1);
        double[] before = new double[setup.Active.Length], x = new double[setup.Active.Length], b = new double[setup.Active.Length];
        double[] all = new double[solve.Poses.Length];
        int frame = 0;
        foreach (float[] target in solve.Targets(shapes))
        {
            float[] row = [.. target.Select((v, i) => Math.Clamp(v - shapes.Neutral.Span[i], -1e6f, 1e6f)), 0, 0, 0, 0];
            stage.Animate([character], row, frames);
            folded.Animate(row.AsSpan(0, length));
            stage.Worker.Download(stage.Operators.WeightBefore(0, 0, 0), MemoryMarshal.AsBytes(all.AsSpan()));
            for (int i = 0; i < x.Length; i++)
            {
                int pose = setup.Active[i];
                x[i] = all[pose];
                b[i] = folded.Fold.Constant[pose] + DoubleMath.Dot(folded.Fold.Row(pose), folded.Coefficients) + setup.TemporalGain * before[i];
            }
            string what = $"{solve}, frame {frame++}";
            RandomSolve.AssertMinimum(setup, b, x, what);
            for (int pose = 0; pose < all.Length; pose++)
            {
                SolverParameters p = solve.Parameters;
                float expected = p.ActivePoses[pose] ? (float)all[pose] * p.Multipliers[pose] + p.Offsets[pose] : p.Offsets[pose];
                Assert.Equal(expected, frames.SkinWeights[pose]);
            }
            x.CopyTo(before, 0);
        }
    }

    /// <summary>Frames of the default model's size and parameters, every way.</summary>
    [NvrtcTheory]
    [InlineData("sm_86", CudaFaceStageTests.Way.Vertices)]
    [InlineData("sm_75", CudaFaceStageTests.Way.Folded)]
    public void The_default_model_moves_as_on_the_cpu(string device, CudaFaceStageTests.Way way)
    {
        string path = Path.Combine(TestData.Root, "weights", "default");
        using RegressionModelFolder folder = RegressionModelFolder.Load(path);
        using FacePair pair = new(device, way, 3, FaceRig.Of(folder));
        for (int i = 0; i < 3; i++) pair.Add(0, folder.Parameters, folder.SkinSolver, folder.TongueSolver);
        float[] first = OperatorCase.Random(3 * pair.Rig.OutputLength, 1), last = OperatorCase.Random(3 * pair.Rig.OutputLength, 2);
        for (int frame = 0; frame < 8; frame++)
        {
            float[] rows = [.. first.Select((v, i) => v + frame / 8f * (last[i] - v))];
            pair.Animate([2, 0, 1], [.. rows.Chunk(pair.Rig.OutputLength)]);
        }
    }

    [NvrtcFact]
    public void The_largest_numbers_that_are_accepted_never_give_NaN()
    {
        using FacePair pair = new("sm_86", CudaFaceStageTests.Way.Vertices, 1, FaceFixture.Rig);
        pair.Add(0, FaceFixture.Parameters with { SkinStrength = 1e6f, LowerFaceStrength = 1e6f, TongueStrength = 1e6f, FaceMaskSoftness = 1e-30f });
        Random random = new(1);
        for (int frame = 0; frame < 10; frame++)
        {
            if (frame == 5) pair[0].SkinSolver = Plain(52) with { TemporalSmoothing = 1e6f };
            float[] row = [.. Enumerable.Range(0, FaceFixture.Rig.OutputLength).Select(_ => random.Next(3) switch { 0 => 1e6f, 1 => -1e6f, _ => 0f })];
            FaceFrames frames = pair.AnimateCuda([0], [row]);
            float[][] all = [frames.SkinWeights, frames.TongueWeights, frames.Jaw, frames.Eyes, frames.SkinVertices, frames.TongueVertices];
            foreach (float[] values in all)
                Assert.All(values, value => Assert.True(float.IsFinite(value)));
        }
    }

    private static SolverParameters Plain(int poses) => new()
    {
        TemplateBoundingBoxSize = 50,
        ActivePoses = [.. Enumerable.Repeat(true, poses)],
        CancelPoses = [.. Enumerable.Repeat(-1, poses)],
        SymmetryPoses = [.. Enumerable.Repeat(-1, poses)],
        Multipliers = [.. Enumerable.Repeat(1f, poses)],
        Offsets = new float[poses],
        L1Regularization = 0,
        L2Regularization = 0,
        SymmetryStrength = 0,
        TemporalSmoothing = 0,
    };

    // Poses over the golden skin: its own, or made ones that reach as far as the motion does.
    private static BlendshapeSet Set(Kind kind, int poses)
    {
        BlendshapeSet golden = Golden.Blendshapes("skin");
        int length = golden.Neutral.Length, rank = kind == Kind.LowRank ? poses / 3 : poses;
        float[] deltas = kind == Kind.Golden ? golden.Deltas.ToArray() : Array.ConvertAll(OperatorCase.Random(poses * length, 3), v => 0.2f * v);
        Span<float> Pose(int i) => deltas.AsSpan(i * length, length);
        for (int i = 1; i < poses; i++)
        {
            if (kind == Kind.Duplicates && i % 3 == 0) Pose(i - 1).CopyTo(Pose(i));
            if (kind == Kind.Zeros && i % 4 == 1) Pose(i).Clear();
            if (kind == Kind.NearDuplicates && i % 3 == 0)
                for (int k = 0; k < length; k++) Pose(i)[k] = Pose(i - 1)[k] + 1e-4f * Pose(i)[k];
            if (kind == Kind.LowRank && i >= rank)
                for (int k = 0; k < length; k++) Pose(i)[k] = Pose(i - rank)[k] - Pose((i * 7 + 1) % rank)[k];
        }
        return new BlendshapeSet([.. Enumerable.Range(0, poses).Select(i => $"pose {i}")], golden.Neutral, deltas, golden.FrontalMask);
    }

    private static void AssertMinimum(SolverSetup setup, ReadOnlySpan<double> b, double[] x, string what)
    {
        int n = x.Length;
        double worst = 0, size = 0;
        for (int i = 0; i < n; i++)
        {
            double c = b[i];
            if (setup.Options.Objective == SolveObjective.Normal)
            {
                c = 0;
                for (int j = 0; j < n; j++) c += setup.A[i * n + j] * b[j];
            }
            double gradient = -c, scale = Math.Abs(c);
            for (int j = 0; j < n; j++)
            {
                gradient += setup.G[i * n + j] * x[j];
                scale += Math.Abs(setup.G[i * n + j]) * x[j];
            }
            Assert.True(x[i] is >= 0 and <= 1, $"{what}: x[{i}] = {x[i]}");
            worst = Math.Max(worst, x[i] <= 0 ? -gradient : x[i] >= 1 ? gradient : Math.Abs(gradient));
            size = Math.Max(size, scale);
        }
        Assert.True(worst <= 1e-6 * size, $"{what}: gradient {worst:g3} of {size:g3} points out of the minimum");
    }

    private static void AssertCost(SolverSetup setup, ReadOnlySpan<double> b, float[] expected, double[] x, string what)
    {
        double[] right = b.ToArray();
        double reference = Cost(i => expected[i]), ours = Cost(i => x[i]), none = Cost(_ => 0);
        Assert.True(ours <= reference + 1e-3 * Math.Abs(reference) + 1e-9 * Math.Abs(none), $"{what}: cost {ours:R}, the CPU's {reference:R}");

        double Cost(Func<int, double> at)
        {
            int n = right.Length;
            double residual = 0, energy = 0;
            for (int i = 0; i < n; i++)
            {
                double row = 0;
                for (int j = 0; j < n; j++) row += setup.A[i * n + j] * at(j);
                residual += (row - right[i]) * (row - right[i]);
                energy += at(i) * (0.5 * row - right[i]);
            }
            return setup.Options.Objective == SolveObjective.Normal ? residual : energy;
        }
    }
}
