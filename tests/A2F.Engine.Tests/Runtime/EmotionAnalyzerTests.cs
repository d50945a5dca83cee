using A2F.Engine.Animation;
using A2F.Engine.Audio;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Backends;
using Xunit;

namespace A2F.Engine.Tests.Runtime;

public sealed class EmotionAnalyzerTests
{
    private static readonly string[] FaceEmotions =
        ["amazement", "anger", "cheekiness", "disgust", "fear", "grief", "joy", "outofbreath", "pain", "sadness"];

    private static readonly AudioClip Clip = AudioClip.FromSamples(OperatorCase.Random(20_001, 6), 16_000);

    private static EmotionModel Load(string fixture, int window = 10_000, int batch = 3) => EmotionModel.Load(
        TestData.Path($"fixtures/{fixture}"), new ModelOptions { Device = "cpu", Threads = 1, MaxBatch = batch, EmotionWindow = window });

    [Theory]
    [InlineData("emo_base", 0, 30, 1)]
    [InlineData("emo_base", 4, 30, 1)]
    [InlineData("emo_base", 6, 30000, 1001)]
    [InlineData("emo_large", 9, 60, 1)]
    public void Curves_are_windows_scores_and_post_processing_by_hand(string fixture, int skip, int numerator, int denominator)
    {
        using EmotionModel model = Load(fixture);
        EmotionParameters parameters = model.Folder.Parameters with { Contrast = 1.5f, MaxEmotions = 3 };
        EmotionCurves curves = EmotionAnalyzer.Analyze(model, Clip, new EmotionAnalysisOptions
        {
            FramesNumerator = numerator, FramesDenominator = denominator, InferencesToSkip = skip, Parameters = parameters,
        }, cancel: TestContext.Current.CancellationToken);
        int count = (int)((20_001L * numerator + 16_000L * denominator - 1) / (16_000L * denominator));
        Assert.Equal(count, curves.Count);
        Assert.Equal((count + skip) / (skip + 1), curves.Inferences);
        EmotionPostProcessor processor = new(10, (float)denominator / numerator, parameters);
        float[] window = new float[10_000], scores = new float[6], expected = new float[10];
        EmotionTrack track = curves.ToTrack(FaceEmotions);
        float[] read = new float[10];
        for (int k = 0; k < count; k++)
        {
            if (k % (skip + 1) == 0)
            {
                long start = (long)k * 16_000 * denominator / numerator - 5000;
                for (int i = 0; i < window.Length; i++) window[i] = start + i < 0 || start + i >= 20_001 ? 0 : Clip.Samples.Span[(int)(start + i)];
                model.Infer(window, scores);
            }
            processor.Process(scores, expected);
            Assert.Equal(expected, curves.Emotions[(k * 10)..((k + 1) * 10)]);
            Assert.Equal((long)k * 16_000 * denominator / numerator, curves.Timestamps[k]);
            double[] e = Array.ConvertAll(scores, s => Math.Exp(s));
            for (int c = 0; c < 6; c++) Assert.Equal(e[c] / e.Sum(), curves.Probabilities[k * 6 + c], 1e-6);
            track.Read(curves.Timestamps[k], read);
            Assert.Equal(expected, read);
        }
        Assert.True(track.IsClosed);
        Assert.True(curves.Emotions.Max() > 0.01f);
    }

    [Fact]
    public void Inferences_that_leave_audio_out_and_impossible_options_are_refused()
    {
        using EmotionModel model = Load("emo_base");
        EmotionAnalyzer.Analyze(model, Clip, new EmotionAnalysisOptions { FramesNumerator = 16, InferencesToSkip = 9 }, cancel: TestContext.Current.CancellationToken);
        Refused(new EmotionAnalysisOptions { FramesNumerator = 16, InferencesToSkip = 10 }, "10 at 16/1", "windows of 10000 samples");
        Refused(new EmotionAnalysisOptions { InferencesToSkip = -1 }, "found -1");
        Refused(new EmotionAnalysisOptions { FramesNumerator = 0 }, "0/1 frames");
        Refused(new EmotionAnalysisOptions { Parameters = model.Folder.Parameters with { LiveBlend = 2 } }, "live_blend_coef");

        void Refused(EmotionAnalysisOptions options, params string[] texts)
        {
            string message = Assert.Throws<A2FException>(() => EmotionAnalyzer.Analyze(model, Clip, options, cancel: TestContext.Current.CancellationToken)).Message;
            foreach (string text in texts) Assert.Contains(text, message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_face_with_other_emotions_or_another_order_is_refused()
    {
        using EmotionModel model = Load("emo_base");
        EmotionCurves.CheckFace(model.Folder, FaceEmotions);
        Refused(FaceEmotions[..9], "10 face emotions", "has 9", "outofbreath");
        Refused(["anger", "amazement", .. FaceEmotions[2..]], "'angry' drives face emotion 1", "'amazement'", "number 0");
        Refused([.. FaceEmotions.Reverse()], "'angry'", "'pain'"); // 1 is pain then

        void Refused(string[] names, params string[] texts)
        {
            string message = Assert.Throws<A2FException>(() => EmotionCurves.CheckFace(model.Folder, names)).Message;
            foreach (string text in texts) Assert.Contains(text, message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Settings_are_reached_by_the_keys_of_the_file()
    {
        using EmotionModel model = Load("emo_base");
        EmotionSettings settings = new(model.Folder.Parameters, 10);
        EmotionParameters changed = settings.With("emotion_contrast", "2").With("max_emotions", "3").With("live_blend_coef", "0.1")
            .With("enable_preferred_emotion", "1").With("preferred_emotion_strength", "0.2").With("transition_smoothing", "0.3")
            .With("emotion_strength", "0.9").With("preferred_emotion", "[0,0,0,0,0,0,1,0,0,0]").Parameters;
        Assert.Equal((2f, 3, 0.1f, true, 0.2f, 0.3f, 0.9f, 1f), (changed.Contrast, changed.MaxEmotions, changed.LiveBlend, changed.EnablePreferred,
            changed.PreferredStrength, changed.TransitionSeconds, changed.Strength, changed.Preferred![6]));
        Assert.Equal(model.Folder.Parameters.Correspondence, changed.Correspondence);
        Assert.All(settings.With("preferred_emotion", "0.5").Parameters.Preferred!, v => Assert.Equal(0.5f, v));
        foreach ((string key, string value, string text) in new[]
        {
            ("emotion_kontrast", "1", "there are emotion_contrast, max_emotions"), ("max_emotions", "1.5", "whole number"),
            ("live_blend_coef", "1.1", "0 to 1"), ("preferred_emotion", "[1,2]", "10 values"), ("emotion_strength", "much", "'much'"),
        })
        {
            Assert.Contains(text, Assert.Throws<A2FException>(() => settings.With(key, value)).Message, StringComparison.Ordinal);
        }
    }
}
