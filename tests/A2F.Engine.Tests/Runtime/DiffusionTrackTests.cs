using A2F.Engine.Animation;
using A2F.Engine.Networks;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Backends;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Runtime;

public sealed class DiffusionTrackTests
{
    private static readonly float[] Audio = OperatorCase.Random(64_000, 3);

    /// <summary>Final frames of a track: all rows, all times.</summary>
    private sealed record Result(float[] Rows, long[] Times);

    private static DiffusionModel Load(string fixture, NoiseSource noise = NoiseSource.Constant, int batch = 4) => DiffusionModel.Load(
        TestData.Path($"fixtures/{fixture}"), new ModelOptions { Device = "cpu", Threads = 1, MaxBatch = batch, Noise = noise });

    private static EmotionTrack Emotions(int count)
    {
        EmotionTrack track = new(count);
        track.Add(100, OperatorCase.Random(count, 8));
        track.Add(50_000, OperatorCase.Random(count, 9));
        track.Close();
        return track;
    }

    private static DiffusionTrack Track(DiffusionModel model, int identity = 0, int speculative = 0) => new(model, new DiffusionTrackOptions
    {
        Identity = identity, Seed = 5_000_000_000ul + (ulong)identity, Emotions = Emotions(model.EmotionCount), SpeculativeSamples = speculative,
    });

    /// <summary>Pushes a track's audio in chunks, runs what can run after each, and collects; provisional frames are replaced.</summary>
    private static Result Run(DiffusionTrack track, ReadOnlySpan<float> audio, Func<int> chunk)
    {
        List<float[]> rows = [];
        List<long> times = [];
        HashSet<int> provisional = [];
        for (int at = 0; !track.IsClosed;)
        {
            int size = Math.Min(chunk(), audio.Length - at);
            track.Push(audio.Slice(at, size));
            at += size;
            if (at == audio.Length) track.Close();
            while (track.Advance()) Collect(track, rows, times, provisional);
        }
        Assert.True(track.IsFinished);
        Assert.Empty(provisional);
        return new Result([.. rows.SelectMany(r => r)], [.. times]);
    }

    private static void Collect(DiffusionTrack track, List<float[]> rows, List<long> times, HashSet<int> provisional)
    {
        DiffusionFrames frames = track.Frames;
        int length = frames.Count == 0 ? 0 : frames.Rows.Length / frames.Count;
        for (int i = 0; i < frames.Count; i++)
        {
            int number = (int)frames.First + i;
            Assert.InRange(number, 0, rows.Count);
            if (number == rows.Count)
            {
                rows.Add([]);
                times.Add(0);
            }
            else Assert.True(provisional.Contains(number), $"frame {number} comes again, but was final");
            (rows[number], times[number]) = (frames.Rows.Slice(i * length, length).ToArray(), frames.Timestamps[i]);
            if (frames.IsProvisional) provisional.Add(number);
            else provisional.Remove(number);
        }
    }

    [Fact]
    public void Four_seconds_are_ten_windows_and_240_frames_at_the_times_of_the_reference()
    {
        using DiffusionModel model = Load("diff_tiny_60");
        DiffusionTrack track = Track(model);
        Assert.Equal(240, track.CountFrames(64_000));
        List<long> times = [];
        int window = 0;
        for (int received = 0; received <= 64_000; received += 500)
        {
            for (; track.Advance(); window++)
            {
                Assert.Equal(8000 * window, received); // as soon as its audio is there, and not before
                Assert.Equal(window switch { 0 => 0, 1 => 15, _ => 30 }, track.Frames.Count);
                times.AddRange(track.Frames.Timestamps);
                Assert.Equal(Math.Max(0, 30 * window - 45), track.Frames.First);
            }
            if (received < 64_000) track.Push(Audio.AsSpan(received, 500));
        }
        Assert.Equal(9, window);
        Assert.False(track.IsFinished);
        track.Close();
        while (track.Advance()) times.AddRange(track.Frames.Timestamps);
        Assert.True(track.IsFinished);
        Assert.Equal(10, track.WindowsDone);
        Assert.Equal(Enumerable.Range(45, 240).Select(k => k * 16_000L / 60 - 12_000), times);
    }

