using A2F.Engine.Backends.Cpu;
using A2F.Engine.Networks;
using Xunit;

namespace A2F.Engine.Tests.Networks;

/// <summary>What a diffusion network puts out in place of vertices.</summary>
public sealed class DiffusionFeaturesTests
{
    public static TheoryData<string, string> SwitchCases()
    {
        TheoryData<string, string> cases = [];
        foreach (string folder in DiffusionFixture.Folders)
        {
            cases.Add(folder, "all");
            foreach ((string name, _) in DiffusionNetworkTests.Switches) cases.Add(folder, name);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(SwitchCases))]
    public void The_last_layers_make_the_prediction_of_features_with_any_shortcuts(string folder, string shortcut)
    {
        DiffusionFixture fixture = DiffusionFixture.Load(folder);
        DiffusionShortcuts? shortcuts = DiffusionNetworkTests.Switches.FirstOrDefault(s => s.Name == shortcut).Value;
        using CpuOperators one = new(), two = new();
        DiffusionNetwork both = new(
            fixture.Config, fixture.Weights, one, 3, shortcuts, NoiseSource.Given, outputs: DiffusionOutputs.Both);
        DiffusionNetwork alone = new(
            fixture.Config, fixture.Weights, two, 3, shortcuts, NoiseSource.Given, outputs: DiffusionOutputs.Features);
        foreach (DiffusionFixture.Batch batch in fixture.Batches())
        {
            (float[] prediction, float[] state) = DiffusionFixture.Run(both, batch);
            (float[] features, float[] featureState) = DiffusionFixture.RunFeatures(both, batch);
            double[] made = fixture.PredictionOf(features, batch.Identity, batch.Count);
            fixture.AssertClose(
                batch with { Prediction = made, NextState = Array.ConvertAll(state, v => (double)v) }, prediction, featureState, 5e-6, $"features, {shortcut}");
            fixture.AssertClose(batch, Array.ConvertAll(made, v => (float)v), featureState, 1e-5, $"features from the record, {shortcut}");
            Assert.Equal(state, featureState);
            FaceSizes o = fixture.Config.Outputs;
            int first = o.Skin + o.Tongue, size = o.Jaw + o.Eyes;
            Assert.Equal(fixture.Part(prediction, first, size), Array.ConvertAll(fixture.Part(made, first, size), v => (float)v));

            (float[] aloneFeatures, float[] aloneState) = DiffusionFixture.RunFeatures(alone, batch);
            Assert.Equal(features, aloneFeatures);
            Assert.Equal(state, aloneState);
            Assert.Equal(prediction, DiffusionFixture.Run(both, batch).Prediction); // neither kind of run leaves anything for the other
        }
        one.VerifyGuards();
        two.VerifyGuards();
    }

    [Theory]
    [InlineData("diff_tiny_60")]
    [InlineData("diff_tiny_30")]
    [InlineData("diff_tiny_3step")]
    [InlineData("diff_tiny_const")]
    public void A_batch_of_five_equals_five_batches_of_one_and_threads_change_nothing(string folder)
    {
        DiffusionFixture fixture = DiffusionFixture.Load(folder);
        foreach (NoiseSource source in Enum.GetValues<NoiseSource>())
        {
            const int Count = 5;
            using CpuOperators one = new(1), two = new(2);
            DiffusionNetwork together = new(fixture.Config, fixture.Weights, one, Count, source: source, outputs: DiffusionOutputs.Features);
            DiffusionNetwork threaded = new(fixture.Config, fixture.Weights, two, Count, source: source, threads: 2, outputs: DiffusionOutputs.Both);
            DiffusionFixture.Batch batch = DiffusionNetworkTests.Random(fixture.Config, Count, source);
            (float[] expected, float[] expectedState) = DiffusionFixture.RunFeatures(together, batch);
            (float[] actual, float[] actualState) = DiffusionFixture.RunFeatures(threaded, batch);
            Assert.Equal(expected, actual);
            Assert.Equal(expectedState, actualState);
            (float[] prediction, float[] state) = DiffusionFixture.Run(threaded, batch);
            Assert.Equal(expectedState, state);
            fixture.AssertClose(
                batch with { Prediction = fixture.PredictionOf(actual, batch.Identity, Count), NextState = Array.ConvertAll(state, v => (double)v) },
                prediction, state, 5e-6, $"{source}");
            for (int i = Count - 1; i >= 0; i--)
            {
                (float[] features, float[] itemState) = DiffusionFixture.RunFeatures(together, batch.Item(i));
                Assert.Equal(DiffusionFixture.Slice(expected, i, Count), features);
                Assert.Equal(DiffusionFixture.Slice(expectedState, i, Count), itemState);
            }
        }
    }

