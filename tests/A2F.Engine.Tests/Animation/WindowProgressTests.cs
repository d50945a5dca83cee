using A2F.Engine.Animation;
using Xunit;

namespace A2F.Engine.Tests.Animation;

public sealed class WindowProgressTests
{
    private static readonly Golden Recorded = Golden.File("window_progress.npz");
    private static readonly int[] Reads = [0, 1, 5, 37];

    public static TheoryData<string> Tags => new() { "reg60", "dif", "a2e10000" };

    private static WindowProgress Of(string tag) => tag switch
    {
        "reg60" => ExecutorTests.Regression60,
        "dif" => ExecutorTests.Diffusion,
        _ => WindowProgress.ForEmotion(10000, 16000, 30, 1, 0),
    };

    [Theory]
    [MemberData(nameof(Tags))]
    public void Named_windows_equal_the_recorded_parameters(string tag)
    {
        int[] p = Recorded.Ints($"{tag}_params");
        WindowProgress plain = new(p[0], p[1], p[2], p[3], p[4], p[5]);
        WindowProgress named = Of(tag);
        Assert.Equal(p[0], named.WindowSize);
        Assert.Equal(p[1], named.StartOffset);
        Assert.Equal(p[2], named.TargetOffset);
        Assert.Equal(p[5], named.FramesPerInference);
        for (int k = 0; k < 5000; k++)
        {
            Assert.Equal(plain.WindowStart(k), named.WindowStart(k));
            Assert.Equal(plain.FrameTarget(k), named.FrameTarget(k));
        }
    }

    [Theory]
    [MemberData(nameof(Tags))]
    public void Windows_and_frames_sit_where_they_were_recorded(string tag)
    {
        WindowProgress windows = Of(tag);
        long[][] recorded = [.. Recorded.Longs($"{tag}_windows").Chunk(3)];
        for (int k = 0; k < recorded.Length; k++)
            Assert.Equal((recorded[k][0], recorded[k][1], recorded[k][2]), (windows.WindowStart(k), windows.WindowTarget(k), windows.WindowEnd(k)));
        long[][] frames = [.. Recorded.Longs($"{tag}_frame_windows").Chunk(3)];
        for (int k = 0; k < frames.Length; k++) Assert.Equal(frames[k][1], windows.FrameTarget(k));
    }