    [Theory]
    [InlineData("diff_tiny_60", NoiseSource.Constant)]
    [InlineData("diff_tiny_60", NoiseSource.Seeded)]
    [InlineData("diff_tiny_30", NoiseSource.Constant)]
    [InlineData("diff_tiny_3step", NoiseSource.Seeded)]
    public void How_audio_is_cut_changes_nothing(string fixture, NoiseSource noise)
    {
        using DiffusionModel model = Load(fixture, noise);
        float[] audio = Audio[..41_234];
        Result whole = Run(Track(model), audio, () => audio.Length);
        Assert.Equal(Track(model).CountFrames(audio.Length), whole.Times.Length);
        Assert.True(whole.Times[0] >= 0 && whole.Times[^1] < audio.Length);
        Random random = new(4);
        foreach (Func<int> chunk in (Func<int>[])[() => 1, () => 160, () => 7999, () => 8001, () => random.Next(0, 3000)])
        {
            DiffusionTrack track = Track(model);
            int held = 0;
            Result cut = Run(track, audio, () =>
            {
                held = Math.Max(held, track.HeldSamples);
                return chunk();
            });
            Assert.Equal(whole.Times, cut.Times);
            Assert.Equal(whole.Rows, cut.Rows);
            Assert.InRange(held, 0, model.WindowLength + 8001); // old samples go
        }
    }

    [Theory]
    [InlineData(NoiseSource.Constant)]
    [InlineData(NoiseSource.Seeded)]
    public void Tracks_that_advance_together_are_as_each_alone(NoiseSource noise)
    {
        using DiffusionModel model = Load("diff_tiny_60", noise, batch: 2); // two batches of the three
        int[] lengths = [30_000, 41_000, 9_000], starts = [0, 7_000, 20_000];
        DiffusionTrack[] tracks = [.. lengths.Select((_, i) => Track(model, i, i == 1 ? 1000 : 0))];
        (List<float[]> Rows, List<long> Times, HashSet<int> Provisional)[] found = [.. tracks.Select(_ => (new List<float[]>(), new List<long>(), new HashSet<int>()))];
        bool[] had = new bool[3];
        for (int tick = 0; !tracks.All(t => t.IsFinished); tick++)
        {
            for (int i = 0; i < 3; i++)
            {
                int at = tick * 500 - starts[i];
                if (tracks[i].IsClosed || at < 0) continue;
                tracks[i].Push(Audio.AsSpan(i * 1000 + at, Math.Min(500, lengths[i] - at)));
                if (tracks[i].SamplesReceived == lengths[i]) tracks[i].Close();
            }
            while (true)
            {
                bool[] runs = [.. tracks.Select(t => t.IsReady || t.CanSpeculate)];
                int ran = DiffusionTrack.Advance(tracks);
                Assert.Equal(runs.Count(r => r), ran);
                if (ran == 0) break;
                for (int i = 0; i < 3; i++)
                {
                    if (runs[i]) Collect(tracks[i], found[i].Rows, found[i].Times, found[i].Provisional);
                }
            }
        }
        for (int i = 0; i < 3; i++)
        {
            Result alone = Run(Track(model, i), Audio.AsSpan(i * 1000, lengths[i]), () => 777);
            Assert.Equal(alone.Times, found[i].Times);
            Assert.Equal(alone.Rows, found[i].Rows.SelectMany(r => r));
        }
        Assert.NotEqual(found[0].Rows[0], found[1].Rows[0]);
    }

