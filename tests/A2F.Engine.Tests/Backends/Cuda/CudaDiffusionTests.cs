using A2F.Engine.Animation;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Networks;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Networks;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>The diffusion and emotion networks on emulated GPUs, and on the device that A2F_TEST_DEVICE names.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class CudaDiffusionTests
{
    public static TheoryData<string, string, Precision> Recorded(params string[] folders)
    {
        TheoryData<string, string, Precision> rows = [];
        foreach (string folder in folders)
        {
            rows.Add(folder, "sm_75", Precision.Float16);
            rows.Add(folder, "sm_86", Precision.Float32);
            rows.Add(folder, "sm_90", Precision.Float16);
            rows.Add(folder, "sm_90", Precision.Float32);
            foreach (string device in CudaTarget.Asked)
            {
                foreach (Precision precision in Enum.GetValues<Precision>()) rows.Add(folder, device, precision);
            }
        }
        return rows;
    }

    public static TheoryData<string, string, Precision> Diffusion => Recorded(DiffusionFixture.Folders);

    public static TheoryData<string, string, Precision> Emotion => Recorded("emo_base", "emo_large");

    [NvrtcTheory]
    [MemberData(nameof(Diffusion))]
    public void Predictions_agree_with_the_recorded_outputs_whatever_the_batch_and_nothing_is_left_behind(
        string folder, string target, Precision precision)
    {
        CudaTarget gpu = CudaTarget.Of(target);
        DiffusionFixture fixture = DiffusionFixture.Load(folder);
        DiffusionFixture.Batch batch = fixture.Batches().Last();
        PlacedNetwork<DiffusionNetwork> placed = Devices.Place(
            gpu.Options(precision), ops => new DiffusionNetwork(fixture.Config, fixture.Weights, ops, 3, source: NoiseSource.Given));
        using (placed.Operators)
        {
            for (int round = 0; round < 2; round++) // recorded, then replayed
            {
                (float[] prediction, float[] state) = DiffusionFixture.Run(placed.Network, batch);
                fixture.AssertClose(batch, prediction, state, precision == Precision.Float16 ? 1e-2 : 1e-5, $"{target} {precision}");
                for (int i = 0; i < batch.Count; i++)
                {
                    (float[] alone, float[] aloneState) = DiffusionFixture.Run(placed.Network, batch.Item(i));
                    Assert.Equal(DiffusionFixture.Slice(prediction, i, batch.Count), alone);
                    Assert.Equal(DiffusionFixture.Slice(state, i, batch.Count), aloneState);
                }
            }
        }
        Assert.True(gpu.IsClean);
    }

    [NvrtcTheory]
    [InlineData("diff_tiny_60", NoiseSource.Constant, Precision.Float32)]
    [InlineData("diff_tiny_30", NoiseSource.Seeded, Precision.Float32)]
    [InlineData("diff_tiny_3step", NoiseSource.Constant, Precision.Float32)]
    [InlineData("diff_tiny_3step", NoiseSource.Seeded, Precision.Float16)]
    [InlineData("diff_tiny_60", NoiseSource.Constant, Precision.Float16)]
    public void Made_noise_gives_what_it_gives_on_the_cpu(string folder, NoiseSource source, Precision precision)
    {
        DiffusionFixture fixture = DiffusionFixture.Load(folder);
        DiffusionFixture.Batch batch = DiffusionNetworkTests.Random(fixture.Config, 2, source);
        (float[] Prediction, float[] State) RunOn(ModelOptions options)
        {
            PlacedNetwork<DiffusionNetwork> placed = Devices.Place(
                options, ops => new DiffusionNetwork(fixture.Config, fixture.Weights, ops, 2, source: source, seed: 3));
            using (placed.Operators) return DiffusionFixture.Run(placed.Network, batch);
        }
        (float[] expected, float[] expectedState) = RunOn(new ModelOptions { Device = "cpu" });
        (float[] actual, float[] state) = RunOn(CudaTarget.Of("sm_86").Options(precision));
        fixture.AssertClose(
            batch with { Prediction = Array.ConvertAll(expected, v => (double)v), NextState = Array.ConvertAll(expectedState, v => (double)v) },
            actual, state, precision == Precision.Float16 ? 1e-2 : 1e-5, $"{source} {precision}");
    }

    /// <summary>The state of the GRU goes from window to window through the device, and errors do not grow on the way.</summary>
    [NvrtcTheory]
    [InlineData("sm_86", Precision.Float32)]
    [InlineData("sm_90", Precision.Float16)]
    public void Ten_windows_of_a_track_agree_with_double_precision(string target, Precision precision)
    {
        using NpzFile recorded = NpzFile.Open(TestData.Path("fixtures/diff_tiny_60/chain.npz"));
        float[] audio = recorded.Read("audio").ToFloat32(), keys = recorded.Read("emotion_keys").ToFloat32(), noise = recorded.Read("noise").ToFloat32();
        double[] states = recorded.Read("states_f64").Data<double>();
        using DiffusionModel model = DiffusionModel.Load(
            TestData.Path("fixtures/diff_tiny_60"), CudaTarget.Of(target).Options(precision) with { Noise = NoiseSource.Given, MaxBatch = 1 });
        EmotionTrack emotions = new(model.EmotionCount);
        emotions.Add(0, keys.AsSpan(0, model.EmotionCount));
        emotions.Add(audio.Length - 1, keys.AsSpan(model.EmotionCount));
        emotions.Close();
        DiffusionTrack track = new(model, new DiffusionTrackOptions
        {
            Identity = (int)recorded.Read("identity").Data<long>()[0],
            Emotions = emotions,
            Noise = (_, given) => noise.CopyTo(given),
        });
        track.Push(audio);
        track.Close();
        double tolerance = precision == Precision.Float16 ? 1e-2 : 1e-5;
        for (int n = 0; n < 10; n++)
        {
            Assert.True(track.Advance());
            OperatorCase.AssertClose(
                states.AsSpan(n * model.StateLength, model.StateLength), track.GruState, tolerance, $"state after window {n}, {target}, {precision}");
        }
    }

    /// <summary>Every operation of the network as it was trained, on a GPU.</summary>
    [NvrtcTheory]
    [InlineData("diff_tiny_60", Precision.Float32)]
    [InlineData("diff_tiny_3step", Precision.Float32)]
    [InlineData("diff_tiny_30", Precision.Float16)]
    public void Without_shortcuts_predictions_are_the_same(string folder, Precision precision)
    {
        DiffusionFixture fixture = DiffusionFixture.Load(folder);
        DiffusionFixture.Batch batch = fixture.Batches().Last();
        PlacedNetwork<DiffusionNetwork> placed = Devices.Place(
            CudaTarget.Of("sm_86").Options(precision),
            ops => new DiffusionNetwork(fixture.Config, fixture.Weights, ops, 3, DiffusionShortcuts.None, NoiseSource.Given));
        using (placed.Operators)
        {
            (float[] prediction, float[] state) = DiffusionFixture.Run(placed.Network, batch);
            fixture.AssertClose(batch, prediction, state, precision == Precision.Float16 ? 1e-2 : 1e-5, $"no shortcuts, {precision}");
        }
    }

    [NvrtcTheory]
    [MemberData(nameof(Emotion))]
    public void Logits_agree_with_the_recorded_outputs_whatever_the_batch(string folder, string target, Precision precision)
    {
        CudaTarget gpu = CudaTarget.Of(target);
        using NpzFile recorded = NpzFile.Open(TestData.Path($"fixtures/{folder}/io.npz"));
        NdArray input = recorded.Read("b3.input_values");
        double[] expected = recorded.Read("b3.output_f64").Data<double>();
        int window = input.Shape[1], labels = expected.Length / 3;
        float[] windows = input.ToFloat32(), together = new float[expected.Length], alone = new float[expected.Length];
        using (EmotionModel model = EmotionModel.Load(
            TestData.Path($"fixtures/{folder}"), gpu.Options(precision) with { EmotionWindow = window, MaxBatch = 3 }))
        {
            for (int round = 0; round < 2; round++)
            {
                model.Infer(windows, together);
                for (int i = 0; i < 3; i++) model.Infer(windows.AsSpan(i * window, window), alone.AsSpan(i * labels, labels));
                Assert.Equal(together, alone);
            }
        }
        OperatorCase.AssertClose(expected, together, precision == Precision.Float16 ? 1e-2 : 1e-5, $"{folder} on {target}, {precision}");
        Assert.True(gpu.IsClean);
    }
}
