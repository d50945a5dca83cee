using System.Diagnostics;
using A2F.Engine.Audio;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Weights;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Robustness;

/// <summary>
/// Mutates every kind of file that is read: whatever the bytes, loading (and running what loaded) either works or ends in the library's own
/// exception, in bounded time and memory.
/// </summary>
public sealed class CorruptFileTests
{
    private const int Truncations = 200;
    private const int Flips = 200;
    private const double SecondsPerFile = 20;

    /// <summary>docs/file-formats.md: what loading may allocate, for files as small as these.</summary>
    private const long AllocationBound = 256L << 20;

    public static TheoryData<string, string> DeployFiles() => new()
    {
        { "reg_tiny", "model.json" }, { "reg_tiny", "network_info.json" }, { "reg_tiny", "model_config.json" },
        { "reg_tiny", "bs_skin_config.json" }, { "reg_tiny", "bs_tongue_config.json" }, { "reg_tiny", "network.onnx" },
        { "reg_w2v2", "network.onnx" }, { "reg_autocorr", "model_data.npz" }, { "reg_tiny", "model_data.npz" },
        { "reg_tiny", "implicit_emo_db.npz" }, { "reg_tiny", "bs_skin.npz" }, { "reg_autocorr", "bs_tongue_claire.npz" },
    };

    [Theory]
    [MemberData(nameof(DeployFiles))]
    public void A_mutated_file_of_a_deploy_folder_is_refused_or_works(string fixture, string file)
    {
        using TemporaryFolder folder = new TemporaryFolder().With(TestData.Path("fixtures/" + fixture));
        Mutate(folder.File(file), () => LoadAndRun(folder.Path));
    }

    [Theory]
    [InlineData("diff_tiny_const", "model.json")]
    [InlineData("diff_tiny_const", "network_info.json")]
    [InlineData("diff_tiny_const", "model_data_Claire.npz")]
    [InlineData("diff_tiny_const", "network.onnx")]
    [InlineData("emo_base", "network_info.json")]
    [InlineData("emo_base", "model_config.json")]
    [InlineData("emo_base", "network.onnx")]
    public void A_mutated_file_of_another_kind_is_refused_or_works(string fixture, string file)
    {
        using TemporaryFolder folder = new TemporaryFolder().With(TestData.Path("fixtures/" + fixture));
        Mutate(folder.File(file), () =>
        {
            if (fixture == "emo_base") EmotionModelFolder.Load(folder.Path).Dispose();
            else DiffusionModelFolder.Load(folder.Path).Dispose();
        });
    }

    [Theory]
    [InlineData("manifest.json")]
    [InlineData("model.safetensors")]
    public void A_mutated_file_of_a_packed_model_is_refused_or_works(string file)
    {
        using TemporaryFolder folder = new();
        using (RegressionModelFolder model = RegressionModelFolder.Load(TestData.Path("fixtures/reg_tiny"))) model.WritePacked(folder.File("packed"));
        Mutate(Path.Combine(folder.File("packed"), file), () => LoadAndRun(folder.File("packed")));
    }

    [Theory]
    [InlineData("diff_tiny_const", "manifest.json")]
    [InlineData("diff_tiny_const", "model.safetensors")]
    [InlineData("emo_base", "manifest.json")]
    [InlineData("emo_base", "model.safetensors")]
    public void A_mutated_file_of_a_packed_model_of_another_kind_is_refused_or_works(string fixture, string file)
    {
        using TemporaryFolder folder = new();
        string packed = folder.File("packed"), source = TestData.Path("fixtures/" + fixture);
        if (fixture == "emo_base")
        {
            using (EmotionModelFolder model = EmotionModelFolder.Load(source)) model.WritePacked(packed);
            Mutate(Path.Combine(packed, file), () => LoadAndRunEmotion(packed));
        }
        else
        {
            using (DiffusionModelFolder model = DiffusionModelFolder.Load(source)) model.WritePacked(packed);
            Mutate(Path.Combine(packed, file), () => LoadAndRunDiffusion(packed));
        }
    }

    [Fact]
    public void A_mutated_safetensors_file_is_refused_or_works()
    {
        using TemporaryFolder folder = new();
        using (RegressionModelFolder model = RegressionModelFolder.Load(TestData.Path("fixtures/reg_autocorr"))) model.WritePacked(folder.File("packed"));
        Mutate(Path.Combine(folder.File("packed"), "model.safetensors"), () => SafetensorsFile.Open(Path.Combine(folder.File("packed"), "model.safetensors")).Dispose());
    }

    [Fact]
    public void A_mutated_recording_is_refused_or_works()
    {
        using TemporaryFolder folder = new TemporaryFolder().With(TestData.Path("fixtures/reg_tiny"));
        Mutate(folder.File("io.npz"), () =>
        {
            using NpzFile npz = NpzFile.Open(folder.File("io.npz"));
            foreach (string name in npz.Names) npz.Read(name);
        });
    }

