using A2F.Engine.Animation;
using Xunit;

namespace A2F.Engine.Tests.Animation;

public sealed class EmotionPostProcessorTests
{
    private static readonly Golden Recorded = Golden.File("a2e_postprocess.npz");

    [Theory]
    [InlineData("default", true)]
    [InlineData("preferred", true)]
    [InlineData("default", false)]
    [InlineData("preferred", false)]
    public void Emotions_are_the_recorded_ones(string set, bool unbounded)
    {
        EmotionPostProcessor processor = Processor(set, unbounded);
        float[] emotions = new float[10];
        for (int i = 0; i < 90; i++)
        {
            if (i == 75) processor.Reset();
            processor.Process(Recorded.Row("logits", i), emotions);
            Golden.AssertClose(Recorded.Row($"{set}_out_multitrack", i), emotions, 1e-5, $"{set}, frame {i}");
        }
    }

    [Fact]
    public void Unmapped_emotions_stay_in_range_unless_asked_otherwise()
    {
        EmotionParameters loud = Parameters("preferred") with
        {
            Strength = 1.5f,
            TransitionSeconds = 0f,
            EnablePreferred = true,
            Preferred = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        };
        Assert.InRange(Highest(loud), 0.5f, 1f);
        Assert.True(Highest(loud with { Unbounded = true }) > 1.2f);

        static float Highest(EmotionParameters parameters)
        {
            EmotionPostProcessor processor = new(10, 1f / 30, parameters);
            float[] emotions = new float[10];
            float highest = 0f;
            for (int i = 0; i < 90; i++)
            {
                processor.Process(Recorded.Row("logits", i), emotions);
                highest = Math.Max(highest, emotions.Max());
            }
            return highest;
        }
    }

    [Fact]
    public void Equal_scores_lose_lowest_index_first()
    {
        EmotionParameters parameters = Parameters("default") with { MaxEmotions = 2, LiveBlend = 0f, Strength = 1f, Correspondence = [0, 1, 2, 3, 4, 5] };
        EmotionPostProcessor processor = new(10, 1f / 30, parameters);
        float[] emotions = new float[10];
        processor.Process(new float[6], emotions);
        Assert.Equal([0, 0, 0, 0], emotions[..4]);
        Assert.All(emotions[4..6], e => Assert.Equal(1f / 6, e, 1e-6f));
    }

    [Fact]
    public void The_preferred_emotion_of_a_frame_replaces_that_of_the_parameters()
    {
        float[] preferred = Recorded.Floats("preferred_preferred");
        EmotionPostProcessor stored = Processor("preferred", false);
        EmotionPostProcessor given = new(10, Recorded.Floats("preferred_params")[6], stored.Parameters with { Preferred = null });
        float[] a = new float[10];
        float[] b = new float[10];
        for (int i = 0; i < 20; i++)
        {
            stored.Process(Recorded.Row("logits", i), a);
            given.Process(Recorded.Row("logits", i), b, preferred);
            Assert.Equal(a, b);
        }
    }

    [Fact]
    public void Huge_scores_and_strengths_never_give_NaN()
    {
        EmotionPostProcessor processor = new(10, 1f / 30, Parameters("default") with { Contrast = 1e6f, Strength = 1e6f, Unbounded = true });
        float[] emotions = new float[10];
        for (int i = 0; i < 500; i++)
        {
            processor.Process([1e6f, -1e6f, 0, 1e6f, 5, 5], emotions);
            Assert.All(emotions, e => Assert.True(float.IsFinite(e)));
        }
    }

    [Fact]
    public void Wrong_input_is_refused()
    {
        EmotionPostProcessor processor = Processor("default", false);
        Assert.Throws<A2FException>(() => processor.Process(new float[5], new float[10]));
        Assert.Throws<A2FException>(() => processor.Process(new float[6], new float[9]));
        Assert.Equal(A2FErrorCode.NotFinite,
            Assert.Throws<A2FException>(() => processor.Process([0, 0, float.NaN, 0, 0, 0], new float[10])).Code);
        Assert.Throws<A2FException>(() => processor.Parameters = processor.Parameters with { Correspondence = [0, 1, 2, 3, 4, 10] });
        Assert.Throws<A2FException>(() => processor.Parameters = processor.Parameters with { Preferred = [1f] });
    }

    private static EmotionPostProcessor Processor(string set, bool unbounded) =>
        new(10, Recorded.Floats($"{set}_params")[6], Parameters(set) with { Unbounded = unbounded });

    private static EmotionParameters Parameters(string set)
    {
        float[] p = Recorded.Floats($"{set}_params");
        return new EmotionParameters
        {
            Contrast = p[0],
            MaxEmotions = (int)p[1],
            LiveBlend = p[2],
            EnablePreferred = p[3] != 0f,
            PreferredStrength = p[4],
            TransitionSeconds = p[5],
            Strength = p[7],
            Beginning = Recorded.Floats($"{set}_beginning"),
            Preferred = Recorded.Floats($"{set}_preferred"),
            Correspondence = Recorded.Ints("correspondence"),
        };
    }
}
