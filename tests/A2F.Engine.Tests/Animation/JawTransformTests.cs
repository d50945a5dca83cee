using A2F.Engine.Animation;
using Xunit;

namespace A2F.Engine.Tests.Animation;

public sealed class JawTransformTests
{
    private static readonly float[] Cloud = [1f, 0f, 0.5f, -1f, 0.2f, 0.4f, 0.3f, -0.8f, 2f, -0.4f, 0.9f, 1.1f, 0.1f, 0.1f, -1.3f];

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void The_transform_is_the_recorded_one(int set)
    {
        Golden recorded = Golden.File("teeth.npz");
        float[] p = recorded.Floats($"params_{set}");
        AnimatorParameters parameters = new() { LowerTeethStrength = p[0], LowerTeethHeightOffset = p[1], LowerTeethDepthOffset = p[2] };
        float[] transform = new float[16];
        for (int i = 0; i < Golden.Frames; i++)
        {
            JawTransform.Solve(recorded.Floats("neutral_jaw"), recorded.Row("input_delta", i), parameters, transform);
            Golden.AssertClose(recorded.Row($"out_multi_{set}", i), Transposed(transform), 1e-4, $"jaw, frame {i}, column-major");
        }
    }

    [Fact]
    public void No_motion_gives_no_transform()
    {
        AssertIdentity(Solve(Cloud, Cloud));
    }

    [Fact]
    public void A_rigid_motion_is_found_exactly()
    {
        double angle = 0.7;
        float[] moved = Map(Cloud, (x, y, z) =>
            (Math.Cos(angle) * x - Math.Sin(angle) * y + 3, Math.Sin(angle) * x + Math.Cos(angle) * y - 1, z + 0.5));
        float[] t = Solve(Cloud, moved);
        float[] expected =
        [
            (float)Math.Cos(angle), -(float)Math.Sin(angle), 0, 3, (float)Math.Sin(angle), (float)Math.Cos(angle), 0, -1, 0, 0, 1, 0.5f, 0, 0, 0, 1,
        ];
        Golden.AssertClose(expected, t, 1e-6, "transform");
    }

    [Fact]
    public void A_half_turn_is_found()
    {
        float[] t = Solve(Cloud, Map(Cloud, (x, y, z) => (-x, y, -z)));
        Golden.AssertClose([-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1], t, 1e-6, "transform");
    }

    [Fact]
    public void Uniform_growth_does_not_turn()
    {
        float[] t = Solve(Cloud, Map(Cloud, (x, y, z) => (1.5 * x, 1.5 * y, 1.5 * z)));
        for (int i = 0; i < 3; i++) Assert.Equal(1f, t[5 * i], 1e-6f);
    }

    [Fact]
    public void Points_that_coincide_or_move_to_one_point_do_not_turn()
    {
        AssertRotationIsIdentity(Solve(new float[15], Cloud));
        AssertRotationIsIdentity(Solve(Cloud, new float[15]));
        AssertIdentity(Solve([], []));
    }

    [Fact]
    public void Collinear_points_turn_by_the_smallest_rotation()
    {
        float[] line = [0f, 0f, 0f, 1f, 0f, 0f, 2f, 0f, 0f, 3f, 0f, 0f, 4f, 0f, 0f];
        float[] t = Solve(line, Map(line, (x, y, z) => (0, x, 0)));
        AssertProper(t);
        Golden.AssertClose([0, -1, 0, 1, 0, 0, 0, 0, 1], [t[0], t[1], t[2], t[4], t[5], t[6], t[8], t[9], t[10]], 1e-6, "rotation");
    }

    [Fact]
    public void The_rotation_is_proper_for_mirrored_planar_and_wild_targets()
    {
        float[] plane = Map(Cloud, (x, y, z) => (x, y, 0));
        AssertProper(Solve(Cloud, Map(Cloud, (x, y, z) => (-x, y, z))));
        AssertProper(Solve(Cloud, Map(Cloud, (x, y, z) => (-x, -y, -z))));
        AssertProper(Solve(plane, Map(plane, (x, y, z) => (-x, y, z))));
        Random random = new(11);
        for (int i = 0; i < 500; i++)
        {
            double size = Math.Pow(10, random.Next(-9, 6));
            double flat = i % 3 == 0 ? 0 : 1;
            AssertProper(Solve(
                Map(Cloud, (_, _, _) => (random.NextDouble() - 0.5, flat * random.NextDouble(), i % 5 == 0 ? 0 : random.NextDouble())),
                Map(Cloud, (_, _, _) => (size * (random.NextDouble() - 0.5), size * random.NextDouble(), size * random.NextDouble()))));
        }
    }

    private static float[] Solve(float[] neutral, float[] target)
    {
        float[] delta = [.. target.Zip(neutral, (t, n) => t - n)];
        float[] transform = new float[16];
        JawTransform.Solve(neutral, delta, new AnimatorParameters { LowerTeethStrength = 1f }, transform);
        return transform;
    }

    private static float[] Map(float[] points, Func<double, double, double, (double X, double Y, double Z)> map)
    {
        float[] result = new float[points.Length];
        for (int i = 0; i < points.Length; i += 3)
        {
            (double x, double y, double z) = map(points[i], points[i + 1], points[i + 2]);
            (result[i], result[i + 1], result[i + 2]) = ((float)x, (float)y, (float)z);
        }
        return result;
    }

    private static float[] Transposed(float[] m) => [.. Enumerable.Range(0, 16).Select(i => m[4 * (i % 4) + i / 4])];

    private static void AssertIdentity(float[] t) => Golden.AssertClose([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], t, 1e-6, "transform");

    private static void AssertRotationIsIdentity(float[] t) =>
        Golden.AssertClose([1, 0, 0, 0, 1, 0, 0, 0, 1], [t[0], t[1], t[2], t[4], t[5], t[6], t[8], t[9], t[10]], 1e-6, "rotation");

    private static void AssertProper(float[] t)
    {
        for (int i = 0; i < 3; i++)
        {
            for (int j = 0; j < 3; j++)
            {
                double dot = (double)t[4 * i] * t[4 * j] + (double)t[4 * i + 1] * t[4 * j + 1] + (double)t[4 * i + 2] * t[4 * j + 2];
                Assert.Equal(i == j ? 1.0 : 0.0, dot, 1e-5);
            }
        }
        double determinant = t[0] * ((double)t[5] * t[10] - t[6] * t[9]) - t[1] * ((double)t[4] * t[10] - t[6] * t[8])
            + t[2] * ((double)t[4] * t[9] - t[5] * t[8]);
        Assert.Equal(1.0, determinant, 1e-5);
        Assert.All(t, value => Assert.True(float.IsFinite(value)));
    }
}
