using A2F.Engine.Animation;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Animation;

public sealed class BlendshapeSolverTests
{
    private static readonly Golden Recorded = Golden.File("solver.npz");

    public static TheoryData<string> Tags => new()
    {
        "skin_default", "skin_temporal", "skin_full", "skin_full_B", "skin_full_tol1", "tongue_full", "tongue_full_allactive",
    };

    [Theory]
    [MemberData(nameof(Tags))]
    public void Weights_are_the_recorded_ones(string tag)
    {
        BlendshapeSolver solver = Solver(tag, out SolverParameters parameters);
        float[] trust = Recorded.Floats($"{tag}_sens");
        int resetAt = Recorded.Ints($"{tag}_resetat")[0];
        float[] weights = new float[parameters.Multipliers.Count];
        for (int i = 0; i < Golden.Frames; i++)
        {
            if (i == resetAt) solver.Reset();
            solver.Solve(Target(tag, i), weights);
            float[] expected = Recorded.Row($"{tag}_weights", i);
            if (trust[i] < 1e-4f) Golden.AssertClose(expected, weights, 5e-4, $"{tag} weights, frame {i}");
            else AssertCostIsNoHigher(solver, parameters, expected, weights, $"{tag}, frame {i}");
        }
    }

    [Theory]
    [InlineData("skin_default")]
    [InlineData("skin_temporal")]
    [InlineData("skin_full")]
    [InlineData("tongue_full")]
    [InlineData("tongue_full_allactive")]
    public void The_system_matrix_is_the_recorded_one(string tag)
    {
        float[] expected = Recorded.Floats($"{tag}_A");
        float[] actual = [.. Solver(tag, out _).Setup.A.ToArray().Select(x => (float)x)];
        double largest = expected.Max(MathF.Abs);
        Golden.AssertClose(expected, actual, 1e-5 * largest, $"{tag} A");
    }

    [Theory]
    [MemberData(nameof(Tags))]
    public void Cancel_pairs_are_the_recorded_ones_and_exclude_each_other(string tag)
    {
        BlendshapeSolver solver = Solver(tag, out SolverParameters parameters);
        int[] recorded = Recorded.Ints($"{tag}_cancelpairs_active");
        Assert.Equal(recorded.Chunk(2).Select(x => (x[0], x[1])).Order(), solver.Setup.CancelPairs.Order());
        int[] active = ActivePoses(parameters);
        float[] weights = new float[parameters.Multipliers.Count];
        BlendshapeSolver plain = Create(
            Set(tag), parameters with { Multipliers = Ones(weights.Length), Offsets = new float[weights.Length] }, Options);
        for (int i = 0; i < Golden.Frames; i += 7)
        {
            plain.Solve(Target(tag, i), weights);
            Assert.All(weights, w => Assert.InRange(w, 0f, 1f));
            Assert.All(solver.Setup.CancelPairs, pair => Assert.True(Math.Min(weights[active[pair.First]], weights[active[pair.Second]]) <= 1e-10f));
            for (int pose = 0; pose < weights.Length; pose++)
            {
                if (!parameters.ActivePoses[pose]) Assert.Equal(0f, weights[pose]);
            }
        }
    }

    [Fact]
    public void Unmarked_poses_are_a_pair_only_when_asked_for()
    {
        SolverParameters parameters = Parameters("tongue_full");
        BlendshapeSet set = Golden.Blendshapes("tongue");
        BlendshapeSolver plain = Create(set, parameters, new SolveOptions());
        BlendshapeSolver quirk = Create(set, parameters, Options);
        Assert.DoesNotContain((6, 7), plain.Setup.CancelPairs);
        Assert.Contains((6, 7), quirk.Setup.CancelPairs);
    }

    [Fact]
    public void Inactive_poses_get_their_offset_and_nothing_else()
    {
        BlendshapeSet set = Golden.Blendshapes("skin");
        SolverParameters parameters = Golden.Solver("skin") with { Offsets = [.. Enumerable.Range(0, 52).Select(i => 0.01f * i)] };
        BlendshapeSolver solver = Create(set, parameters, new SolveOptions());
        float[] weights = new float[52];
        solver.Solve(Target("skin_full", 3), weights);
        for (int pose = 0; pose < 52; pose++)
        {
            if (!parameters.ActivePoses[pose]) Assert.Equal(parameters.Offsets[pose], weights[pose]);
        }
    }