    [Theory]
    [InlineData(NoiseSource.Constant)]
    [InlineData(NoiseSource.Seeded)]
    public void A_restored_state_goes_on_exactly_in_the_same_track_and_in_another(NoiseSource noise)
    {
        using DiffusionModel model = Load("diff_tiny_60", noise);
        DiffusionTrack track = Track(model, 1, speculative: 1000);
        track.Push(Audio.AsSpan(0, 29_300));
        while (track.Advance()) { } // three windows, and one ahead
        DiffusionTrackState state = track.SaveState();
        Assert.Equal((4, 29_300), (state.WindowsDone, state.SamplesReceived));
        Result first = Rest(track);
        track.RestoreState(state);
        Assert.Equal(0, track.Frames.Count);
        Assert.Equal(first.Rows, Rest(track).Rows);
        DiffusionTrack other = new(model, new DiffusionTrackOptions { SpeculativeSamples = 1000 });
        other.Push(Audio.AsSpan(5, 20_000));
        while (other.Advance()) { }
        other.RestoreState(state);
        Result there = Rest(other);
        Assert.Equal(first.Times, there.Times);
        Assert.Equal(first.Rows, there.Rows);

        Result Rest(DiffusionTrack t)
        {
            List<float> rows = [];
            List<long> times = [];
            t.Push(Audio.AsSpan(29_300, 20_000));
            t.Close();
            while (t.Advance())
            {
                Assert.False(t.Frames.IsProvisional);
                rows.AddRange(t.Frames.Rows);
                times.AddRange(t.Frames.Timestamps);
            }
            Assert.True(t.IsFinished);
            return new Result([.. rows], [.. times]);
        }
    }

    [Theory]
    [InlineData("diff_tiny_60", 1600)]
    [InlineData("diff_tiny_60", 5000)]
    [InlineData("diff_tiny_30", 800)]
    [InlineData("diff_tiny_3step", 4000)]
    public void Running_ahead_shows_frames_early_and_ends_in_the_same_ones(string fixture, int speculative)
    {
        using DiffusionModel model = Load(fixture, NoiseSource.Seeded);
        float[] audio = Audio[..33_333];
        Result plain = Run(Track(model), audio, () => 100), ahead = Run(Track(model, speculative: speculative), audio, () => 100);
        Assert.Equal(plain.Times, ahead.Times);
        Assert.Equal(plain.Rows, ahead.Rows);
    }

    // docs/streaming.md states these numbers.
    [Theory]
    [InlineData(0, 8000, 12_000)]
    [InlineData(1600, 1600, 4000)]
    [InlineData(320, 320, 4000)]
    [InlineData(4000, 4000, 4000)]
    public void Latency_without_and_with_running_ahead(int speculative, int toFirstFrame, int worst)
    {
        using DiffusionModel model = Load("diff_tiny_60");
        DiffusionTrack track = Track(model, speculative: speculative);
        long shown = 0, first = -1, latest = 0;
        while (track.SamplesReceived < 40_000)
        {
            track.Push(Audio.AsSpan((int)track.SamplesReceived, 10));
            while (track.Advance())
            {
                for (int i = 0; i < track.Frames.Count; i++)
                {
                    Assert.True(track.Frames.Timestamps[i] < track.SamplesReceived); // nothing of a time that was not heard
                    if (track.Frames.First + i < shown) continue;
                    shown++;
                    if (first < 0) first = track.SamplesReceived;
                    latest = Math.Max(latest, track.SamplesReceived - track.Frames.Timestamps[i]);
                }
            }
        }
        Assert.Equal((toFirstFrame, worst), (first, latest));
    }

