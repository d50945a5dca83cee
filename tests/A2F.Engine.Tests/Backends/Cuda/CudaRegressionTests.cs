using A2F.CudaEmulator;
using A2F.CudaEmulator.Driver;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends.Cuda.Driver;
using A2F.Engine.Networks;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Networks;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>The regression network on emulated GPUs, and on the device that A2F_TEST_DEVICE names.</summary>
[Collection(EmulatedCuda.Collection)]
public sealed class CudaRegressionTests
{
    public static TheoryData<string, string, Precision> Recorded
    {
        get
        {
            TheoryData<string, string, Precision> rows = [];
            foreach (string device in (string[])["sm_75", "sm_86", "sm_90", .. CudaTarget.Asked])
            {
                foreach (string folder in new[] { "reg_tiny", "reg_autocorr", "reg_w2v2" })
                {
                    foreach (Precision precision in Enum.GetValues<Precision>()) rows.Add(folder, device, precision);
                }
            }
            return rows;
        }
    }

    /// <summary>An emulated device and the one that was asked for, in either precision.</summary>
    public static TheoryData<string, Precision> Targets =>
        [.. ((string[])["sm_86", .. CudaTarget.Asked]).SelectMany(
            _ => Enum.GetValues<Precision>(), (target, precision) => new TheoryDataRow<string, Precision>(target, precision))];

    public static TheoryData<string> Float32Targets => ["sm_80", .. CudaTarget.Asked];

    [NvrtcTheory]
    [MemberData(nameof(Recorded))]
    public void Results_agree_with_the_recorded_outputs_whatever_the_batch_and_nothing_is_left_behind(
        string folder, string target, Precision precision)
    {
        CudaTarget gpu = CudaTarget.Of(target);
        using NpzFile recorded = NpzFile.Open(Path.Combine(Fixture(folder), "io.npz"));
        double[] expected = recorded.Read("b3.result_f64").Data<double>();
        float[] input = recorded.Read("b3.input").ToFloat32(), emotion = recorded.Read("b3.emotion").ToFloat32();
        float[] together = new float[expected.Length], alone = new float[expected.Length];
        using (RegressionModel model = Load(folder, gpu.Options(precision)))
        {
            Assert.Contains($"sm_{gpu.Device.Architecture}", model.Device, StringComparison.Ordinal);
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
        Assert.True(error <= (precision == Precision.Float16 ? 5e-3 : 1e-5), $"{folder} on {target}, {precision}: {error:E2}");
        Assert.True(gpu.IsClean);
        if (!gpu.IsAsked) return;
        using RegressionModel emulated = Load(folder, CudaTarget.Of(gpu.Nearest).Options(precision));
        emulated.Infer(input, emotion, alone);
        double apart = RelativeError(Array.ConvertAll(alone, v => (double)v), together);
        Assert.True(
            apart <= CudaTarget.Tolerance(precision), $"{folder} on {target}, {precision}: {apart:E2} from the emulated {gpu.Nearest}");
    }

    [NvrtcTheory]
    [MemberData(nameof(Targets))]
    public void One_arena_and_no_graph_give_the_same_bits_as_separate_buffers_and_graphs(string target, Precision precision)
    {
        CudaTarget gpu = CudaTarget.Of(target);
        using RegressionModelFolder files = RegressionModelFolder.Load(Fixture("reg_tiny"));
        NetworkPlan plan = NetworkPlan.Of(
            gpu.Device.Architecture, gpu.Device.Attribute(CUdeviceAttribute.MultiprocessorCount), precision,
            ops => new RegressionNetwork(files.Network!, files.Weights!, ops, 2));
        float[][] results = new float[2][];
        for (int i = 0; i < 2; i++)
        {
            bool arena = i == 1;
            CudaDeviceWorker worker = gpu.Worker(plan.ArenaBytes, separate: !arena, graphs: !arena);
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
        CudaTarget gpu = CudaTarget.Of("sm_80");
        using NpzFile recorded = NpzFile.Open(Path.Combine(Fixture("reg_w2v2"), "io.npz"));
        double[] expected = recorded.Read("b3.result_f64").Data<double>();
        float[] actual = new float[expected.Length];
        Timeline timeline = new();
        using (RegressionModel model = Load("reg_w2v2", gpu.Options(precision) with { Cublas = use }))
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
        Assert.True(gpu.IsClean);
    }

    [NvrtcTheory]
    [MemberData(nameof(Float32Targets))]
    public void A_folded_decoder_changes_results_by_rounding_only(string target)
    {
        ModelOptions options = CudaTarget.Of(target).Options(Precision.Float32);
        using RegressionModel folded = Load("reg_w2v2", options);
        using RegressionModel plain = Load("reg_w2v2", options with { FoldedDecoder = false });
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

    private static RegressionModel Load(string folder, ModelOptions options) =>
        RegressionModel.Load(Fixture(folder), options with { MaxBatch = 3 });

    private static double RelativeError(double[] expected, float[] actual)
    {
        double squares = expected.Sum(e => e * e), differences = expected.Select((e, i) => (e - actual[i]) * (e - actual[i])).Sum();
        return Math.Sqrt(differences / squares);
    }

    private static string Fixture(string folder) => TestData.Path("fixtures/" + folder);
}