    [Fact]
    public void A_mutated_wav_file_is_refused_or_works()
    {
        using TemporaryFolder folder = new();
        string wav = folder.Write("clip.wav", File.ReadAllBytes(Path.Combine(TestData.Root, "samples", "question.wav"))[..20_000]);
        Mutate(wav, () => AudioFile.Load(wav));
    }

    /// <summary>Truncates at 200 points, then flips one to eight bits 200 times, with half of the flips in the first kilobyte.</summary>
    internal static void Mutate(string path, Action load)
    {
        byte[] original = File.ReadAllBytes(path);
        Random random = new(original.Length);
        int refused = 0;
        for (int i = 0; i < Truncations; i++)
        {
            int length = (int)((long)original.Length * i / Truncations);
            File.WriteAllBytes(path, original[..length]);
            refused += Attempt($"{Path.GetFileName(path)} cut to {length} of {original.Length} bytes", load);
        }
        // JSON that lost only its last line break is still whole, and a clip that lost its end still plays.
        Assert.True(refused > Truncations / 2 || path.EndsWith(".wav", StringComparison.Ordinal), $"only {refused} of {Truncations} truncations were noticed");
        for (int i = 0; i < Flips; i++)
        {
            byte[] bytes = (byte[])original.Clone();
            int flips = 1 + i % 8, range = i % 2 == 0 ? bytes.Length : Math.Min(bytes.Length, 1024);
            int first = random.Next(range);
            for (int f = 0; f < flips; f++) bytes[f == 0 ? first : random.Next(range)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(path, bytes);
            Attempt($"{Path.GetFileName(path)} with {flips} bits flipped, round {i}, first near byte {first}", load);
        }
        File.WriteAllBytes(path, original);
        Assert.Equal(0, Attempt($"{Path.GetFileName(path)} restored", load));
    }

    /// <summary>1 where the file was refused, 0 where it worked; fails the test on anything else.</summary>
    private static int Attempt(string what, Action load)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Stopwatch watch = Stopwatch.StartNew();
        int refused = 0;
        try
        {
            load();
        }
        catch (A2FException e)
        {
            Assert.False(string.IsNullOrWhiteSpace(e.Message), what);
            Assert.NotEqual(A2FErrorCode.Internal, e.Code);
            refused = 1;
        }
        catch (Exception e)
        {
            Assert.Fail($"{what}: {e.GetType().Name}: {e.Message}\n{e.StackTrace}");
        }
        Assert.True(watch.Elapsed.TotalSeconds < SecondsPerFile, $"{what}: took {watch.Elapsed.TotalSeconds:F1} s");
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < AllocationBound, $"{what}: allocated {allocated:N0} bytes");
        return refused;
    }

    /// <summary>Loads a folder and runs a window through it; what comes out is finite, or refused by name.</summary>
    private static void LoadAndRunDiffusion(string path)
    {
        using DiffusionModel model = DiffusionModel.Load(path, new ModelOptions { Device = "cpu", Threads = 1, MaxBatch = 1 });
        if (!model.HasNetwork) return;
        float[] identity = new float[model.IdentityCount], state = new float[model.StateLength];
        identity[0] = 1;
        float[] prediction = new float[model.CentreFrames * model.OutputLength];
        model.Infer(
            new float[model.WindowLength], identity, new float[model.EmotionVectors * model.EmotionCount], state, [], prediction, state);
        Assert.All(prediction, v => Assert.True(float.IsFinite(v), $"prediction {v}"));
    }

    /// <summary>As above.</summary>
    private static void LoadAndRunEmotion(string path)
    {
        using EmotionModel model = EmotionModel.Load(path, new ModelOptions { Device = "cpu", Threads = 1, MaxBatch = 1, EmotionWindow = 4000 });
        float[] logits = new float[model.Labels];
        model.Infer(Array.ConvertAll(new float[model.WindowLength], _ => 0.01f), logits);
        Assert.All(logits, v => Assert.True(float.IsFinite(v), $"logit {v}"));
    }

    /// <summary>Loads a folder, runs a window through it and animates the result: numbers that loaded must not turn into NaN unnoticed.</summary>
    private static void LoadAndRun(string path)
    {
        using RegressionModel model = RegressionModel.Load(path, new ModelOptions { Device = "cpu", Threads = 1, MaxBatch = 1 });
        AudioClip clip = AudioClip.FromSamples(Array.ConvertAll(new float[400], _ => 0.01f), AudioClip.SampleRate);
        if (!model.HasNetwork) return;
        FaceTrack track = SpeechAnimator.Animate(model, clip);
        Assert.All(track.Frames.SkinWeights, w => Assert.True(float.IsFinite(w), $"skin weight {w}"));
        Assert.All(track.Frames.Jaw, w => Assert.True(float.IsFinite(w), $"jaw {w}"));
    }
}
