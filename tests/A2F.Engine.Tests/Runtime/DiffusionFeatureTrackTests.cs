using A2F.Engine.Animation;
using A2F.Engine.Audio;
using A2F.Engine.Networks;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Backends;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Runtime;

/// <summary>Tracks whose rows are features, and the weights that come of them.</summary>
public sealed class DiffusionFeatureTrackTests
{
    private static readonly float[] Audio = OperatorCase.Random(64_000, 3);

    private static DiffusionModel Load(string fixture, NoiseSource noise = NoiseSource.Constant, bool vertices = true) => DiffusionModel.Load(
        TestData.Path($"fixtures/{fixture}"), new ModelOptions { Device = "cpu", Threads = 1, MaxBatch = 2, Noise = noise, Vertices = vertices });

    private static DiffusionTrack Track(DiffusionModel model, bool features, int identity = 0, int speculative = 0) => new(model, new DiffusionTrackOptions
    {
        Identity = identity,
        Seed = 7ul + (ulong)identity,
        SpeculativeSamples = speculative,
        Features = features,
    });

    /// <summary>The final rows of a track.</summary>
    private static float[] Run(DiffusionTrack track, ReadOnlySpan<float> audio, Func<int> chunk)
    {
        List<float> rows = [];
        for (int at = 0; !track.IsClosed;)
        {
            int size = Math.Min(chunk(), audio.Length - at);
            track.Push(audio.Slice(at, size));
            at += size;
            if (at == audio.Length) track.Close();
            while (track.Advance())
            {
                if (!track.Frames.IsProvisional) rows.AddRange(track.Frames.Rows);
            }
        }
        return [.. rows];
    }

    [Theory]
    [InlineData("diff_tiny_60", NoiseSource.Constant)]
    [InlineData("diff_tiny_30", NoiseSource.Constant)]
    [InlineData("diff_tiny_3step", NoiseSource.Seeded)]
    public void How_audio_is_cut_and_what_the_model_was_loaded_for_change_nothing(string fixture, NoiseSource noise)
    {
        using DiffusionModel model = Load(fixture, noise), alone = Load(fixture, noise, vertices: false);
        float[] audio = Audio[..31_234];
        float[] whole = Run(Track(model, features: true), audio, () => audio.Length);
        Assert.Equal(Track(model, features: true).CountFrames(audio.Length) * model.FeatureLength, whole.Length);
        Random random = new(4);
        foreach (Func<int> chunk in (Func<int>[])[() => 160, () => 8001, () => random.Next(0, 3000)])
        {
            Assert.Equal(whole, Run(Track(model, features: true), audio, chunk));
            Assert.Equal(whole, Run(Track(alone, features: true), audio, chunk));
            Assert.Equal(whole, Run(Track(alone, features: true, speculative: 2000), audio, chunk));
        }
    }