    [Fact]
    public void A_warm_network_allocates_nothing()
    {
        foreach (string folder in DiffusionFixture.Folders)
        {
            DiffusionFixture fixture = DiffusionFixture.Load(folder);
            using CpuOperators ops = new(1); // with more, the runtime itself allocates when a thread blocks for the first time
            DiffusionNetwork network = new(fixture.Config, fixture.Weights, ops, 2, outputs: DiffusionOutputs.Both);
            DiffusionFixture.Batch b = DiffusionNetworkTests.Random(fixture.Config, 2, NoiseSource.Constant);
            float[] features = new float[2 * fixture.Config.CentreFrames * fixture.Config.FeatureLength];
            float[] prediction = new float[b.Prediction.Length], state = new float[b.NextState.Length];
            long before = 0;
            for (int run = 0; run < 3; run++)
            {
                network.RunFeatures(b.Window, b.Identity, b.Emotion, b.State, b.Noise, features, state, 2);
                network.Run(b.Window, b.Identity, b.Emotion, b.State, b.Noise, prediction, state, 2);
                if (run == 1) before = GC.GetAllocatedBytesForCurrentThread();
            }
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    [Fact]
    public void A_network_takes_no_memory_for_what_it_can_not_put_out_and_refuses_to_put_it_out()
    {
        DiffusionFixture fixture = DiffusionFixture.Load("diff_tiny_60");
        DiffusionConfig c = fixture.Config;
        using CpuOperators one = new(), two = new(), three = new();
        DiffusionNetwork vertices = new(c, fixture.Weights, one, 1), features = new(c, fixture.Weights, two, 1, outputs: DiffusionOutputs.Features);
        _ = new DiffusionNetwork(c, fixture.Weights, three, 1, outputs: DiffusionOutputs.Both);
        long lastLayers = sizeof(float) * ((long)c.Hidden.Skin * c.Outputs.Skin + (long)c.Hidden.Tongue * c.Outputs.Tongue);
        long prediction = sizeof(float) * (long)c.CentreFrames * c.Outputs.Total;
        Assert.True(three.Bytes - two.Bytes >= lastLayers + prediction, $"{three.Bytes} bytes for both, {two.Bytes} for features");
        Assert.True(one.Bytes < three.Bytes);
        DiffusionFixture.Batch batch = DiffusionNetworkTests.Random(c, 1, NoiseSource.Constant);
        Assert.Contains("built without vertices (ModelOptions.Vertices)",
            Assert.Throws<A2FException>(() => DiffusionFixture.Run(features, batch)).Message, StringComparison.Ordinal);
        Assert.Contains("built without features",
            Assert.Throws<A2FException>(() => DiffusionFixture.RunFeatures(vertices, batch)).Message, StringComparison.Ordinal);
        Assert.Contains("expected 1 to 1, found 2",
            Assert.Throws<A2FException>(() => DiffusionFixture.RunFeatures(features, DiffusionNetworkTests.Random(c, 2, NoiseSource.Constant))).Message,
            StringComparison.Ordinal);
    }
}
