using A2F.Engine.Runtime;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>A group whose network and animation stage are on the emulated GPU, with every check on.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class CudaCharacterGroupTests
{
    private const int Samples = 6400;

    [NvrtcTheory]
    [InlineData("fixtures/reg_tiny", "sm_86")]
    [InlineData("fixtures/reg_w2v2", "sm_75")]
    public void Frames_are_those_of_the_cpu_and_do_not_depend_on_the_others(string folder, string device)
    {
        ModelOptions gpu = CudaTarget.Of(device).Options(default) with { MaxBatch = 3 };
        using RegressionModel there = RegressionModel.Load(TestData.Path(folder), gpu);
        using RegressionModel here = RegressionModel.Load(TestData.Path(folder), new ModelOptions { Device = "cpu" });
        CharacterGroupOptions options = new() { Capacity = 4, FrameRoom = 100, FramesNumerator = 30, FaceDevice = gpu.Device, CudaDriver = gpu.CudaDriver };
        List<float[]> alone = Speak(there, options, 1), among = Speak(there, options, 4);
        Assert.Equal(alone, among);
        List<float[]> cpu = Speak(here, options with { FaceDevice = "cpu", CudaDriver = null }, 4);
        Assert.Equal(cpu.Count, alone.Count);
        for (int i = 0; i < cpu.Count; i++)
        {
            for (int k = 0; k < cpu[i].Length; k++) Assert.Equal(cpu[i][k], alone[i][k], 2e-4f); // the networks are 1e-6 apart, and solves magnify it
        }
        Assert.True(cpu.Max(w => w.Max()) > 0.05f);
    }

    // Weights of the first of some characters with different audio; the others come, go and change meanwhile.
    private static List<float[]> Speak(RegressionModel model, CharacterGroupOptions options, int count)
    {
        using CharacterGroup group = CharacterGroup.Create(model, options);
        Character[] all = [.. Enumerable.Range(0, count).Select(_ => group.Add())];
        Random random = new(count);
        CharacterFrame frame = group.CreateFrame();
        List<float[]> weights = [];
        float[][] audio = [.. all.Select((_, i) => Audio(i))];
        int[] at = new int[count];
        while (!all[0].IsFinished)
        {
            for (int i = 0; i < count; i++)
            {
                int chunk = Math.Min(random.Next(900), Samples - at[i]);
                if (at[i] < Samples) all[i].Push(audio[i].AsSpan(at[i], chunk));
                at[i] += chunk;
                if (at[i] == Samples) all[i].EndAudio();
            }
            if (count > 1 && random.Next(4) == 0)
            {
                int other = 1 + random.Next(count - 1);
                group.Remove(all[other]);
                all[other] = group.Add();
                all[other].Parameters = all[other].Parameters with { FaceMaskLevel = 0.3f + 0.1f * random.Next(5), SkinStrength = 0.5f };
                at[other] = 0;
            }
            group.Tick(1 + random.Next(5));
            while (all[0].TryRead(frame)) weights.Add([.. frame.SkinWeights, .. frame.TongueWeights, .. frame.Jaw, .. frame.Eyes]);
        }
        return weights;
    }

    private static float[] Audio(int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, Samples).Select(i => 0.3f * MathF.Sin((0.03f + 0.01f * seed) * i) * MathF.Sin(0.001f * i) + 0.02f * random.NextSingle())];
    }
}