    [Fact]
    public void Tracks_with_and_without_features_advance_together_as_each_alone()
    {
        using DiffusionModel model = Load("diff_tiny_60", NoiseSource.Seeded);
        bool[] kinds = [true, false, true, true, false, false, true]; // batches of two: some of each kind are full, some not
        DiffusionTrack[] tracks = [.. kinds.Select((features, i) => Track(model, features, i % 3))];
        List<float>[] rows = [.. tracks.Select(_ => new List<float>())];
        for (int i = 0; i < tracks.Length; i++)
        {
            tracks[i].Push(Audio.AsSpan(i * 1000, 9_000 + 4_000 * i));
            tracks[i].Close();
        }
        while (!tracks.All(t => t.IsFinished))
        {
            bool[] runs = [.. tracks.Select(t => t.IsReady)];
            Assert.Equal(runs.Count(r => r), DiffusionTrack.Advance(tracks));
            for (int i = 0; i < tracks.Length; i++)
            {
                if (runs[i]) rows[i].AddRange(tracks[i].Frames.Rows);
            }
        }
        for (int i = 0; i < tracks.Length; i++)
            Assert.Equal(Run(Track(model, kinds[i], i % 3), Audio.AsSpan(i * 1000, 9_000 + 4_000 * i), () => 5000), rows[i]);
        Assert.Contains("twice", Assert.Throws<A2FException>(() => DiffusionTrack.Advance([tracks[0], tracks[1], tracks[0]])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Saved_states_are_for_tracks_of_either_kind()
    {
        using DiffusionModel model = Load("diff_tiny_60", NoiseSource.Seeded);
        DiffusionTrack features = Track(model, true, 1), vertices = Track(model, false, 1);
        foreach (DiffusionTrack track in (DiffusionTrack[])[features, vertices])
        {
            track.Push(Audio.AsSpan(0, 29_300));
            while (track.Advance()) { }
        }
        Assert.Equal(vertices.GruState, features.GruState);
        DiffusionTrackState state = features.SaveState();
        float[] expected = Rest(features), ofVertices = Rest(vertices);
        features.RestoreState(state);
        Assert.Equal(expected, Rest(features));
        DiffusionTrack other = Track(model, true), otherVertices = Track(model, false);
        other.RestoreState(state);
        otherVertices.RestoreState(state);
        Assert.Equal(expected, Rest(other));
        Assert.Equal(ofVertices, Rest(otherVertices));
        Assert.Equal(vertices.GruState, other.GruState);

        static float[] Rest(DiffusionTrack track) => Run(track, Audio.AsSpan(29_300, 20_000), () => 20_000);
    }

    [Fact]
    public void The_input_strength_counts_from_the_next_window_on_and_belongs_to_the_state()
    {
        using DiffusionModel model = Load("diff_tiny_60");
        DiffusionTrack track = Track(model, features: true);
        track.Push(Audio.AsSpan(0, 24_000));
        track.Push(Audio.AsSpan(24_000, 8_000));
        Assert.True(track.Advance() && track.Advance());
        track.InputStrength = 0.5f;
        DiffusionTrackState state = track.SaveState();
        Assert.True(track.Advance());
        float[] changed = track.Frames.Rows.ToArray();

        DiffusionTrack other = Track(model, features: true);
        other.RestoreState(state);
        Assert.Equal(0.5f, other.InputStrength);
        Assert.True(other.Advance());
        Assert.Equal(changed, other.Frames.Rows.ToArray());
        other.RestoreState(state);
        other.InputStrength = 1;
        Assert.True(other.Advance());
        Assert.NotEqual(changed, other.Frames.Rows.ToArray());

        // Halving the audio is exact.
        DiffusionTrack halved = Track(model, features: true);
        halved.Push(Audio.AsSpan(0, 8_000));
        Assert.True(halved.Advance() && halved.Advance());
        halved.RestoreState(new DiffusionTrackState(
            state.Gru, state.WindowsDone, state.FirstSample, Array.ConvertAll(state.Samples, v => 0.5f * v), state.IsClosed, state.Heard,
            state.Identity, state.Seed, state.Emotions, 1));
        Assert.True(halved.Advance());
        Assert.Equal(changed, halved.Frames.Rows.ToArray());

        Assert.Throws<A2FException>(() => track.InputStrength = float.NaN);
        Assert.Throws<A2FException>(() => track.InputStrength = float.PositiveInfinity);
        Assert.Equal(0.5f, track.InputStrength);
    }

    [Fact]
    public void A_model_without_vertices_has_features_only_and_says_so()
    {
        using DiffusionModel model = Load("diff_tiny_60", vertices: false);
        Assert.False(model.HasVertices);
        Refused("DiffusionTrackOptions.Features", () => Track(model, features: false));
        Refused("ModelOptions.Vertices", () => model.Infer(
            new float[model.WindowLength], new float[model.IdentityCount], new float[model.EmotionVectors * model.EmotionCount],
            new float[model.StateLength], [], new float[model.CentreFrames * model.OutputLength], new float[model.StateLength]));
        Refused("features: expected", () => model.InferFeatures(
            new float[model.WindowLength], new float[model.IdentityCount], new float[model.EmotionVectors * model.EmotionCount],
            new float[model.StateLength], [], new float[model.CentreFrames * model.OutputLength], new float[model.StateLength]));
        Refused("ModelOptions.Vertices", () => SpeechAnimator.Animate(model, Clip, new SpeechOptions { Vertices = true }));
        Refused("ModelOptions.Vertices", () => SpeechAnimator.Animate(model, Clip, new SpeechOptions { Folded = false }));
        Refused("identity: expected 0 to 2, found 3", () => model.FeatureRigOf(3));
        Refused("identity: expected 0 to 2, found -1", () => model.FeatureRigOf(-1));
        Assert.Same(model.FeatureRigOf(1), model.FeatureRigOf(1));
        Assert.Equal(model.FeatureLength, model.FeatureRigOf(2).OutputLength);
        model.Dispose();
        Refused("disposed", () => model.FeatureRigOf(0));
    }

    private static readonly AudioClip Clip = AudioClip.FromSamples(OperatorCase.Random(25_000, 6), 16_000);

    private static void Refused(string text, Action action) =>
        Assert.Contains(text, Assert.Throws<A2FException>(action).Message, StringComparison.Ordinal);

    public static TheoryData<string, bool> Faces => new(Folders.SelectMany(f => (TheoryDataRow<string, bool>[])[new(f, false), new(f, true)]));

    private static readonly string[] Folders = ["diff_tiny_60", "diff_tiny_30", "diff_tiny_3step", "diff_tiny_const"];

    [Theory]
    [MemberData(nameof(Faces))]
    public void Weights_by_features_are_those_by_vertices_while_parameters_change(string fixture, bool changing)
    {
        using DiffusionModel model = Load(fixture);
        for (int identity = 0; identity < model.IdentityCount; identity++)
        {
            DiffusionIdentity who = model.Folder.Identities[identity];
            (int numerator, int denominator) = model.Folder.Info.FrameRateFraction;
            FaceAnimator byVertices = new(model.RigOf(identity), numerator, denominator, who.Parameters, who.SkinSolver, who.TongueSolver);
            FaceAnimator byFeatures = new(
                model.FeatureRigOf(identity), numerator, denominator, who.Parameters, who.SkinSolver, who.TongueSolver, vertices: false);
            DiffusionTrack vertices = Track(model, false, identity), features = Track(model, true, identity);
            foreach (DiffusionTrack track in (DiffusionTrack[])[vertices, features])
            {
                track.Push(Audio.AsSpan(0, 40_000));
                track.Close();
            }
            AnimatorParameters p = who.Parameters;
            AnimatorParameters[] later =
            [
                p, p with { FaceMaskLevel = p.FaceMaskLevel + 0.1f, FaceMaskSoftness = 2 * p.FaceMaskSoftness },
                p with { LowerFaceSmoothing = 0.05f, UpperFaceSmoothing = 0.1f, LowerFaceStrength = 1.4f, UpperFaceStrength = 0.7f },
                p with { SkinStrength = 0.8f, TongueStrength = 1.5f, EyelidOpenOffset = 0.1f, LipOpenOffset = 0.05f, BlinkOffset = 0.2f, TongueHeightOffset = 0.3f },
            ];
            float scale = 0;
            for (int window = 0; DiffusionTrack.Advance([vertices, features]) == 2; window++)
            {
                if (changing) byVertices.Parameters = byFeatures.Parameters = later[window % later.Length];
                FaceFrames expected = byVertices.Animate(vertices.Frames.Rows), actual = byFeatures.Animate(features.Frames.Rows);
                Assert.Equal(vertices.Frames.Timestamps, features.Frames.Timestamps);
                Assert.Equal(expected.Jaw, actual.Jaw);
                Assert.Equal(expected.Eyes, actual.Eyes);
                AssertNear(expected.SkinWeights, actual.SkinWeights, $"{fixture}, {who.Name}, window {window}, skin");
                AssertNear(expected.TongueWeights, actual.TongueWeights, $"{fixture}, {who.Name}, window {window}, tongue");
                scale = Math.Max(scale, expected.SkinWeights.DefaultIfEmpty().Max());
            }
            Assert.True(features.IsFinished);
            Assert.True(who.SkinBlendshapes is null || scale > 0, "a face that does not move tells nothing");
        }
    }

    private static void AssertNear(float[] expected, float[] actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= 1e-4f, $"{what}: weight {i}: {expected[i]} by vertices, {actual[i]} by features");
    }

    [Theory]
    [InlineData("diff_tiny_60")]
    [InlineData("diff_tiny_30")]
    [InlineData("diff_tiny_3step")]
    [InlineData("diff_tiny_const")]
    public void A_clip_animates_the_same_folded_or_not_and_without_vertices_in_the_network(string fixture)
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        using DiffusionModel model = Load(fixture), alone = Load(fixture, vertices: false);
        SpeechOptions options = new() { Identity = model.IdentityCount - 1 };
        FaceTrack folded = SpeechAnimator.Animate(model, Clip, options, cancel: cancel);
        FaceTrack plain = SpeechAnimator.Animate(model, Clip, options with { Folded = false }, cancel: cancel);
        FaceTrack vertices = SpeechAnimator.Animate(model, Clip, options with { Vertices = true }, cancel: cancel);
        Assert.Equal(vertices.Frames.SkinWeights, plain.Frames.SkinWeights);
        Assert.Equal(vertices.Frames.TongueWeights, plain.Frames.TongueWeights);
        Assert.Equal(plain.Timestamps, folded.Timestamps);
        Assert.Equal(plain.Frames.Jaw, folded.Frames.Jaw);
        Assert.Equal(plain.Frames.Eyes, folded.Frames.Eyes);
        AssertNear(plain.Frames.SkinWeights, folded.Frames.SkinWeights, "skin");
        AssertNear(plain.Frames.TongueWeights, folded.Frames.TongueWeights, "tongue");
        Assert.NotEqual(plain.Frames.SkinWeights, folded.Frames.SkinWeights); // the switch does switch
        Assert.Equal(folded.Frames.SkinWeights, SpeechAnimator.Animate(alone, Clip, options, cancel: cancel).Frames.SkinWeights);
        Assert.Equal(plain.Rig.SkinPoseNames, folded.Rig.SkinPoseNames);
    }

    [Fact]
    public void A_regression_model_animates_the_same_folded_or_not()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        using RegressionModel model = RegressionModel.Load(TestData.Path("fixtures/reg_tiny"), new ModelOptions { Device = "cpu" });
        FaceTrack folded = SpeechAnimator.Animate(model, Clip, cancel: cancel);
        FaceTrack plain = SpeechAnimator.Animate(model, Clip, new SpeechOptions { Folded = false }, cancel: cancel);
        AssertNear(plain.Frames.SkinWeights, folded.Frames.SkinWeights, "skin");
        AssertNear(plain.Frames.TongueWeights, folded.Frames.TongueWeights, "tongue");
        Assert.NotEqual(plain.Frames.SkinWeights, folded.Frames.SkinWeights);
    }
}
