using A2F.Engine.Animation;
using Xunit;

namespace A2F.Engine.Tests.Animation;

/// <summary>Whole tracks as the reference's executors ran them: windows, emotions, frames, weights.</summary>
public sealed class ExecutorTests
{
    private static readonly Golden Recorded = Golden.File("executors.npz");

    public static WindowProgress Regression60 => WindowProgress.ForRegression(8320, 4160, 16000, 60, 1);

    public static WindowProgress Diffusion => WindowProgress.ForDiffusion(16000, 16000, 15, 30, 15);

    private static WindowProgress Windows(string run) => run == "reg60" ? Regression60 : Diffusion;

    [Theory]
    [InlineData("reg60")]
    [InlineData("dif")]
    public void Inferences_read_the_recorded_windows(string run)
    {
        WindowProgress windows = Windows(run);
        int samples = Recorded.Ints($"{run}_nsamples")[0];
        float[] ramp = [.. Enumerable.Range(0, samples).Select(i => i + 1f)];
        int[] first = Recorded.Ints($"{run}_inf_first_sample");
        int[] last = Recorded.Ints($"{run}_inf_last_sample");
        int[] head = Recorded.Ints($"{run}_inf_zero_head");
        int[] tail = Recorded.Ints($"{run}_inf_zero_tail");
        Assert.Equal(first.Length, windows.CountAvailable(samples, closed: true));
        float[] window = new float[windows.WindowSize];
        for (int i = 0; i < first.Length; i++)
        {
            AudioWindow.Read(ramp, 0, true, windows.WindowStart(i), 2f, window);
            float[] expected = new float[windows.WindowSize];
            for (int s = first[i]; s >= 0 && s <= last[i]; s++) expected[head[i] + s - first[i]] = 2f * (s + 1);
            Assert.Equal(windows.WindowSize - tail[i], head[i] + (first[i] < 0 ? 0 : last[i] - first[i] + 1));
            Golden.AssertClose(expected, window, 0, $"{run} window {i}");
        }
    }

    [Theory]
    [InlineData("reg60")]
    [InlineData("dif")]
    public void Frames_have_the_recorded_times_and_inferences(string run)
    {
        WindowProgress windows = Windows(run);
        long samples = Recorded.Longs($"{run}_nsamples")[0];
        long[] times = Recorded.Longs($"{run}_ts");
        long[] next = Recorded.Longs($"{run}_ts_next");
        long[] inference = Recorded.Longs($"{run}_inference_of_frame");
        Assert.Equal(Recorded.Longs($"{run}_total_frames")[0], windows.CountReportedFrames(samples));
        Assert.Equal(times.Length, windows.CountReportedFrames(samples));
        for (int i = 0; i < times.Length; i++)
        {
            long frame = windows.HiddenFrames + i;
            Assert.Equal(times[i], windows.FrameTarget(frame));
            Assert.Equal(next[i], windows.FrameTarget(frame + 1));
            Assert.Equal(inference[i], frame / windows.FramesPerInference);
        }
        long[] available = Recorded.Longs($"{run}_available_before_each");
        EmotionTrack emotions = Emotions(run);
        for (int done = 0; done < available.Length; done++) Assert.Equal(available[done], windows.CountAvailable(samples, true, emotions, done));
    }

    [Fact]
    public void Regression_gets_the_recorded_implicit_and_explicit_emotions()
    {
        EmotionTrack emotions = Emotions("reg60");
        ReadOnlyMemory<float> row = ImplicitEmotions.Row(Golden.ImplicitEmotions(), "angry_take2", 5);
        float[] input = new float[26];
        row.CopyTo(input);
        for (int i = 0; i < 60; i++)
        {
            emotions.Read(Regression60.WindowTarget(i), input.AsSpan(16));
            Golden.AssertClose(Recorded.Row("reg60_inf_emotion", i), input, 1e-6, $"emotion of inference {i}");
            Golden.AssertClose(Recorded.Row("reg60_emotion", i), input.AsSpan(16), 1e-6, $"emotion of frame {i}");
        }
    }

