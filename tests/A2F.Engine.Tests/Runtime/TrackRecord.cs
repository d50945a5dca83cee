using A2F.Engine.Runtime;
using Xunit;

namespace A2F.Engine.Tests.Runtime;

/// <summary>One track of a character: what it began with, what was done to it before which of its windows, and the frames that it yielded.</summary>
internal sealed class TrackRecord(string name, CharacterOptions options, float[]? emotion)
{
    private readonly List<(long Window, Action<Character> Do)> _changes = [];

    public string Name => name;

    /// <summary>What was pushed, in order.</summary>
    public List<float[]> Audio { get; } = [];

    public bool Ended { get; set; }

    /// <summary>Whether it was made to fail: nobody knows then which frames came before.</summary>
    public bool IsPoisoned { get; set; }

    /// <summary>Frames by number: sample and values.</summary>
    public SortedDictionary<long, (long Time, float[] Values)> Seen { get; } = [];

    public long Read { get; set; }

    public long Pushed => Audio.Sum(a => (long)a.Length);

    /// <summary>Windows that were begun; set when the track is over.</summary>
    public long Windows { get; set; }

    /// <summary>Frames that were made, where all that could run has run; else null.</summary>
    public long? Made { get; set; }

    public void Change(Character character, Action<Character> change)
    {
        change(character);
        _changes.Add((character.FaceTurn.Windows, change));
    }

    public void See(CharacterFrame frame) => Seen[frame.Sequence] = (frame.Timestamp, Values(frame));

    /// <summary>A lone character to whom the same is done yields the same.</summary>
    public void Check(GroupWorld world)
    {
        if (IsPoisoned) return;
        using CharacterGroup group = world.Create(new CharacterGroupOptions
        {
            Capacity = 1,
            FrameRoom = 64,
            WhenFull = WhenFull.Grow,
            SpreadWindows = false,
            EmotionWindows = EmotionWindowPlace.Causal,
        });
        Character alone = group.Add(options);
        if (emotion is not null) alone.SetEmotion(emotion);
        foreach (float[] samples in Audio) alone.Push(samples);
        if (Ended) alone.EndAudio();
        int next = 0;
        for (int idle = 0; alone.FaceTurn.Windows < Windows || next < _changes.Count;)
        {
            for (; next < _changes.Count && _changes[next].Window <= alone.FaceTurn.Windows; next++) _changes[next].Do(alone);
            if (alone.FaceTurn.Windows >= Windows) break;
            idle = group.Tick(1) > 0 ? 0 : idle + 1;
            if (idle > 5) Thread.Sleep(1);
            Assert.True(idle < 2000, $"{name}: the lone character stops at window {alone.FaceTurn.Windows} of {Windows}: {alone.Error?.Message}");
        }
        GroupModel.Finish(group, () => { });
        Assert.True(Made is null || alone.FramesMade == Made, $"{name}: {Made} frames were made, {alone.FramesMade} alone");
        CharacterFrame frame = group.CreateFrame();
        foreach ((long number, (long time, float[] values)) in Seen)
        {
            do Assert.True(alone.TryRead(frame), $"{name}: frame {number} does not exist alone");
            while (frame.Sequence < number);
            Assert.True(frame.Sequence == number && frame.Timestamp == time, $"{name}: frame {number} at {time}, alone {frame.Sequence} at {frame.Timestamp}");
            float[] expected = Values(frame);
            int wrong = Enumerable.Range(0, values.Length).FirstOrDefault(i => values[i] != expected[i], -1);
            Assert.True(wrong < 0, $"{name}: frame {number}, value {wrong}: {(wrong < 0 ? 0 : values[wrong])}, alone {(wrong < 0 ? 0 : expected[wrong])}");
        }
    }

    private static float[] Values(CharacterFrame frame) => [.. frame.SkinWeights, .. frame.TongueWeights, .. frame.Jaw, .. frame.Eyes];
}
