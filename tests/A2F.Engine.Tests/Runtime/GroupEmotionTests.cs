using A2F.Engine.Animation;
using A2F.Engine.Audio;
using A2F.Engine.Runtime;
using Xunit;

namespace A2F.Engine.Tests.Runtime;

/// <summary>Characters that hear their emotions: the same as if somebody had analysed their audio before.</summary>
public sealed class GroupEmotionTests : IDisposable
{
    private const int Window = 4000, Samples = 30_011;
    private readonly RegressionModel _regression = RegressionModel.Load(TestData.Path("fixtures/reg_tiny"), Cpu);
    private readonly DiffusionModel _diffusion = DiffusionModel.Load(TestData.Path("fixtures/diff_tiny_30"), Cpu);
    private readonly EmotionModel _classifier = EmotionModel.Load(TestData.Path("fixtures/emo_base"), Cpu with { EmotionWindow = Window, MaxBatch = 3 });
    private static readonly EmotionAnalysisOptions Often = new() { InferencesToSkip = 5 };

    private static ModelOptions Cpu => new() { Device = "cpu", Threads = 1, MaxBatch = 8 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Centred_windows_give_the_emotions_of_the_whole_clip(bool diffusion)
    {
        float[] audio = GroupRig.Audio(1, Samples);
        EmotionCurves curves = EmotionAnalyzer.Analyze(
            _classifier, AudioClip.FromSamples(audio, AudioClip.SampleRate), Often, cancel: TestContext.Current.CancellationToken);
        EmotionTrack track = curves.ToTrack(_regression.Folder.Info.Emotions);
        List<float[]> given, deaf;
        using (CharacterGroup group = Group(diffusion))
        {
            given = Speak(group, group.Add(new CharacterOptions { Emotions = track }), audio, 1);
            deaf = Speak(group, group.Add(), audio, 1);
        }
        foreach (int seed in (int[])[2, 3])
        {
            using CharacterGroup group = Group(diffusion, EmotionWindowPlace.Centred);
            Assert.Equal(given, Speak(group, group.Add(new CharacterOptions { HearsEmotions = true }), audio, seed));
        }
        Assert.NotEqual(given, deaf);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Causal_windows_end_where_their_keys_begin(bool diffusion)
    {
        float[] audio = GroupRig.Audio(2, Samples), window = new float[Window], scores = new float[_classifier.Labels], emotion = new float[10];
        EmotionTrack track = new(10);
        EmotionPostProcessor processor = new(10, 1f / 30, _classifier.Folder.Parameters);
        for (int inference = 0; inference * 3200 < Samples; inference++)
        {
            int start = inference * 3200 - Window;
            for (int i = 0; i < Window; i++) window[i] = start + i < 0 ? 0 : audio[start + i];
            _classifier.Infer(window, scores);
            for (int key = 0; key < 6; key++)
            {
                processor.Process(scores, emotion);
                track.Add((inference * 6 + key) * 16000 / 30, emotion);
            }
        }
        track.Close();
        List<float[]> given;
        using (CharacterGroup group = Group(diffusion)) given = Speak(group, group.Add(new CharacterOptions { Emotions = track }), audio, 1);
        foreach (int seed in (int[])[2, 3])
        {
            using CharacterGroup group = Group(diffusion);
            Assert.Equal(given, Speak(group, group.Add(new CharacterOptions { HearsEmotions = true }), audio, seed));
        }
    }

    [Theory]
    [InlineData(EmotionWindowPlace.Causal)]
    [InlineData(EmotionWindowPlace.Centred)]
    public void When_the_end_is_told_changes_nothing(EmotionWindowPlace place)
    {
        using CharacterGroup group = Group(false, place);
        CharacterOptions options = new() { HearsEmotions = true };
        foreach (int samples in (int[])[6400, 8400, 5400]) // where a window begins, and where one ends that is round its moment
        {
            Character early = group.Add(options), late = group.Add(options);
            float[] audio = GroupRig.Audio(7, samples);
            early.Push(audio);
            late.Push(audio);
            early.EndAudio();
            while (group.Tick() > 0)
            {
            }
            late.EndAudio();
            group.Tick();
            Assert.True(early.IsFinished && late.IsFinished);
            CharacterFrame a = group.CreateFrame(), b = group.CreateFrame();
            while (early.TryRead(a))
            {
                Assert.True(late.TryRead(b));
                Assert.Equal(a.SkinWeights, b.SkinWeights);
            }
            Assert.False(late.TryRead(b));
        }
    }

    [Theory]
    [InlineData(false, EmotionWindowPlace.Causal)]
    [InlineData(true, EmotionWindowPlace.Causal)]
    [InlineData(false, EmotionWindowPlace.Centred)]
    public void Others_are_not_heard(bool diffusion, EmotionWindowPlace place)
    {
        float[] audio = GroupRig.Audio(3, Samples);
        List<float[]> alone;
        using (CharacterGroup group = Group(diffusion, place)) alone = Speak(group, group.Add(new CharacterOptions { HearsEmotions = true }), audio, 1);
        using CharacterGroup crowd = Group(diffusion, place);
        Random random = new(4);
        Character[] others = [.. Enumerable.Range(0, 6).Select(i => crowd.Add(new CharacterOptions { HearsEmotions = i > 1, Priority = i % 3 }))];
        Character one = crowd.Add(new CharacterOptions { HearsEmotions = true });
        Assert.Equal(alone, Speak(crowd, one, audio, 5, () =>
        {
            int index = random.Next(others.Length);
            if (random.Next(8) == 0) others[index].Reset();
            else others[index].Push(GroupRig.Audio(random.Next(9), random.Next(3000)));
        }));
        one.Reset();
        Assert.Equal(alone, Speak(crowd, one, audio, 6));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Causal_hearing_makes_nobody_wait(bool diffusion)
    {
        using CharacterGroup group = Group(diffusion);
        Character deaf = group.Add();
        Character[] hearing = [.. Enumerable.Range(0, 7).Select(_ => group.Add(new CharacterOptions { HearsEmotions = true }))];
        float[] audio = GroupRig.Audio(4, 60 * 267);
        for (int tick = 0, most = 0; tick < 60; tick++)
        {
            foreach (Character character in (Character[])[deaf, .. hearing]) character.Push(audio.AsSpan(tick * 267, 267));
            int windows = group.Tick();
            if (diffusion) continue;
            Assert.All(hearing, c => Assert.Equal(deaf.FramesMade, c.FramesMade));
            if (tick > 25) most = Math.Max(most, windows);
            Assert.True(most <= 8 + 2 * 2, $"{most} windows: emotion windows are not spread"); // 8 or 9 frames, and 7 * 267 / 3200 emotions
        }
        if (!diffusion) return;
        while (group.Tick() > 0)
        {
        }
        Assert.All(hearing, c => Assert.Equal(deaf.FramesMade, c.FramesMade));
        Assert.True(deaf.FramesMade > 0);
    }

    [Fact]
    public void Centred_hearing_waits_for_half_a_window()
    {
        using CharacterGroup group = CharacterGroup.Create(_regression, new CharacterGroupOptions
        {
            Capacity = 1,
            EmotionModel = LongClassifier(),
            EmotionWindows = EmotionWindowPlace.Centred,
            EmotionAnalysis = Often,
            SpreadWindows = false,
        });
        Character character = group.Add(new CharacterOptions { HearsEmotions = true });
        character.Push(GroupRig.Audio(1, 9999));
        group.Tick();
        Assert.Equal(0, character.FramesMade);
        character.Push(new float[1]);
        group.Tick();
        Assert.Equal(11, character.FramesMade); // to the last key, at 5 / 30 s
    }

    [Fact]
    public void Keys_and_audio_behind_the_playhead_are_forgotten()
    {
        using CharacterGroup group = Group(false);
        Character character = group.Add(new CharacterOptions { HearsEmotions = true });
        for (int i = 0; i < 60; i++)
        {
            character.Push(GroupRig.Audio(i, 1600));
            group.Tick();
        }
        float[] emotion = new float[10];
        Assert.Contains("dropped", Assert.Throws<A2FException>(() => character.Ears!.Track.TryRead(60 * 1600 - 4160 - 1600, emotion)).Message, StringComparison.Ordinal);
        Assert.True(character.Ears!.Track.TryRead(60 * 1600 - 4160, emotion));
        Assert.True(emotion.Max() > 0);
    }

    [Theory]
    [InlineData(EmotionWindowPlace.Causal)]
    [InlineData(EmotionWindowPlace.Centred)]
    public void Silence_ends_too(EmotionWindowPlace place)
    {
        using CharacterGroup group = Group(false, place);
        Character character = group.Add(new CharacterOptions { HearsEmotions = true });
        character.EndAudio();
        group.Tick();
        Assert.True(character.IsFinished && character.FramesMade == 15, $"{character.FramesMade} frames");
    }

    [Fact]
    public void A_classifier_that_fails_stops_those_who_hear_and_nobody_else()
    {
        EmotionModel gone = LongClassifier();
        using CharacterGroup group = CharacterGroup.Create(_regression, new CharacterGroupOptions { Capacity = 3, EmotionModel = gone });
        Character a = group.Add(new CharacterOptions { HearsEmotions = true }), deaf = group.Add(), b = group.Add(new CharacterOptions { HearsEmotions = true });
        gone.Dispose();
        foreach (Character character in (Character[])[a, deaf, b]) character.Push(GroupRig.Audio(1));
        group.Tick();
        Assert.Contains("disposed", a.Error!.Message, StringComparison.Ordinal);
        Assert.Contains("disposed", b.Error!.Message, StringComparison.Ordinal);
        Assert.Null(deaf.Error);
        Assert.True(deaf.FramesMade > 10);
        a.Reset();
        Assert.Null(a.Error);
    }

    [Fact]
    public void Parameters_of_hearing_count_from_the_next_window_on()
    {
        float[] audio = GroupRig.Audio(2, Samples);
        EmotionParameters none = _classifier.Folder.Parameters with { Strength = 0 };
        using CharacterGroup group = Group(false);
        List<float[]> heard = Speak(group, group.Add(new CharacterOptions { HearsEmotions = true }), audio, 1);
        List<float[]> still = Speak(group, group.Add(new CharacterOptions { Emotions = EmotionTrack.Constant(new float[10]) }), audio, 1);
        List<float[]> quiet = Speak(group, group.Add(new CharacterOptions { HearsEmotions = true, EmotionParameters = none }), audio, 1);
        Assert.Equal(still, quiet);
        Assert.NotEqual(heard, quiet);
        Character changing = group.Add(new CharacterOptions { HearsEmotions = true });
        changing.EmotionParameters = none;
        Assert.Equal(none, changing.EmotionParameters);
        Assert.Equal(quiet, Speak(group, changing, audio, 3));
    }

    [Fact]
    public void What_does_not_go_together_is_refused()
    {
        using CharacterGroup deaf = CharacterGroup.Create(_regression), hearing = Group(false);
        Refused("CharacterGroupOptions.EmotionModel", () => deaf.Add(new CharacterOptions { HearsEmotions = true }));
        Refused("leave one out", () => hearing.Add(new CharacterOptions { HearsEmotions = true, Emotions = EmotionTrack.Constant(new float[10]) }));
        Refused("HearsEmotions", () => hearing.Add(new CharacterOptions { EmotionParameters = _classifier.Folder.Parameters }));
        Refused("live_blend_coef", () => hearing.Add(
            new CharacterOptions { HearsEmotions = true, EmotionParameters = _classifier.Folder.Parameters with { LiveBlend = 2 } }));
        Character character = hearing.Add(new CharacterOptions { HearsEmotions = true });
        Refused("hears its emotions", () => character.SetEmotion(new float[10]));
        Assert.Null(deaf.Add().EmotionParameters);
        Refused("does not hear", () => deaf.Add().EmotionParameters = _classifier.Folder.Parameters);
        Assert.Equal(1, hearing.Count);
        Refused("leave audio between windows", () => CharacterGroup.Create(
            _regression, new CharacterGroupOptions { EmotionModel = _classifier, EmotionAnalysis = new EmotionAnalysisOptions { InferencesToSkip = 20 } }));

        static void Refused(string text, Action action) =>
            Assert.Contains(text, Assert.Throws<A2FException>(action).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, EmotionWindowPlace.Causal)]
    [InlineData(true, EmotionWindowPlace.Causal)]
    [InlineData(true, EmotionWindowPlace.Centred)]
    public void A_thousand_warm_ticks_with_everything_on_allocate_nothing(bool diffusion, EmotionWindowPlace place)
    {
        int told = 0;
        CharacterGroupOptions options = new()
        {
            Capacity = 4,
            EmotionModel = _classifier,
            EmotionAnalysis = new EmotionAnalysisOptions { InferencesToSkip = 6 },
            EmotionWindows = place,
            FramesReady = _ => told++,
        };
        using CharacterGroup group = diffusion ? CharacterGroup.Create(_diffusion, options) : CharacterGroup.Create(_regression, options);
        Character[] all = [.. Enumerable.Range(0, 4).Select(i => group.Add(new CharacterOptions { HearsEmotions = i != 1, Priority = i % 2 }))];
        CharacterFrame frame = group.CreateFrame();
        float[] chunk = GroupRig.Audio(4, 267);
        TickBudget budget = new() { MostWindows = 50, MostTime = TimeSpan.FromSeconds(1) };
        Step(400);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Step(1000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(told > (diffusion ? 100 : 3000), $"told {told} times");

        void Step(int ticks)
        {
            for (int tick = 0; tick < ticks; tick++)
            {
                foreach (Character character in all) character.Push(chunk);
                group.Tick(budget);
                foreach (Character character in all)
                {
                    while (character.TryRead(frame))
                    {
                    }
                }
            }
        }
    }

    public void Dispose()
    {
        _regression.Dispose();
        _diffusion.Dispose();
        _classifier.Dispose();
    }

    private CharacterGroup Group(bool diffusion, EmotionWindowPlace place = EmotionWindowPlace.Causal)
    {
        CharacterGroupOptions options = new()
        {
            Capacity = 10,
            FrameRoom = 400,
            EmotionModel = _classifier,
            EmotionAnalysis = Often,
            EmotionWindows = place,
        };
        return diffusion ? CharacterGroup.Create(_diffusion, options) : CharacterGroup.Create(_regression, options);
    }

    private static EmotionModel LongClassifier() =>
        EmotionModel.Load(TestData.Path("fixtures/emo_base"), Cpu with { EmotionWindow = 20_000, MaxBatch = 3 });

    // Skin weights of all frames; audio in chunks of any size, ticks now and then.
    private static List<float[]> Speak(CharacterGroup group, Character character, float[] audio, int seed, Action? meanwhile = null)
    {
        Random random = new(seed);
        List<float[]> frames = [];
        CharacterFrame frame = group.CreateFrame();
        for (int at = 0; at < audio.Length;)
        {
            int count = Math.Min(audio.Length - at, random.Next(2000));
            character.Push(audio.AsSpan(at, count));
            at += count;
            meanwhile?.Invoke();
            if (random.Next(2) == 0) group.Tick(1 + random.Next(30));
        }
        character.EndAudio();
        while (!character.IsFinished) group.Tick(20);
        while (character.TryRead(frame)) frames.Add(frame.SkinWeights.ToArray());
        Assert.Equal(frames.Count, character.FramesMade);
        return frames;
    }
}
