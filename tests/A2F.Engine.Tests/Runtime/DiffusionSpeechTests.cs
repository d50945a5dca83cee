using A2F.Engine.Animation;
using A2F.Engine.Audio;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Backends;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Runtime;

public sealed class DiffusionSpeechTests
{
    private static readonly AudioClip Clip = AudioClip.FromSamples(OperatorCase.Random(25_000, 6), 16_000);

    private static DiffusionModel Load(string fixture) =>
        DiffusionModel.Load(TestData.Path($"fixtures/{fixture}"), new ModelOptions { Device = "cpu", Threads = 1, MaxBatch = 1 });

    [Theory]
    [InlineData("diff_tiny_60", 60)]
    [InlineData("diff_tiny_30", 30)]
    [InlineData("diff_tiny_3step", 60)]
    public void A_clip_is_the_face_of_its_track_for_each_identity(string fixture, int rate)
    {
        using DiffusionModel model = Load(fixture);
        HashSet<float> faces = [];
        for (int identity = 0; identity < model.IdentityCount; identity++)
        {
            SpeechOptions options = new() { Identity = identity, Vertices = true };
            FaceTrack animated = SpeechAnimator.Animate(model, Clip, options, cancel: TestContext.Current.CancellationToken);
            Assert.Equal((rate, 1), (animated.FramesNumerator, animated.FramesDenominator));
            DiffusionIdentity who = model.Folder.Identities[identity];
            FaceAnimator animator = new(model.RigOf(identity), rate, 1, who.Parameters, who.SkinSolver, who.TongueSolver);
            DiffusionTrack track = new(model, new DiffusionTrackOptions { Identity = identity, InputStrength = who.Parameters.InputStrength });
            track.Push(Clip.Samples.Span);
            track.Close();
            List<float> weights = [], vertices = [], jaw = [];
            List<long> times = [];
            while (track.Advance())
            {
                FaceFrames frames = animator.Animate(track.Frames.Rows);
                weights.AddRange(frames.SkinWeights);
                vertices.AddRange(frames.SkinVertices);
                jaw.AddRange(frames.Jaw);
                times.AddRange(track.Frames.Timestamps);
            }
            Assert.Equal(times, animated.Timestamps);
            Assert.Equal(weights, animated.Frames.SkinWeights);
            Assert.Equal(vertices, animated.Frames.SkinVertices);
            Assert.Equal(jaw, animated.Frames.Jaw);
            Assert.True(faces.Add(animated.Frames.SkinVertices.Sum()), $"identity {identity} looks like another");
        }
    }

    [Fact]
    public void The_frame_rate_is_the_networks_own()
    {
        using DiffusionModel model = Load("diff_tiny_30");
        int count = SpeechAnimator.Animate(model, Clip, cancel: TestContext.Current.CancellationToken).Frames.Count;
        Assert.Equal(count, SpeechAnimator.Animate(model, Clip, new SpeechOptions { FramesNumerator = 60, FramesDenominator = 2 }, cancel: TestContext.Current.CancellationToken).Frames.Count);
        Refused(model, new SpeechOptions { FramesNumerator = 60 }, "60 frames a second", "gives 30");
        Refused(model, new SpeechOptions { FramesNumerator = 30000, FramesDenominator = 1001 }, "30000/1001", "gives 30");
    }

    [Fact]
    public void Options_that_are_not_for_diffusion_models_are_refused()
    {
        using DiffusionModel model = Load("diff_tiny_60");
        Refused(model, new SpeechOptions { SourceShot = "x" }, "implicit emotion");
        Refused(model, new SpeechOptions { Identity = 3 }, "identity", "0 to 2");
        EmotionTrack open = new(model.EmotionCount);
        open.Add(0, new float[model.EmotionCount]);
        Refused(model, new SpeechOptions { Emotions = open }, "emotions end before the clip");
        using RegressionModel regression = RegressionModel.Load(TestData.Path("fixtures/reg_tiny"), new ModelOptions { Device = "cpu" });
        Assert.Contains("one face", Assert.Throws<A2FException>(
            () => SpeechAnimator.Animate(regression, Clip, new SpeechOptions { Identity = 0 }, cancel: TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    private static void Refused(DiffusionModel model, SpeechOptions options, params string[] texts)
    {
        string message = Assert.Throws<A2FException>(() => SpeechAnimator.Animate(model, Clip, options, cancel: TestContext.Current.CancellationToken)).Message;
        foreach (string text in texts) Assert.Contains(text, message, StringComparison.Ordinal);
    }
}
