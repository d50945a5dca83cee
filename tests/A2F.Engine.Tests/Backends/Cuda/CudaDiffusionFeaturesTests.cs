using A2F.Engine.Backends.Cuda;
using A2F.Engine.Networks;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Networks;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>Features of diffusion networks on emulated GPUs, and on the device that A2F_TEST_DEVICE names.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class CudaDiffusionFeaturesTests
{
    public static TheoryData<string, string, Precision> Recorded => CudaDiffusionTests.Recorded(DiffusionFixture.Folders);

    [NvrtcTheory]
    [MemberData(nameof(Recorded))]
    public void The_last_layers_make_the_recorded_prediction_of_features_whatever_the_batch(string folder, string target, Precision precision)
    {
        CudaTarget gpu = CudaTarget.Of(target);
        DiffusionFixture fixture = DiffusionFixture.Load(folder);
        DiffusionFixture.Batch batch = fixture.Batches().Last();
        PlacedNetwork<DiffusionNetwork> placed = Devices.Place(
            gpu.Options(precision),
            ops => new DiffusionNetwork(fixture.Config, fixture.Weights, ops, 3, source: NoiseSource.Given, outputs: DiffusionOutputs.Both));
        using (placed.Operators)
        {
            for (int round = 0; round < 2; round++) // recorded, then replayed, each kind of run beside the other
            {
                (float[] prediction, float[] state) = DiffusionFixture.Run(placed.Network, batch);
                (float[] features, float[] featureState) = DiffusionFixture.RunFeatures(placed.Network, batch);
                Assert.Equal(state, featureState);
                double[] made = fixture.PredictionOf(features, batch.Identity, batch.Count);
                double tolerance = precision == Precision.Float16 ? 1e-2 : 1e-5;
                fixture.AssertClose(batch, Array.ConvertAll(made, v => (float)v), featureState, tolerance, $"{target} {precision}");
                fixture.AssertClose(batch with { Prediction = made }, prediction, state, tolerance, $"{target} {precision}, prediction");
                for (int i = 0; i < batch.Count; i++)
                {
                    (float[] alone, float[] aloneState) = DiffusionFixture.RunFeatures(placed.Network, batch.Item(i));
                    Assert.Equal(DiffusionFixture.Slice(features, i, batch.Count), alone);
                    Assert.Equal(DiffusionFixture.Slice(state, i, batch.Count), aloneState);
                }
            }
        }
        Assert.True(gpu.IsClean);
    }

    [NvrtcTheory]
    [InlineData("diff_tiny_60", NoiseSource.Given, false, Precision.Float32)]
    [InlineData("diff_tiny_3step", NoiseSource.Given, false, Precision.Float16)]
    [InlineData("diff_tiny_30", NoiseSource.Seeded, true, Precision.Float32)]
    [InlineData("diff_tiny_3step", NoiseSource.Constant, true, Precision.Float16)]
    public void Built_for_features_alone_they_are_those_of_the_cpu(string folder, NoiseSource source, bool shortcuts, Precision precision)
    {
        DiffusionFixture fixture = DiffusionFixture.Load(folder);
        DiffusionFixture.Batch batch = DiffusionNetworkTests.Random(fixture.Config, 2, source);
        (float[] Features, float[] State) RunOn(ModelOptions options)
        {
            PlacedNetwork<DiffusionNetwork> placed = Devices.Place(options, ops => new DiffusionNetwork(
                fixture.Config, fixture.Weights, ops, 2, shortcuts ? null : DiffusionShortcuts.None, source, 3, outputs: DiffusionOutputs.Features));
            using (placed.Operators) return DiffusionFixture.RunFeatures(placed.Network, batch);
        }
        (float[] expected, float[] expectedState) = RunOn(new ModelOptions { Device = "cpu" });
        (float[] actual, float[] state) = RunOn(CudaTarget.Of("sm_86").Options(precision));
        double tolerance = precision == Precision.Float16 ? 1e-2 : 1e-5;
        fixture.AssertClose(
            batch with
            {
                Prediction = fixture.PredictionOf(expected, batch.Identity, batch.Count),
                NextState = Array.ConvertAll(expectedState, v => (double)v),
            },
            Array.ConvertAll(fixture.PredictionOf(actual, batch.Identity, batch.Count), v => (float)v), state, tolerance, $"{source} {precision}");
    }

    /// <summary>The figures that docs/diffusion.md states; the skin here has a tenth of its vertices, so the rest is reckoned.</summary>
    [Theory]
    [InlineData(Precision.Float32)]
    [InlineData(Precision.Float16)]
    public void A_run_to_features_of_the_full_size_network_takes_as_many_launches_and_none_over_vertices(Precision precision)
    {
        WeightSet weights = FullSizeNetworks.DiffusionWeights();
        NetworkPlan Plan(DiffusionOutputs outputs) => NetworkPlan.Of(
            86, 84, precision, ops => new DiffusionNetwork(FullSizeNetworks.Diffusion, weights, ops, 1, outputs: outputs));
        NetworkPlan vertices = Plan(DiffusionOutputs.Vertices), features = Plan(DiffusionOutputs.Features), both = Plan(DiffusionOutputs.Both);
        Assert.Equal((126, 126), (vertices.Launches.Count, features.Launches.Count));
        Assert.Equal(vertices.Launches, both.Launches); // of a run of the first kind
        Assert.Equal(vertices.Launches.SkipLast(5), features.Launches.SkipLast(5));
        Assert.All(features.Launches.TakeLast(5), launch => Assert.StartsWith("gemm_", launch.Kernel.Function, StringComparison.Ordinal));

        // First layers are the same products; what goes is h w2 of skin and tongue.
        FaceSizes o = FullSizeNetworks.Diffusion.Outputs, h = FullSizeNetworks.Diffusion.Hidden;
        long last = 2L * FullSizeNetworks.Diffusion.CentreFrames * (h.Skin * o.Skin + h.Tongue * o.Tongue);
        Assert.Equal(last, vertices.Launches.Sum(l => l.Flops) - features.Launches.Sum(l => l.Flops));
        long layers = (precision == Precision.Float16 ? 2L : 4L) * (h.Skin * o.Skin + h.Tongue * o.Tongue);
        Assert.True(vertices.Launches.Sum(l => l.Bytes) - features.Launches.Sum(l => l.Bytes) > layers);
        Assert.True(vertices.ArenaBytes - features.ArenaBytes > layers - 3_000_000, $"{vertices.ArenaBytes} bytes, {features.ArenaBytes} without vertices");
        Assert.True(both.Kernels.ToHashSet().IsSupersetOf(features.Kernels));
        Assert.True(both.Kernels.ToHashSet().IsSupersetOf(vertices.Kernels));
    }

    /// <summary>Whatever a model is loaded for, what `a2f kernels bake` bakes is enough.</summary>
    [Theory]
    [InlineData("diff_tiny_60", Precision.Float32)]
    [InlineData("diff_tiny_30", Precision.Float16)]
    [InlineData("diff_tiny_3step", Precision.Float16)]
    public void The_kernels_of_a_model_are_those_of_either_kind_of_run(string folder, Precision precision)
    {
        DiffusionFixture fixture = DiffusionFixture.Load(folder);
        HashSet<KernelSpec> baked = [.. ModelKernels.Of(TestData.Path($"fixtures/{folder}"), 86, precision, 2).Select(use => use.Kernel)];
        foreach (DiffusionOutputs outputs in (DiffusionOutputs[])[DiffusionOutputs.Vertices, DiffusionOutputs.Features, DiffusionOutputs.Both])
        {
            foreach (NoiseSource source in Enum.GetValues<NoiseSource>())
            {
                foreach (int multiprocessors in (int[])[1, 20, 84, 132])
                {
                    NetworkPlan plan = NetworkPlan.Of(86, multiprocessors, precision, ops => new DiffusionNetwork(
                        fixture.Config, fixture.Weights, ops, 2, source: source, outputs: outputs));
                    Assert.True(baked.IsSupersetOf(plan.Kernels), $"{outputs} on {multiprocessors} multiprocessors");
                }
            }
        }
    }
}
