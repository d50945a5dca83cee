using A2F.Engine.Animation;
using A2F.Engine.Audio;
using A2F.Engine.Runtime;
using Xunit;

namespace A2F.Engine.Tests.Runtime;

/// <summary>Characters on one model: what comes out for one depends on nothing but its own audio and parameters.</summary>
public sealed class CharacterGroupTests : IDisposable
{
    private const int Samples = 20000;
    private readonly RegressionModel _regression = RegressionModel.Load(TestData.Path("fixtures/reg_tiny"), Cpu);
    private readonly DiffusionModel _diffusion = DiffusionModel.Load(TestData.Path("fixtures/diff_tiny_30"), Cpu);

    private static ModelOptions Cpu => new() { Device = "cpu", Threads = 1, MaxBatch = 8 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Frames_are_those_of_the_whole_clip(bool diffusion)
    {
        float[] audio = Audio(1);
        AudioClip clip = new(audio, 16000, 1, "made");
        CancellationToken cancel = TestContext.Current.CancellationToken;
        FaceFrames expected = (diffusion
            ? SpeechAnimator.Animate(_diffusion, clip, cancel: cancel)
            : SpeechAnimator.Animate(_regression, clip, cancel: cancel)).Frames;
        foreach (int seed in (int[])[1, 2])
        {
            using CharacterGroup group = Group(diffusion);
            List<float[]> frames = Run(group, group.Add(), audio, seed);
            Assert.True(frames.Count > expected.Count, "silence follows the end");
            for (int i = 0; i < expected.Count; i++) Assert.Equal(FaceFrames.Row(expected.SkinWeights, i, expected.SkinWeightCount).ToArray(), frames[i]);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_character_among_others_moves_as_it_does_alone(bool diffusion)
    {
        const int Others = 63;
        float[] audio = Audio(3);
        List<float[]> alone;
        using (CharacterGroup group = Group(diffusion)) alone = Run(group, group.Add(), audio, 1);

        using CharacterGroup crowd = Group(diffusion, Others + 1);
        Random random = new(7);
        List<Character> others = [.. Enumerable.Range(0, Others).Select(_ => crowd.Add())];
        Character one = crowd.Add();
        List<float[]> among = Run(crowd, one, audio, 2, () =>
        {
            int index = random.Next(Others);
            Character other = others[index];
            switch (random.Next(6))
            {
                case 0:
                    crowd.Remove(other);
                    others[index] = crowd.Add();
                    break;
                case 1:
                    other.Parameters = other.Parameters with { SkinStrength = random.NextSingle(), InputStrength = random.Next(2) == 0 ? 1 : 10 };
                    break;
                case 2 when other.Error is null:
                    other.Push(Enumerable.Repeat(9e5f, 3000).ToArray()); // times an input strength of 10, more than a network takes
                    break;
                case 3:
                    other.Reset();
                    break;
                case 4 when other.SkinSolver is { } solver:
                    other.SkinSolver = solver with { L2Regularization = 1 + random.NextSingle() };
                    break;
                default:
                    other.Push(Audio(100 + random.Next(50)).AsSpan(0, random.Next(9000)));
                    break;
            }
        });
        Assert.Equal(alone, among);
        Assert.Null(one.Error);
        Assert.True(crowd.Count == Others + 1);
    }

    [Fact]
    public void A_thousand_characters_speak_at_once()
    {
        const int Count = 1000, Frames = 6;
        string path = Path.Combine(TestData.Root, "weights", "default");
        using RegressionModel model = RegressionModel.Load(path, Cpu with { MaxBatch = 32 });
        float[][] audio = [.. Enumerable.Range(0, 7).Select(i => Audio(i + 1).AsSpan(0, 4160 + Frames * 267).ToArray())];
        using CharacterGroup group = CharacterGroup.Create(model, new CharacterGroupOptions { Capacity = Count });
        Character[] all = [.. Enumerable.Range(0, Count).Select(_ => group.Add())];
        for (int i = 0; i < Count; i++) all[i].Push(audio[i % audio.Length]);
        int windows = group.Tick();
        Assert.InRange(windows, Frames * Count, (Frames + 2) * Count);
        CharacterFrame frame = group.CreateFrame(), first = group.CreateFrame();
        for (int i = audio.Length; i < Count; i++)
        {
            Assert.True(all[i].Sample(3 * 267, frame));
            Assert.True(all[i % audio.Length].Sample(3 * 267, first));
            Assert.Equal(first.SkinWeights, frame.SkinWeights);
        }
        Assert.Throws<A2FException>(() => group.Add());
    }

    [Fact]
    public void A_character_with_whom_it_goes_wrong_stops_alone_and_starts_again_after_a_reset()
    {
        using CharacterGroup group = Group(false);
        Character good = group.Add(), bad = group.Add();
        bad.Parameters = bad.Parameters with { InputStrength = 10 };
        good.Push(Audio(1));
        bad.Push(Enumerable.Repeat(9e5f, Samples).ToArray());
        group.Tick();
        Assert.Null(good.Error);
        Assert.True(good.FramesMade > 10);
        Assert.Contains("audio window", bad.Error!.Message, StringComparison.Ordinal);
        Assert.Equal(0, group.Tick());
        bad.Reset();
        bad.Push(Audio(1));
        group.Tick();
        Assert.Null(bad.Error);
        Assert.Equal(good.FramesMade, bad.FramesMade);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Warm_ticks_allocate_nothing(bool diffusion)
    {
        using CharacterGroup group = Group(diffusion, 5);
        Character[] all = [.. Enumerable.Range(0, 5).Select(_ => group.Add())];
        CharacterFrame frame = group.CreateFrame();
        float[] chunk = Audio(4).AsSpan(0, 267).ToArray();
        Step(diffusion ? 500 : 120);
        long before = GC.GetAllocatedBytesForCurrentThread();
        int windows = Step(diffusion ? 200 : 300);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(windows > 20, $"{windows} windows ran");

        int Step(int ticks)
        {
            int done = 0;
            for (int tick = 0; tick < ticks; tick++)
            {
                foreach (Character character in all) character.Push(chunk);
                done += group.Tick();
                foreach (Character character in all)
                {
                    while (character.TryRead(frame))
                    {
                    }
                    character.Sample(frame.Timestamp - 100.5, frame);
                }
            }
            return done;
        }
    }

    [Fact]
    public void A_budget_is_shared_fairly()
    {
        using CharacterGroup group = Group(false, 7);
        Character[] all = [.. Enumerable.Range(0, 7).Select(_ => group.Add())];
        foreach (Character character in all) character.Push(Audio(1));
        for (int tick = 0; tick < 14; tick++)
        {
            Assert.Equal(3, group.Tick(3));
            long[] made = [.. all.Select(c => c.FramesMade)];
            Assert.True(made.Max() - made.Min() <= 1, string.Join(' ', made));
        }
        Assert.Equal(42, all.Sum(c => c.FramesMade));
    }

    [Theory]
    [InlineData(WhenFull.DropOldest)]
    [InlineData(WhenFull.Wait)]
    [InlineData(WhenFull.Grow)]
    public void Frames_that_nobody_reads_are_dropped_waited_for_or_kept(WhenFull policy)
    {
        using CharacterGroup group = CharacterGroup.Create(_regression, new CharacterGroupOptions { Capacity = 1, FrameRoom = 10, WhenFull = policy });
        Character character = group.Add();
        character.Push(Audio(1));
        group.Tick();
        CharacterFrame frame = group.CreateFrame();
        long made = character.FramesMade, first = 0;
        Assert.Equal(policy == WhenFull.Wait ? 10 : 60, made);
        Assert.Equal(policy == WhenFull.DropOldest ? 50 : 0, character.Dropped);
        if (policy == WhenFull.DropOldest) first = 50;
        for (long i = first; i < made; i++)
        {
            Assert.True(character.TryRead(frame));
            Assert.Equal(i, frame.Sequence);
            Assert.Equal(i * 16000 / 60, frame.Timestamp);
        }
        Assert.False(character.TryRead(frame));
        Assert.Equal(policy == WhenFull.Wait ? 10 : 0, group.Tick());
    }

    [Fact]
    public void A_sampled_face_lies_between_its_frames()
    {
        using CharacterGroup group = Group(false);
        Character character = group.Add();
        CharacterFrame sampled = group.CreateFrame();
        Assert.False(character.Sample(0, sampled));
        character.Push(Audio(1));
        group.Tick();
        CharacterFrame a = group.CreateFrame(), b = group.CreateFrame();
        for (int i = 0; i < 10; i++) Assert.True(character.TryRead(a));
        Assert.True(character.TryRead(b));
        double time = 0.25 * a.Timestamp + 0.75 * b.Timestamp;
        Assert.True(character.Sample(time, sampled));
        for (int i = 0; i < sampled.SkinWeights.Length; i++)
            Assert.Equal(a.SkinWeights[i] + (b.SkinWeights[i] - a.SkinWeights[i]) * 0.75f, sampled.SkinWeights[i], 5e-3f);
        Assert.Equal(9, sampled.Sequence);
        float x = sampled.Jaw[0], y = sampled.Jaw[1], z = sampled.Jaw[2];
        Assert.Equal(1, x * x + y * y + z * z, 1e-5f);
        Assert.True(character.Sample(a.Timestamp, sampled));
        Assert.Equal(a.SkinWeights, sampled.SkinWeights);
        Assert.False(character.Sample(-1, sampled));
        Assert.Equal(0, sampled.Sequence);
        Assert.False(character.Sample(1e9, sampled));
        Assert.Equal(character.FramesMade - 1, sampled.Sequence);
        Assert.Throws<A2FException>(() => character.Sample(double.NaN, sampled));
    }

    [Fact]
    public void Threads_may_push_read_change_and_remove_while_another_ticks()
    {
        const int Characters = 6, Rounds = 60;
        using CharacterGroup group = Group(false, Characters + 2);
        Character[] all = [.. Enumerable.Range(0, Characters).Select(_ => group.Add())];
        List<float[]>[] frames = [.. all.Select(_ => new List<float[]>())];
        int running = Characters + 1;
        List<Exception> problems = [];
        Thread[] threads =
        [
            .. Enumerable.Range(0, Characters).Select(i => Start(() =>
            {
                float[] audio = Audio(1);
                for (int round = 0, at = 0; round < Rounds; round++)
                {
                    int count = Math.Min(audio.Length - at, round == Rounds - 1 ? audio.Length : 300 + 7 * i);
                    all[i].Push(audio.AsSpan(at, count));
                    at += count;
                }
                all[i].EndAudio();
            })),
            Start(() =>
            {
                for (int round = 0; round < Rounds; round++)
                {
                    Character guest = group.Add();
                    guest.Push(Audio(round + 2).AsSpan(0, 9000));
                    guest.Parameters = guest.Parameters with { SkinStrength = 0.5f };
                    guest.SetEmotion(new float[10]);
                    Thread.Yield();
                    group.Remove(guest);
                    group.Remove(guest);
                }
            }),
        ];
        CharacterFrame frame = group.CreateFrame();
        while (Volatile.Read(ref running) > 0 || all.Any(c => !c.IsFinished || c.Unread > 0))
        {
            group.Tick();
            for (int i = 0; i < Characters; i++)
            {
                while (all[i].TryRead(frame)) frames[i].Add(frame.SkinWeights.ToArray());
            }
        }
        foreach (Thread thread in threads) thread.Join();
        Assert.Empty(problems);
        Assert.All(frames, f => Assert.Equal(frames[0], f));
        Assert.True(frames[0].Count > 40);

        Thread Start(Action body)
        {
            Thread thread = new(() =>
            {
                try
                {
                    body();
                }
                catch (Exception e)
                {
                    lock (problems) problems.Add(e);
                }
                Interlocked.Decrement(ref running);
            });
            thread.Start();
            return thread;
        }
    }

    [Fact]
    public void A_disposed_group_says_so_and_wrong_arguments_are_refused()
    {
        CharacterGroup group = Group(false);
        Character character = group.Add();
        Assert.Throws<A2FException>(() => character.Push([float.NaN]));
        Assert.Equal(0, character.SamplesReceived);
        Assert.Throws<A2FException>(() => character.SetEmotion(new float[3]));
        Assert.Throws<A2FException>(() => group.Tick(0));
        Assert.Throws<A2FException>(() => group.Add(new CharacterOptions { Identity = 1 }));
        Assert.Throws<A2FException>(() => CharacterGroup.Create(_diffusion, new CharacterGroupOptions { FrameRoom = 3 }));
        using (CharacterGroup other = Group(true)) Assert.Throws<A2FException>(() => other.Remove(character));
        character.EndAudio();
        character.EndAudio();
        Assert.Throws<A2FException>(() => character.Push([0]));
        group.Dispose();
        group.Dispose();
        Assert.Contains("disposed", Assert.Throws<A2FException>(() => group.Tick()).Message, StringComparison.Ordinal);
        Assert.Contains("disposed", Assert.Throws<A2FException>(() => character.Reset()).Message, StringComparison.Ordinal);
    }

    private CharacterGroup Group(bool diffusion, int capacity = 3)
    {
        CharacterGroupOptions options = new() { Capacity = capacity, FrameRoom = 400 };
        return diffusion ? CharacterGroup.Create(_diffusion, options) : CharacterGroup.Create(_regression, options);
    }

    // Pushes audio in chunks of any size, ticks now and then; skin weights of all frames.
    private static List<float[]> Run(CharacterGroup group, Character character, float[] audio, int seed, Action? meanwhile = null)
    {
        Random random = new(seed);
        List<float[]> frames = [];
        CharacterFrame frame = group.CreateFrame();
        for (int at = 0; at < audio.Length;)
        {
            int count = Math.Min(audio.Length - at, random.Next(1200));
            character.Push(audio.AsSpan(at, count));
            at += count;
            meanwhile?.Invoke();
            if (random.Next(2) == 0) group.Tick(1 + random.Next(40));
            Read();
        }
        character.EndAudio();
        while (!character.IsFinished)
        {
            group.Tick();
            Read();
        }
        return frames;

        void Read()
        {
            while (character.TryRead(frame)) frames.Add(frame.SkinWeights.ToArray());
        }
    }

    private static float[] Audio(int seed)
    {
        Random random = new(seed);
        float pitch = 0.03f + 0.02f * random.NextSingle();
        return [.. Enumerable.Range(0, Samples).Select(i => 0.3f * MathF.Sin(pitch * i) * MathF.Sin(0.0007f * i) + 0.02f * random.NextSingle())];
    }

    public void Dispose()
    {
        _regression.Dispose();
        _diffusion.Dispose();
    }
}
