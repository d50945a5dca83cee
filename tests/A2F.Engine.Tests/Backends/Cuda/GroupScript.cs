using A2F.CudaEmulator.Driver;
using A2F.Engine.Runtime;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>Small models on the emulator, and characters that speak on them.</summary>
internal static class GroupScript
{
    internal const int Samples = 4800;
    internal const string Architecture = "sm_86";

    internal static int Device { get; } = EmulatedDriver.DeviceOf(Architecture);

    internal static ModelOptions Gpu => CudaTarget.Of(Architecture).Options(default) with { MaxBatch = 3 };

    internal static RegressionModel Regression(ModelOptions? options = null) =>
        RegressionModel.Load(TestData.Path("fixtures/reg_tiny"), options ?? Gpu);

    internal static DiffusionModel Diffusion(ModelOptions? options = null) =>
        DiffusionModel.Load(TestData.Path("fixtures/diff_tiny_30"), options ?? Gpu);

    /// <summary>A model of either kind, and what makes groups on it.</summary>
    internal static (IDisposable Model, Func<CharacterGroupOptions, CharacterGroup> Group) Load(bool diffusion, ModelOptions? options = null)
    {
        if (diffusion)
        {
            DiffusionModel model = Diffusion(options);
            return (model, o => CharacterGroup.Create(model, o));
        }
        RegressionModel other = Regression(options);
        return (other, o => CharacterGroup.Create(other, o));
    }

    internal static CharacterGroupOptions Options => new() { Capacity = 5, FrameRoom = 100, FramesNumerator = 30 };

    /// <summary>
    /// Frames of the first of some characters with different audio, pushed in random chunks; the others come, go and change meanwhile.
    /// </summary>
    internal static List<float[]> Speak(
        CharacterGroup group, int count, int seed, Func<CharacterFrame, float[]>? read = null, CharacterOptions? options = null)
    {
        Random random = new(seed);
        Character[] all = [.. Enumerable.Range(0, count).Select(_ => group.Add(options))];
        CharacterFrame frame = group.CreateFrame();
        List<float[]> frames = [];
        float[][] audio = [.. all.Select((_, i) => Audio(i))];
        int[] at = new int[count];
        while (!all[0].IsFinished)
        {
            if (all[0].Error is { } error) throw error;
            for (int i = 0; i < count; i++)
            {
                int chunk = Math.Min(random.Next(900), Samples - at[i]);
                if (at[i] < Samples) all[i].Push(audio[i].AsSpan(at[i], chunk));
                at[i] += chunk;
                if (at[i] == Samples) all[i].EndAudio();
            }
            if (count > 1 && random.Next(3) == 0)
            {
                int other = 1 + random.Next(count - 1);
                if (random.Next(2) == 0)
                {
                    group.Remove(all[other]);
                    all[other] = group.Add(options);
                    all[other].Parameters = all[other].Parameters with { FaceMaskLevel = 0.3f + 0.1f * random.Next(5), SkinStrength = 0.5f };
                }
                else all[other].Reset();
                at[other] = 0;
            }
            group.Tick(1 + random.Next(5));
            if (random.Next(4) == 0) group.Poll();
            while (all[0].TryRead(frame)) frames.Add(read?.Invoke(frame) ?? Values(frame));
        }
        foreach (Character character in all) group.Remove(character);
        return frames;
    }

    internal static float[] Values(CharacterFrame frame) =>
        [frame.Timestamp, .. frame.SkinWeights, .. frame.TongueWeights, .. frame.Jaw, .. frame.Eyes, .. frame.SkinVertices, .. frame.TongueVertices];

    internal static float[] Audio(int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, Samples).Select(i => 0.3f * MathF.Sin((0.03f + 0.01f * seed) * i) * MathF.Sin(0.001f * i) + 0.02f * random.NextSingle())];
    }
}
