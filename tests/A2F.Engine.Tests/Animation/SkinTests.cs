using A2F.Engine.Animation;
using Xunit;

namespace A2F.Engine.Tests.Animation;

public sealed class SkinTests
{
    private const int Length = 1800;
    private static readonly Golden Recorded = Golden.File("skin.npz");

    [Theory]
    [InlineData("skin", 12)]
    [InlineData("tongue", 6)]
    public void Reconstruction_gives_the_recorded_displacements(string part, int shapes)
    {
        Golden pca = Golden.File("pca.npz");
        ReadOnlyMemory<float> rows = part == "skin" ? Golden.RegressionGeometry().SkinBasis : Golden.RegressionGeometry().TongueBasis;
        int length = rows.Length / shapes;
        PcaBasis basis = PcaBasis.Whole(rows, shapes, length);
        float[] deltas = new float[Golden.Frames * basis.PaddedLength];
        basis.Reconstruct(pca.Floats($"{part}_coef"), shapes, Golden.Frames, deltas, new float[basis.ScratchLength]);
        for (int i = 0; i < Golden.Frames; i++)
            Golden.AssertClose(pca.Row($"{part}_delta", i), deltas.AsSpan(i * basis.PaddedLength, length), 1e-5, $"{part} delta, frame {i}");
    }

    [Fact]
    public void Reconstruction_of_some_vertices_equals_that_part_of_all_bit_for_bit_at_any_batch_size()
    {
        const int Shapes = 37;
        const int Vertices = 211;
        Random random = new(5);
        float[] rows = [.. Enumerable.Range(0, Shapes * Vertices * 3).Select(_ => random.NextSingle() - 0.5f)];
        float[] coefficients = [.. Enumerable.Range(0, 11 * Shapes).Select(_ => random.NextSingle() - 0.5f)];
        int[] some = [.. Enumerable.Range(0, Vertices).Where(v => v % 3 != 1).Reverse()];
        PcaBasis whole = PcaBasis.Whole(rows, Shapes, Vertices * 3);
        PcaBasis part = PcaBasis.OfVertices(rows, Shapes, Vertices * 3, some);
        float[] all = new float[11 * whole.PaddedLength];
        whole.Reconstruct(coefficients, Shapes, 11, all, new float[whole.ScratchLength]);
        foreach (int batch in (int[])[1, 3, 11])
        {
            float[] few = new float[11 * part.PaddedLength];
            float[] split = new float[11 * whole.PaddedLength];
            for (int i = 0; i < 11; i += batch)
            {
                int count = Math.Min(batch, 11 - i);
                whole.Reconstruct(
                    coefficients.AsSpan(i * Shapes), Shapes, count, split.AsSpan(i * whole.PaddedLength), new float[whole.ScratchLength]);
                part.Reconstruct(coefficients.AsSpan(i * Shapes), Shapes, count, few.AsSpan(i * part.PaddedLength), []);
            }
            Assert.Equal(all, split);
            for (int i = 0; i < 11; i++)
            {
                for (int v = 0; v < 3 * some.Length; v++)
                    Assert.Equal(all[i * whole.PaddedLength + 3 * some[v / 3] + v % 3], few[i * part.PaddedLength + v]);
            }
        }
    }

    [Fact]
    public void The_mask_is_the_recorded_one()
    {
        SkinAnimator animator = Animator(60, "A");
        float[] mask = [.. Enumerable.Range(0, Length / 3).Select(v => animator.Mask[3 * v])];
        Golden.AssertClose(Recorded.Floats("mask_A"), mask, 1e-5, "mask");
    }

    [Fact]
    public void Skin_at_60_frames_a_second_is_the_recorded_one()
    {
        SkinAnimator animator = Animator(60, "A");
        for (int i = 0; i < Golden.Frames; i++) AssertFrame(Recorded.Row("out_A_dt60", i), Next(animator, i), i);
    }

    [Fact]
    public void Skin_at_30_frames_a_second_is_the_recorded_one()
    {
        SkinAnimator animator = Animator(30, "A");
        int[] recorded = Recorded.Ints("frames_dt30");
        for (int i = 0; i < Golden.Frames; i++)
        {
            float[] posed = Next(animator, i);
            int row = Array.IndexOf(recorded, i);
            if (row >= 0) AssertFrame(Recorded.Row("out_A_dt30", row), posed, i);
        }
    }

    [Fact]
    public void A_parameter_change_keeps_the_state_and_a_reset_drops_it()
    {
        SkinAnimator animator = Animator(60, "A");
        for (int i = 0; i < Golden.Frames; i++)
        {
            if (i == 20) animator.SetParameters(Parameters("B"));
            if (i == 40) animator.Reset();
            AssertFrame(Recorded.Row("out_E_dt60", i), Next(animator, i), i);
        }
    }

    [Fact]
    public void Without_smoothing_a_frame_depends_on_nothing_before_it()
    {
        AnimatorParameters still = Parameters("B") with { LowerFaceSmoothing = 0f, UpperFaceSmoothing = 0f };
        SkinAnimator running = Animator(60, "A");
        running.SetParameters(still);
        for (int i = 0; i < 5; i++) Next(running, i);
        SkinAnimator fresh = Animator(60, "A");
        fresh.SetParameters(still);
        Assert.Equal(Next(fresh, 5), Next(running, 5));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void The_tongue_is_the_recorded_one(int set)
    {
        Golden recorded = Golden.File("tongue.npz");
        float[] p = recorded.Floats($"params_{set}");
        AnimatorParameters parameters = new() { TongueStrength = p[0], TongueHeightOffset = p[1], TongueDepthOffset = p[2] };
        FaceAnimator animator = new(new FaceRig(Golden.RegressionGeometry()), 60, 1, parameters);
        FaceFrames frames = animator.Animate(Golden.RegressionOutputs());
        Golden.AssertClose(recorded.Floats($"out_{set}"), frames.TongueVertices, 2e-5, $"tongue {set}");
    }

    internal static AnimatorParameters Parameters(string set)
    {
        float[] p = Recorded.Floats($"params_{set}");
        return new AnimatorParameters
        {
            LowerFaceSmoothing = p[0],
            UpperFaceSmoothing = p[1],
            LowerFaceStrength = p[2],
            UpperFaceStrength = p[3],
            FaceMaskLevel = p[4],
            FaceMaskSoftness = p[5],
            SkinStrength = p[6],
            BlinkStrength = p[7],
            EyelidOpenOffset = p[8],
            LipOpenOffset = p[9],
            BlinkOffset = p[10],
        };
    }

    private static SkinAnimator Animator(int rate, string set)
    {
        SkinAnimator animator = new(SkinRegion.Of(Golden.RegressionGeometry(), null), 1f / rate);
        animator.SetParameters(Parameters(set));
        return animator;
    }

    private static float[] Next(SkinAnimator animator, int frame)
    {
        float[] delta = new float[PcaBasis.Padded(Length)];
        float[] posed = new float[delta.Length];
        Golden.File("pca.npz").Row("skin_delta", frame).CopyTo(delta, 0);
        animator.Animate(delta, posed);
        return posed[..Length];
    }

    private static void AssertFrame(float[] expected, float[] actual, int frame) => Golden.AssertClose(expected, actual, 2e-5, $"skin, frame {frame}");
}