    [Fact]
    public void A_warm_track_allocates_nothing_beside_the_network()
    {
        using DiffusionModel model = Load("diff_tiny_60", NoiseSource.Seeded);
        DiffusionTrack track = Track(model, 0, 3000);
        float[] window = new float[model.WindowLength], identity = new float[model.IdentityCount], noise = new float[model.NoiseLength];
        float[] emotion = new float[model.EmotionVectors * model.EmotionCount], state = new float[model.StateLength];
        float[] rows = new float[model.CentreFrames * model.OutputLength];
        long ofNetwork = 0, ofTrack = 0;
        for (int at = 0; at < 64_000; at += 1000)
        {
            model.Infer(window, identity, emotion, state, noise, rows, state);
            long start = GC.GetAllocatedBytesForCurrentThread();
            model.Infer(window, identity, emotion, state, noise, rows, state);
            ofNetwork = GC.GetAllocatedBytesForCurrentThread() - start;
            start = GC.GetAllocatedBytesForCurrentThread();
            track.Push(Audio.AsSpan(at, 1000));
            int ran = 0;
            while (track.Advance()) ran++;
            if (at >= 40_000) ofTrack += GC.GetAllocatedBytesForCurrentThread() - start - ran * ofNetwork;
        }
        Assert.Equal(0, ofTrack);
    }

    [Fact]
    public void Ten_windows_agree_with_a_chain_of_inferences_and_with_double_precision()
    {
        using NpzFile recorded = NpzFile.Open(TestData.Path("fixtures/diff_tiny_60/chain.npz"));
        float[] audio = recorded.Read("audio").ToFloat32(), keys = recorded.Read("emotion_keys").ToFloat32(), noise = recorded.Read("noise").ToFloat32();
        double[] states = recorded.Read("states_f64").Data<double>().ToArray(), last = recorded.Read("prediction_f64").Data<double>().ToArray();
        int identity = (int)recorded.Read("identity").Data<long>()[0];
        using DiffusionModel model = Load("diff_tiny_60", NoiseSource.Given);
        EmotionTrack emotions = new(model.EmotionCount);
        emotions.Add(0, keys.AsSpan(0, model.EmotionCount));
        emotions.Add(audio.Length - 1, keys.AsSpan(model.EmotionCount));
        emotions.Close();
        DiffusionTrack track = new(model, new DiffusionTrackOptions
        {
            Identity = identity, Emotions = emotions, Noise = (_, target) => noise.CopyTo(target),
        });
        track.Push(audio);
        track.Close();
        float[] state = new float[model.StateLength], prediction = new float[model.CentreFrames * model.OutputLength];
        float[] oneHot = new float[model.IdentityCount];
        oneHot[identity] = 1;
        for (int n = 0; n < 10; n++)
        {
            Assert.True(track.Advance());
            float[] window = new float[16_000], emotion = new float[30 * model.EmotionCount];
            for (int i = 0; i < window.Length; i++)
            {
                int at = 8000 * n - 16_000 + i;
                window[i] = at < 0 || at >= audio.Length ? 0 : audio[at];
            }
            for (int j = 0; j < 30; j++)
                emotions.Read((30 * n + j) * 16_000L / 60 - 12_000, emotion.AsSpan(j * model.EmotionCount, model.EmotionCount));
            model.Infer(window, oneHot, emotion, state, noise, prediction, state);
            Assert.Equal(state, track.GruState.ToArray());
            OperatorCase.AssertClose(states.AsSpan(n * state.Length, state.Length), track.GruState, 1e-5, $"state after window {n}");
            int hidden = Math.Max(0, 45 - 30 * n), reported = Math.Min(30, Math.Max(0, 285 - 30 * n)) - Math.Min(hidden, 30);
            Assert.Equal(prediction.AsSpan(Math.Min(hidden, 30) * model.OutputLength, reported * model.OutputLength).ToArray(), track.Frames.Rows.ToArray());
        }
        Assert.True(track.IsFinished);
        FaceSizes sizes = model.Config.Outputs;
        int first = 0;
        foreach (int size in (int[])[sizes.Skin, sizes.Tongue, sizes.Jaw, sizes.Eyes])
        {
            OperatorCase.AssertClose(Part(last, first, size), Part(prediction, first, size), 1e-5, $"columns {first} to {first + size} of the last window");
            first += size;
        }

        T[] Part<T>(T[] rows, int start, int size) =>
            [.. Enumerable.Range(0, 30).SelectMany(f => rows[(f * model.OutputLength + start)..(f * model.OutputLength + start + size)])];
    }