    [Fact]
    public void Diffusion_gets_the_recorded_emotion_for_every_centre_frame()
    {
        EmotionTrack emotions = Emotions("dif");
        float[] input = new float[300];
        for (int inference = 0; inference < 4; inference++)
        {
            for (int i = 0; i < 30; i++) emotions.Read(Diffusion.FrameTarget(30 * inference + i), input.AsSpan(10 * i, 10));
            Golden.AssertClose(Recorded.Row("dif_inf_emotion", inference), input, 1e-6, $"emotions of inference {inference}");
        }
    }

    [Theory]
    [InlineData("reg60")]
    [InlineData("dif")]
    public void Faces_are_the_recorded_ones(string run)
    {
        FaceFrames frames = Animate(run);
        int every = 0;
        for (int i = 0; i < frames.Count; i++)
        {
            float[] jaw = [.. Enumerable.Range(0, 16).Select(k => frames.Jaw[16 * i + 4 * (k % 4) + k / 4])];
            Golden.AssertClose(Recorded.Row($"{run}_jaw", i), jaw, 1e-4, $"{run} jaw, frame {i}, column-major");
            Golden.AssertClose(Recorded.Row($"{run}_eyes", i), frames.Eyes.AsSpan(6 * i, 6), 1e-5, $"{run} eyes, frame {i}");
            if (i % 6 != 0) continue;
            Golden.AssertClose(Recorded.Row($"{run}_skin_every6", every), frames.SkinVertices.AsSpan(1800 * i, 1800), 2e-5, $"{run} skin, frame {i}");
            Golden.AssertClose(Recorded.Row($"{run}_tongue_every6", every), frames.TongueVertices.AsSpan(360 * i, 360), 2e-5, $"{run} tongue, frame {i}");
            every++;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void End_to_end_weights_are_the_recorded_ones(bool vertices)
    {
        FaceRig rig = new(Golden.RegressionGeometry(), Golden.Blendshapes("skin"), Golden.Blendshapes("tongue"));
        FaceAnimator animator = new(
            rig, 60, 1, Golden.Parameters("model_regression/model_config.json"), Golden.Solver("skin"), Golden.Solver("tongue"),
            new SolveOptions { PairUnmarkedPoses = true }, vertices);
        FaceFrames frames = animator.Animate(Golden.RegressionOutputs());
        for (int i = 0; i < frames.Count; i++)
        {
            float[] expected = Recorded.Row("bs_reg60_weights", i);
            Golden.AssertClose(expected.AsSpan(0, 52), frames.SkinWeights.AsSpan(52 * i, 52), 1e-3, $"skin weights, frame {i}");
            Golden.AssertClose(expected.AsSpan(52), frames.TongueWeights.AsSpan(16 * i, 16), 1e-3, $"tongue weights, frame {i}");
        }
    }

    private static FaceFrames Animate(string run)
    {
        if (run == "reg60")
        {
            return new FaceAnimator(new FaceRig(Golden.RegressionGeometry()), 60, 1, Golden.Parameters("model_regression/model_config.json"))
                .Animate(Golden.RegressionOutputs());
        }
        // Hidden frames are not animated: frame 0 is centre frame 15 of inference 1, network row 45.
        FaceAnimator animator = new(new FaceRig(Golden.DiffusionGeometry()), 60, 1, Golden.Parameters("model_diffusion/model_config_Claire.json"));
        float[][] rows = [.. Golden.DiffusionOutputs().Chunk(1800 + 360 + 15 + 4)];
        return animator.Animate([.. Enumerable.Range(45, 75).SelectMany(frame => rows[frame % 60])]);
    }

    private static EmotionTrack Emotions(string run)
    {
        EmotionTrack track = new(10);
        int[] times = Recorded.Ints($"{run}_key_ts");
        for (int i = 0; i < times.Length; i++) track.Add(times[i], Recorded.Row("emotion_keys", i));
        track.Close();
        return track;
    }
}
