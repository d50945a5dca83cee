using A2F.CudaEmulator;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Networks;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Networks;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>The regression network on the emulated GPU.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class CudaRegressionTests
{
    [NvrtcTheory]
    [InlineData("reg_tiny", "sm_75", Precision.Float16)]
    [InlineData("reg_tiny", "sm_86", Precision.Float32)]
    [InlineData("reg_autocorr", "sm_75", Precision.Float32)]
    [InlineData("reg_autocorr", "sm_90", Precision.Float16)]
    [InlineData("reg_w2v2", "sm_90", Precision.Float32)]
    [InlineData("reg_w2v2", "sm_86", Precision.Float16)]
    public void Results_agree_with_the_recorded_outputs_whatever_the_batch_and_nothing_is_left_behind(
        string folder, string architecture, Precision precision)
    {
        using NpzFile recorded = NpzFile.Open(Path.Combine(Fixture(folder), "io.npz"));
        double[] expected = recorded.Read("b3.result_f64").Data<double>();
        float[] input = recorded.Read("b3.input").ToFloat32(), emotion = recorded.Read("b3.emotion").ToFloat32();
        float[] together = new float[expected.Length], alone = new float[expected.Length];
        using (RegressionModel model = Load(folder, architecture, precision))
        {
            Assert.Contains(architecture, model.Device, StringComparison.Ordinal);
            for (int round = 0; round < 2; round++) // recorded, then replayed
            {
                model.Infer(input, emotion, together);
                for (int i = 0; i < 3; i++)
                {
                    model.Infer(
                        input.AsSpan(i * model.InputLength, model.InputLength), emotion.AsSpan(i * model.EmotionLength, model.EmotionLength),
                        alone.AsSpan(i * model.OutputLength, model.OutputLength));
                }
                Assert.Equal(together, alone);
            }
        }
        double error = RelativeError(expected, together);
        Assert.True(error <= (precision == Precision.Float16 ? 5e-3 : 1e-5), $"{folder} on {architecture}, {precision}: {error:E2}");
        Assert.True(EmulatedDriver.Books(EmulatedDriver.DeviceOf(architecture)).AreZero);
    }

    [NvrtcTheory]
    [InlineData(Precision.Float32)]
    [InlineData(Precision.Float16)]
    public void One_arena_and_no_graph_give_the_same_bits_as_separate_buffers_and_graphs(Precision precision)
    {
        using RegressionModelFolder files = RegressionModelFolder.Load(Fixture("reg_tiny"));
        NetworkPlan plan = NetworkPlan.Of(86, 84, precision, ops => new RegressionNetwork(files.Network!, files.Weights!, ops, 2));
        float[][] results = new float[2][];
        for (int i = 0; i < 2; i++)
        {
            bool arena = i == 1;
            CudaDeviceWorker worker = new(
                EmulatedCuda.Device("sm_86"), spec => EmulatedCuda.Image(spec, "sm_86"), plan.ArenaBytes, separate: !arena, graphs: !arena);
            using CudaOperators ops = new(worker, precision, plan.ScratchBytes);
            worker.Load(plan.Kernels);
            RegressionNetwork network = new(files.Network!, files.Weights!, ops, 2);
            results[i] = new float[2 * network.Config.OutputLength];
            network.Run(
                OperatorCase.Random(2 * network.Config.InputLength, 1),
                OperatorCase.Random(2 * (network.Config.ImplicitLength + network.Config.EmotionCount), 2), results[i], 2);
            if (!arena) continue;
            Assert.Equal(1, worker.Allocations);
            Assert.Equal(plan.ArenaBytes, worker.Bytes);
        }
        Assert.Equal(results[0], results[1]);
    }

    [NvrtcTheory]
    [InlineData(CublasUse.On, Precision.Float32)]
    [InlineData(CublasUse.On, Precision.Float16)]
    [InlineData(CublasUse.Measured, Precision.Float32)]
    public void Large_products_by_cublas_agree_with_the_recorded_outputs(CublasUse use, Precision precision)
    {
        using NpzFile recorded = NpzFile.Open(Path.Combine(Fixture("reg_w2v2"), "io.npz"));
        double[] expected = recorded.Read("b3.result_f64").Data<double>();
        float[] actual = new float[expected.Length];
        Timeline timeline = new();
        using (RegressionModel model = Load("reg_w2v2", "sm_80", precision, cublas: use))
        {
            EmulatedDriver.Trace = timeline;
            try
            {
                model.Infer(recorded.Read("b3.input").ToFloat32(), recorded.Read("b3.emotion").ToFloat32(), actual);
            }
            finally
            {
                EmulatedDriver.Trace = null;
            }
        }
        double error = RelativeError(expected, actual);
        Assert.True(error <= (precision == Precision.Float16 ? 5e-3 : 1e-5), $"{use}, {precision}: {error:E2}");
        // projection, mapping, decoder, and four of each of the two layers; measured, what happens to be faster
        int products = timeline.Entries.Count(entry => entry.Name.Contains("blas", StringComparison.OrdinalIgnoreCase));
        if (use == CublasUse.On) Assert.Equal(11, products);
        Assert.True(EmulatedDriver.Books(EmulatedDriver.DeviceOf("sm_80")).AreZero);
    }

    [NvrtcFact]
    public void A_folded_decoder_changes_results_by_rounding_only()
    {
        using RegressionModel folded = Load("reg_w2v2", "sm_80", Precision.Float32);
        using RegressionModel plain = Load("reg_w2v2", "sm_80", Precision.Float32, foldedDecoder: false);
        float[] windows = OperatorCase.Random(folded.InputLength, 1), emotions = OperatorCase.Random(folded.EmotionLength, 2);
        float[] expected = new float[folded.OutputLength], actual = new float[folded.OutputLength];
        plain.Infer(windows, emotions, expected);
        folded.Infer(windows, emotions, actual);
        OperatorCase.AssertClose(Array.ConvertAll(expected, v => (double)v), actual, 3e-6, "folded decoder");
        Assert.NotEqual(expected, actual); // the switch does switch
    }

    /// <summary>The figures that RegressionNetwork states.</summary>
    [Theory]
    [InlineData(Precision.Float32)]
    [InlineData(Precision.Float16)]
    public void One_window_of_the_full_size_network_takes_33_launches(Precision precision)
    {
        WeightSet weights = FullSizeRegression.Weights();
        NetworkPlan plan = NetworkPlan.Of(86, 84, precision, ops => new RegressionNetwork(FullSizeRegression.Config, weights, ops, 1));
        string[] expected =
        [
            "broadcast_linear", "autocorrelation", .. Enumerable.Repeat("gemm", 5),
            "audio_moments", "conv_norm", .. Enumerable.Repeat("gemm", 6), "layer_norm", "gemm", "gemm", "reduce_norm",
            "gemm", "attention", "gemm", "reduce_norm", "gemm", "gemm", "reduce_norm",
            "gemm", .. Enumerable.Repeat("gemm", 4), "gemm", "gemm",
        ];
        Assert.Equal(33, expected.Length);
        Assert.Equal(expected, plan.Launches.Select(launch => launch.Kernel.Function.Split("_f")[0]));
        double megabytes = plan.Launches.Sum(launch => launch.Bytes) / 1e6, gigaflops = plan.Launches.Sum(launch => launch.Flops) / 1e9;
        Assert.Equal((precision == Precision.Float32 ? 79 : 40, 3.1), (Math.Round(megabytes), Math.Round(gigaflops, 1)));
    }

    private static RegressionModel Load(string folder, string architecture, Precision precision, bool foldedDecoder = true, CublasUse cublas = CublasUse.Off) =>
        RegressionModel.Load(Fixture(folder), new ModelOptions
        {
            Device = $"cuda:{EmulatedDriver.DeviceOf(architecture)}",
            CudaDriver = symbol => EmulatedDriver.Find(symbol) is var found && found != 0 ? found : EmulatedCublas.Find(symbol),
            Cublas = cublas,
            Precision = precision,
            MaxBatch = 3,
            FoldedDecoder = foldedDecoder,
        });

    private static double RelativeError(double[] expected, float[] actual)
    {
        double squares = expected.Sum(e => e * e), differences = expected.Select((e, i) => (e - actual[i]) * (e - actual[i])).Sum();
        return Math.Sqrt(differences / squares);
    }

    private static string Fixture(string folder) => TestData.Path("fixtures/" + folder);
}