    [Fact]
    public void Open_emotions_hold_windows_back_and_identities_seeds_and_emotions_count_from_the_next_window_on()
    {
        using DiffusionModel model = Load("diff_tiny_60", NoiseSource.Seeded);
        EmotionTrack emotions = new(model.EmotionCount);
        DiffusionTrack track = new(model, new DiffusionTrackOptions { Emotions = emotions, SpeculativeSamples = 100 });
        track.Push(Audio.AsSpan(0, 20_000));
        Assert.False(track.Advance());
        emotions.Add(3732, new float[model.EmotionCount]);
        Assert.True(track.Advance() && !track.Advance()); // window 1 has a frame at 3733
        emotions.Add(3733, new float[model.EmotionCount]);
        Assert.True(track.Advance() && !track.Advance());
        Assert.Equal(4000, track.NextTimestamp);
        emotions.DropBefore(track.NextTimestamp - 1000);
        emotions.Close();
        DiffusionTrackState state = track.SaveState();
        HashSet<float> seen = [Next(_ => { })];
        Assert.True(seen.Add(Next(t => t.Identity = 2)));
        Assert.True(seen.Add(Next(t => t.Seed = 1)));
        Assert.True(seen.Add(Next(t => t.Emotions = EmotionTrack.Constant(OperatorCase.Random(model.EmotionCount, 1)))));
        Assert.False(seen.Add(Next(_ => { })));

        float Next(Action<DiffusionTrack> change)
        {
            track.RestoreState(state);
            change(track);
            Assert.True(track.Advance());
            return track.Frames.Rows[7];
        }
    }

    [Fact]
    public void Silence_alone_and_no_audio_at_all_end()
    {
        using DiffusionModel model = Load("diff_tiny_60");
        DiffusionTrack none = Track(model), one = Track(model);
        none.Close();
        while (none.Advance()) Assert.Equal(0, none.Frames.Count);
        Assert.True(none.IsFinished);
        Assert.Single(Run(one, [0f], () => 1).Times);
    }

    [Fact]
    public void What_can_not_be_is_refused_and_changes_nothing()
    {
        using DiffusionModel model = Load("diff_tiny_60"), other = Load("diff_tiny_30"), given = Load("diff_tiny_60", NoiseSource.Given);
        DiffusionTrack track = Track(model);
        Refused("0 to 2, found 3", () => track.Identity = 3);
        Refused("0 to 2, found -1", () => Track(model, -1));
        Refused("emotions: expected 10, found 4", () => track.Emotions = EmotionTrack.Constant(new float[4]));
        Refused("sample 2", () => track.Push([0, 1, float.NaN]));
        Assert.Equal(0, track.SamplesReceived);
        Refused("0 or more", () => Track(model, 0, -1));
        Refused("needs DiffusionTrackOptions.Noise", () => Track(given));
        Refused("NoiseSource.Given", () => _ = new DiffusionTrack(model, new DiffusionTrackOptions { Noise = (_, _) => { } }));
        Refused("of one model", () => DiffusionTrack.Advance([track, Track(other)]));
        Refused("twice", () => DiffusionTrack.Advance([track, track]));
        Assert.Equal(0, track.WindowsDone);
        Assert.Equal(0, DiffusionTrack.Advance([]));
        if (other.StateLength != model.StateLength) Refused("another model", () => track.RestoreState(Track(other).SaveState()));
        track.Close();
        Refused("closed", () => track.Push([0f]));

        static void Refused(string text, Action action) =>
            Assert.Contains(text, Assert.Throws<A2FException>(action).Message, StringComparison.Ordinal);
    }
}