    [Theory]
    [MemberData(nameof(Tags))]
    public void Availability_is_the_recorded_one(string tag)
    {
        WindowProgress windows = Of(tag);
        int[] sizes = Recorded.Ints("sizes");
        long[] available = Recorded.Longs($"{tag}_available");
        long[] frames = Recorded.Longs($"{tag}_total_frames_raw");
        for (int i = 0; i < sizes.Length; i++)
        {
            Assert.Equal(frames[i], windows.CountFramesBefore(sizes[i]));
            for (int read = 0; read < Reads.Length; read++)
            {
                for (int closed = 0; closed < 2; closed++)
                {
                    long actual = windows.CountAvailable(sizes[i], closed == 1, Reads[read]);
                    long expected = available[(read * 2 + closed) * sizes.Length + i];
                    Assert.True(expected == actual, $"{sizes[i]} samples, closed {closed}, read {Reads[read]}: expected {expected}, found {actual}");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Tags))]
    public void Open_emotions_hold_inferences_back_as_recorded(string tag)
    {
        // The recorded gates saw 48000 samples.
        WindowProgress windows = Of(tag);
        long[] gate = Recorded.Longs($"{tag}_gate");
        long[] last = Recorded.Longs("gate_last_ts");
        for (int i = 0; i < gate.Length; i++)
        {
            bool audioClosed = i / last.Length / 2 == 1;
            bool emotionsClosed = i / last.Length % 2 == 1;
            long time = last[i % last.Length];
            EmotionTrack emotions = new(1);
            if (time != -2) emotions.Add(time, [0.5f]);
            if (gate[i] == -1)
            {
                Assert.Throws<A2FException>(emotions.Close);
                continue;
            }
            if (emotionsClosed) emotions.Close();
            long actual = windows.CountAvailable(48000, audioClosed, emotions);
            Assert.True(gate[i] == actual, $"last key {time}, closed {audioClosed} {emotionsClosed}: expected {gate[i]}, found {actual}");
        }
    }

    [Theory]
    [InlineData(60, 1)]
    [InlineData(30000, 1001)]
    [InlineData(25, 2)]
    [InlineData(1, 3)]
    [InlineData(16001, 1)]
    public void Counts_agree_with_counting(int framesNumerator, int framesDenominator)
    {
        WindowProgress windows = WindowProgress.ForRegression(1000, 400, 16000, framesNumerator, framesDenominator);
        foreach (int samples in (int[])[0, 1, 599, 600, 601, 999, 1600, 5000, 16000])
        {
            long open = 0;
            while (windows.WindowEnd(open) <= samples) open++;
            long closed = 0;
            while (windows.WindowTarget(closed) < samples) closed++;
            Assert.Equal(open, windows.CountAvailable(samples, false));
            Assert.Equal(closed, windows.CountAvailable(samples, true));
            Assert.Equal(closed, windows.CountReportedFrames(samples));
        }
    }

    [Fact]
    public void A_month_of_audio_at_odd_rates_neither_overflows_nor_drifts()
    {
        WindowProgress windows = WindowProgress.ForRegression(8320, 4160, 16000, 30000, 1001);
        const long Frames = 30L * 24 * 3600 * 30000 / 1001;
        Assert.Equal((long)((Int128)Frames * 16000 * 1001 / 30000), windows.WindowTarget(Frames));
        Assert.Equal(Frames + 1, windows.CountFramesBefore(windows.FrameTarget(Frames) + 1));
    }

    [Fact]
    public void Skipped_emotion_inferences_keep_the_frame_times()
    {
        WindowProgress every = WindowProgress.ForEmotion(5000, 16000, 30, 1, 0);
        WindowProgress skipping = WindowProgress.ForEmotion(5000, 16000, 30, 1, 2);
        for (int k = 0; k < 100; k++)
        {
            Assert.Equal(every.FrameTarget(k), skipping.FrameTarget(k));
            Assert.Equal(every.WindowStart(3 * k), skipping.WindowStart(k));
        }
    }

    [Fact]
    public void Impossible_windows_are_refused()
    {
        Assert.Throws<A2FException>(() => new WindowProgress(0, 0, 0, 1, 1));
        Assert.Throws<A2FException>(() => WindowProgress.ForRegression(100, 50, 16000, 0, 1));
        Assert.Throws<A2FException>(() => WindowProgress.ForRegression(100, 50, 16000, 60, 0));
        Assert.Throws<A2FException>(() => WindowProgress.ForDiffusion(100, 0, 0, 0, 0));
    }

    [Fact]
    public void An_open_track_refuses_a_window_that_it_has_not_all_of()
    {
        float[] window = new float[4];
        Assert.Throws<A2FException>(() => AudioWindow.Read(new float[10], 0, false, 7, 1f, window));
        AudioWindow.Read([1, 2, 3, 4, 5], 0, true, 3, 1f, window);
        Assert.Equal([4f, 5f, 0f, 0f], window);
        AudioWindow.Read([1, 2, 3, 4, 5], 0, false, -2, 1f, window);
        Assert.Equal([0f, 0f, 1f, 2f], window);
    }

    [Fact]
    public void Dropped_samples_can_not_be_read_but_what_is_left_can()
    {
        float[] window = new float[4];
        AudioWindow.Read([11, 12, 13, 14, 15], 10, false, 11, 1f, window);
        Assert.Equal([12f, 13f, 14f, 15f], window);
        Assert.Throws<A2FException>(() => AudioWindow.Read([11, 12, 13, 14, 15], 10, false, 9, 1f, window));
        AudioWindow.Read([11, 12], 10, true, 20, 1f, window);
        Assert.Equal(new float[4], window);
    }
}
