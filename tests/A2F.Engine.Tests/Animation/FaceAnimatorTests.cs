using A2F.Engine.Animation;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Animation;

public sealed class FaceAnimatorTests
{
    private static readonly FaceRig Rig = new(Golden.RegressionGeometry(), Golden.Blendshapes("skin"), Golden.Blendshapes("tongue"));
    private static readonly float[] Outputs = Golden.RegressionOutputs();

    [Fact]
    public void Weights_are_the_same_bit_for_bit_with_and_without_vertices()
    {
        FaceFrames with = Animator(true).Animate(Outputs);
        FaceFrames without = Animator(false, folded: false).Animate(Outputs);
        Assert.Equal(with.SkinWeights, without.SkinWeights);
        Assert.Equal(with.TongueWeights, without.TongueWeights);
        Assert.Equal(with.Jaw, without.Jaw);
        Assert.Equal(with.Eyes, without.Eyes);
        Assert.Equal(60 * 1800, with.SkinVertices.Length);
        Assert.Empty(without.SkinVertices);
        Assert.Empty(without.TongueVertices);
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 1)]
    [InlineData(true, 7)]
    [InlineData(false, 33)]
    public void Splitting_a_track_into_calls_changes_no_bit(bool vertices, int split)
    {
        FaceFrames whole = Animator(vertices).Animate(Outputs);
        FaceAnimator animator = Animator(vertices);
        FaceFrames parts = animator.CreateFrames(60);
        for (int i = 0; i < 60; i += split)
            animator.Animate(Outputs.AsSpan(i * Rig.OutputLength, Math.Min(split, 60 - i) * Rig.OutputLength), parts, i);
        AssertEqual(whole, parts);
    }

    [Fact]
    public void A_reset_track_repeats_itself()
    {
        FaceAnimator animator = Animator(true);
        FaceFrames first = animator.Animate(Outputs);
        FaceFrames continued = animator.Animate(Outputs);
        animator.Reset();
        AssertEqual(first, animator.Animate(Outputs));
        Assert.NotEqual(first.Eyes, continued.Eyes);
    }

    [Fact]
    public void Parameters_may_change_between_frames_and_keep_the_state()
    {
        FaceAnimator animator = Animator(false);
        FaceAnimator touched = Animator(false);
        FaceFrames a = animator.Animate(Outputs);
        FaceFrames b = touched.CreateFrames(60);
        for (int i = 0; i < 60; i++)
        {
            touched.Parameters = touched.Parameters with { InputStrength = i % 2 };
            touched.SkinSolver = touched.SkinSolver! with { Tolerance = 1e-9f * i };
            touched.TongueSolver = touched.TongueSolver! with { Tolerance = 1e-9f * i };
            touched.SolveOptions = new SolveOptions();
            touched.Animate(Outputs.AsSpan(i * Rig.OutputLength, Rig.OutputLength), b, i);
        }
        AssertEqual(a, b);
    }

    [Fact]
    public void A_face_without_blendshapes_has_no_weights()
    {
        FaceRig bare = new(Golden.RegressionGeometry());
        FaceFrames frames = new FaceAnimator(bare, 60, 1, new AnimatorParameters(), vertices: false).Animate(Outputs);
        Assert.Empty(frames.SkinWeights);
        Assert.Empty(frames.TongueWeights);
        Assert.Equal(60 * 16, frames.Jaw.Length);
        Assert.Equal(60 * 6, frames.Eyes.Length);
    }

    [Fact]
    public void A_network_of_displacements_gives_the_same_weights_with_and_without_vertices()
    {
        FaceRig rig = new(Golden.DiffusionGeometry(), Golden.Blendshapes("skin"), Golden.Blendshapes("tongue"));
        float[] outputs = Golden.DiffusionOutputs();
        FaceFrames with = Animator(true, rig).Animate(outputs);
        FaceFrames without = Animator(false, rig).Animate(outputs);
        Assert.Equal(with.SkinWeights, without.SkinWeights);
        Assert.Equal(with.TongueWeights, without.TongueWeights);
        Golden.AssertClose(Animator(true).Animate(Outputs).SkinWeights, with.SkinWeights, 1e-4, "weights through the basis and from displacements");
    }

    [Theory]
    [InlineData(float.NaN, A2FErrorCode.NotFinite)]
    [InlineData(float.PositiveInfinity, A2FErrorCode.NotFinite)]
    [InlineData(3e30f, A2FErrorCode.OutOfRange)]
    public void Output_that_is_no_number_is_refused_and_leaves_the_track_alone(float bad, A2FErrorCode code)
    {
        FaceAnimator animator = Animator(false);
        float[] poisoned = (float[])Outputs.Clone();
        poisoned[2 * Rig.OutputLength + 5] = bad;
        A2FException e = Assert.Throws<A2FException>(() => animator.Animate(poisoned));
        Assert.Equal(code, e.Code);
        Assert.Contains("row 2, column 5", e.Message, StringComparison.Ordinal);
        AssertEqual(Animator(false).Animate(Outputs), animator.Animate(Outputs));
    }

    [Fact]
    public void The_largest_numbers_that_are_accepted_never_give_NaN()
    {
        FaceAnimator animator = Animator(true);
        Random random = new(1);
        float[] wild = [.. Enumerable.Range(0, 20 * Rig.OutputLength).Select(_ => random.Next(3) switch { 0 => 1e6f, 1 => -1e6f, _ => 0f })];
        animator.Parameters = animator.Parameters with { SkinStrength = 1e6f, LowerFaceStrength = 1e6f, TongueStrength = 1e6f };
        FaceFrames frames = animator.Animate(wild);
        foreach (float[] values in (float[][])[frames.SkinWeights, frames.TongueWeights, frames.Jaw, frames.Eyes, frames.SkinVertices, frames.TongueVertices])
            Assert.All(values, value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void Wrong_lengths_rates_and_rooms_are_refused()
    {
        FaceAnimator animator = Animator(false);
        Assert.Throws<A2FException>(() => animator.Animate(new float[Rig.OutputLength + 1]));
        Assert.Throws<A2FException>(() => animator.Animate(Outputs, animator.CreateFrames(59), 0));
        Assert.Throws<A2FException>(() => animator.Animate(Outputs, animator.CreateFrames(60), 1));
        Assert.Throws<A2FException>(() => animator.Animate(Outputs, new FaceFrames(Rig, 60, true), 0));
        Assert.Throws<A2FException>(() => animator.CreateFrames(-1));
        Assert.Throws<A2FException>(() => new FaceAnimator(Rig, 0, 1, new AnimatorParameters(), Golden.Solver("skin"), Golden.Solver("tongue")));
        Assert.Throws<A2FException>(() => new FaceAnimator(Rig, 60, 1, new AnimatorParameters()));
        Assert.Throws<A2FException>(() => animator.Parameters = new AnimatorParameters { SkinStrength = float.NaN });
        Assert.Throws<A2FException>(() => animator.Parameters = new AnimatorParameters { FaceMaskSoftness = 0f });
        Assert.Equal(A2FErrorCode.OutOfMemory, Assert.Throws<A2FException>(() => new FaceFrames(Rig, int.MaxValue, true)).Code);
        Assert.Empty(animator.Animate([]).Jaw);
    }

    [Fact]
    public void Geometry_whose_parts_do_not_fit_is_refused()
    {
        FaceGeometry good = Golden.RegressionGeometry();
        FaceGeometry[] bad =
        [
            good with { SkinBasis = good.SkinBasis[1..] },
            good with { SkinNeutral = good.SkinNeutral[1..] },
            good with { LipOpenDelta = good.LipOpenDelta[3..] },
            good with { EyeCloseDelta = default },
            good with { NeutralJaw = new float[14] },
            good with { SaccadeRotations = new float[3] },
            good with { TongueNeutral = new float[] { 0f, float.NaN, 0f }, TongueBasis = new float[6] },
        ];
        Assert.All(bad, geometry => Assert.Throws<A2FException>(() => new FaceRig(geometry)));
        Assert.Throws<A2FException>(() => new FaceRig(good, Golden.Blendshapes("tongue")));
    }

    [Fact]
    public void Frames_allocate_nothing_after_the_first()
    {
        FaceAnimator animator = Animator(true);
        FaceFrames frames = animator.CreateFrames(60);
        animator.Animate(Outputs, frames, 0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        animator.Animate(Outputs, frames, 0);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static FaceAnimator Animator(bool vertices, FaceRig? rig = null, bool folded = true) => new(
        rig ?? Rig, 60, 1, Golden.Parameters("model_regression/model_config.json"), Golden.Solver("skin"), Golden.Solver("tongue"),
        vertices: vertices, folded: folded);

    private static void AssertEqual(FaceFrames a, FaceFrames b)
    {
        Assert.Equal(a.SkinWeights, b.SkinWeights);
        Assert.Equal(a.TongueWeights, b.TongueWeights);
        Assert.Equal(a.Jaw, b.Jaw);
        Assert.Equal(a.Eyes, b.Eyes);
        Assert.Equal(a.SkinVertices, b.SkinVertices);
        Assert.Equal(a.TongueVertices, b.TongueVertices);
    }
}