    [Fact]
    public void With_no_active_pose_all_weights_are_offsets()
    {
        SolverParameters parameters = Golden.Solver("tongue") with { ActivePoses = new bool[16] };
        BlendshapeSolver solver = Create(Golden.Blendshapes("tongue"), parameters, new SolveOptions());
        float[] weights = new float[16];
        solver.Solve(Target("tongue_full", 0), weights);
        Assert.Equal(parameters.Offsets, weights);
    }

    [Fact]
    public void The_energy_objective_fits_the_face_at_least_as_well()
    {
        SolverParameters parameters = Parameters("skin_default");
        BlendshapeSolver normal = Create(Golden.Blendshapes("skin"), parameters, new SolveOptions());
        BlendshapeSolver energy = Create(Golden.Blendshapes("skin"), parameters, new SolveOptions { Objective = SolveObjective.Energy });
        float[] x = new float[52];
        float[] y = new float[52];
        bool differ = false;
        for (int i = 0; i < Golden.Frames; i += 5)
        {
            normal.Solve(Target("skin_default", i), x);
            energy.Solve(Target("skin_default", i), y);
            double atNormal = Energy(normal, x);
            double atEnergy = Energy(normal, y);
            Assert.True(atEnergy <= atNormal + 1e-6 * Math.Abs(atNormal), $"frame {i}: {atEnergy} > {atNormal}");
            differ |= atEnergy < atNormal - 1e-4 * Math.Abs(atNormal);
        }
        Assert.True(differ, "the two objectives never differed");
    }

    [Fact]
    public void Without_regularisation_and_with_equal_poses_weights_stay_in_range()
    {
        BlendshapeSet set = Golden.Blendshapes("skin");
        float[] deltas = set.Deltas.ToArray();
        Array.Copy(deltas, 0, deltas, 1800, 1800);   // pose 1 = pose 0
        Array.Clear(deltas, 2 * 1800, 1800);         // pose 2 moves nothing
        SolverParameters parameters = Parameters("skin_default") with { L1Regularization = 0f, L2Regularization = 0f, SymmetryStrength = 0f };
        BlendshapeSolver solver = Create(set with { Deltas = deltas }, parameters, new SolveOptions());
        float[] weights = new float[52];
        for (int i = 0; i < Golden.Frames; i++)
        {
            solver.Solve(Target("skin_default", i), weights);
            Assert.All(weights, w => Assert.InRange(w, 0f, 1f));
        }
    }

