using A2F.Engine.Animation;
using Xunit;

namespace A2F.Engine.Tests.Animation;

public sealed class EyesAnimatorTests
{
    private static readonly Golden Recorded = Golden.File("eyes.npz");

    [Theory]
    [InlineData("out_0_dt60", 0, 60)]
    [InlineData("out_0_dt30", 0, 30)]
    [InlineData("out_1_dt60", 1, 60)]
    public void Rotations_are_the_recorded_ones(string name, int set, int rate)
    {
        float[] p = Recorded.Floats($"params_{set}");
        AnimatorParameters parameters = new()
        {
            EyeballsStrength = p[0],
            SaccadeStrength = p[1],
            RightEyeRotXOffset = p[2],
            RightEyeRotYOffset = p[3],
            LeftEyeRotXOffset = p[4],
            LeftEyeRotYOffset = p[5],
            EyeSaccadeSeed = p[6],
        };
        EyesAnimator eyes = new(Golden.RegressionGeometry().SaccadeRotations, 1f / rate);
        float[] rotation = new float[6];
        for (int i = 0; i < Golden.Frames; i++)
        {
            eyes.Animate(Recorded.Row("input", i), parameters, rotation);
            Golden.AssertClose(Recorded.Row(name, i), rotation, 1e-5, $"eyes, frame {i}");
        }
    }

    [Theory]
    [InlineData("index_rows37_dt60_seed0", 37, 60, 0f)]
    [InlineData("index_rows37_dt60_seed30p5", 37, 60, 30.5f)]
    public void The_saccade_clock_gives_the_recorded_rows(string name, int rows, int rate, float seed)
    {
        EyesAnimator eyes = new(new float[2 * rows], 1f / rate);
        int[] recorded = Recorded.Ints(name);
        for (int i = 0; i < recorded.Length; i++)
        {
            int row = eyes.NextRow(seed);
            Assert.True(recorded[i] == row, $"frame {i}: expected row {recorded[i]}, found {row}");
        }
    }

    [Fact]
    public void A_reset_starts_the_clock_again()
    {
        EyesAnimator eyes = new(new float[10000], 1f / 24);
        int[] first = [.. Enumerable.Range(0, 50).Select(_ => eyes.NextRow(4990f))];
        eyes.Reset();
        Assert.Equal(first, Enumerable.Range(0, 50).Select(_ => eyes.NextRow(4990f)));
        Assert.Contains(0, first);
    }

    [Fact]
    public void A_face_without_saccades_moves_its_eyes_by_the_network_alone()
    {
        EyesAnimator eyes = new(default, 1f / 60);
        float[] rotation = new float[6];
        eyes.Animate([1f, 2f, 3f, 4f], new AnimatorParameters(), rotation);
        Assert.Equal([1f, 2f, 0f, 3f, 4f, 0f], rotation);
    }

    [Theory]
    [InlineData(-3f)]
    [InlineData(1e6f)]
    public void Any_seed_gives_a_row_of_the_table(float seed)
    {
        EyesAnimator eyes = new(new float[74], 1f / 29.97f);
        for (int i = 0; i < 2000; i++) Assert.InRange(eyes.NextRow(seed), 0, 36);
    }
}