    [Theory]
    [InlineData("bsSolveActivePoses")]
    [InlineData("bsSolveCancelPoses")]
    [InlineData("bsSolveSymmetryPoses")]
    [InlineData("bsWeightMultipliers")]
    [InlineData("bsWeightOffsets")]
    [InlineData("strengthL2regularization")]
    [InlineData("templateBBSize")]
    public void A_wrong_parameter_is_refused_by_its_name(string key)
    {
        SolverParameters good = Golden.Solver("tongue");
        SolverParameters bad = key switch
        {
            "bsSolveActivePoses" => good with { ActivePoses = new bool[15] },
            "bsSolveCancelPoses" => good with { CancelPoses = new int[17] },
            "bsSolveSymmetryPoses" => good with { SymmetryPoses = [] },
            "bsWeightMultipliers" => good with { Multipliers = [.. Ones(15), float.NaN] },
            "bsWeightOffsets" => good with { Offsets = [] },
            "strengthL2regularization" => good with { L2Regularization = -1f },
            _ => good with { TemplateBoundingBoxSize = 0f },
        };
        A2FException e = Assert.Throws<A2FException>(() =>
            Create(Golden.Blendshapes("tongue"), bad, new SolveOptions()));
        Assert.Contains(key, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mask_outside_the_face_is_refused()
    {
        BlendshapeSet bad = Golden.Blendshapes("tongue") with { FrontalMask = [0, 120] };
        Assert.Equal(A2FErrorCode.InvalidModel, Assert.Throws<A2FException>(() => new BlendshapeBasis(bad, 120, "tongue")).Code);
    }

    private static SolveOptions Options => new() { PairUnmarkedPoses = true };

    private static float[] Ones(int count)
    {
        float[] ones = new float[count];
        Array.Fill(ones, 1f);
        return ones;
    }

    private static int[] ActivePoses(SolverParameters parameters) =>
        [.. Enumerable.Range(0, parameters.ActivePoses.Count).Where(i => parameters.ActivePoses[i])];

    private static BlendshapeSet Set(string tag) => Golden.Blendshapes(tag.Split('_')[0]);

    private static BlendshapeSolver Solver(string tag, out SolverParameters parameters)
    {
        BlendshapeSet set = Set(tag);
        parameters = Parameters(tag);
        return Create(set, parameters, Options);
    }

    private static BlendshapeSolver Create(BlendshapeSet set, SolverParameters parameters, SolveOptions options)
    {
        BlendshapeBasis basis = new(set, set.Neutral.Length / 3, "test");
        return new BlendshapeSolver(basis, new SolverSetup(basis, parameters, options, "test"));
    }

    private static SolverParameters Parameters(string tag)
    {
        float[] p = Recorded.Floats($"{tag}_params");
        return new SolverParameters
        {
            L1Regularization = p[0],
            L2Regularization = p[1],
            SymmetryStrength = p[2],
            TemporalSmoothing = p[3],
            TemplateBoundingBoxSize = p[4],
            Tolerance = p[5],
            ActivePoses = Recorded.Ints($"{tag}_active").Select(x => x != 0).ToArray(),
            CancelPoses = Recorded.Ints($"{tag}_cancel"),
            SymmetryPoses = Recorded.Ints($"{tag}_symmetry"),
            Multipliers = Recorded.Floats($"{tag}_multipliers"),
            Offsets = Recorded.Floats($"{tag}_offsets"),
        };
    }

    // The solves were recorded on the skin of set A and the tongue of set 0; skin_full_B on the skin of set B.
    private static float[] Target(string tag, int frame)
    {
        if (tag.StartsWith("tongue", StringComparison.Ordinal)) return Golden.File("tongue.npz").Row("out_0", frame);
        float[] shape = tag == "skin_full_B" ? SkinB.Value[frame] : Golden.File("skin.npz").Row("out_A_dt60", frame);
        IReadOnlyList<int> mask = Golden.Blendshapes("skin").FrontalMask!;
        return [.. mask.SelectMany(v => shape.AsSpan(3 * v, 3).ToArray())];
    }

    private static readonly Lazy<float[][]> SkinB = new(() =>
    {
        FaceAnimator animator = new(new FaceRig(Golden.RegressionGeometry()), 60, 1, SkinTests.Parameters("B"));
        return [.. animator.Animate(Golden.RegressionOutputs()).SkinVertices.Chunk(1800)];
    });

    private static double Energy(BlendshapeSolver solver, float[] x)
    {
        double energy = 0;
        for (int i = 0; i < x.Length; i++)
        {
            double row = 0;
            for (int j = 0; j < x.Length; j++) row += solver.Setup.A[i * x.Length + j] * x[j];
            energy += x[i] * (0.5 * row - solver.B[i]);
        }
        return energy;
    }

    private static void AssertCostIsNoHigher(BlendshapeSolver solver, SolverParameters p, float[] expected, float[] actual, string what)
    {
        double reference = Cost(expected);
        double ours = Cost(actual);
        Assert.True(ours <= reference * 1.001, $"{what}: cost {ours} is above the recorded {reference}");

        double Cost(float[] weights)
        {
            int[] active = ActivePoses(p);
            double cost = 0;
            for (int i = 0; i < active.Length; i++)
            {
                double row = -solver.B[i];
                for (int j = 0; j < active.Length; j++)
                    row += solver.Setup.A[i * active.Length + j] * (weights[active[j]] - p.Offsets[active[j]]) / Math.Max(p.Multipliers[active[j]], 1e-6);
                cost += row * row;
            }
            return cost;
        }
    }
}
