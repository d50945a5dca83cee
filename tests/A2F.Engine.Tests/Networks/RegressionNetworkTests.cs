using A2F.Engine.Backends;
using A2F.Engine.Backends.Cpu;
using A2F.Engine.Networks;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Backends;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Networks;

public sealed class RegressionNetworkTests
{
    private static readonly ModelOptions Cpu = new() { Device = "cpu" };
    private static readonly string[] Folders = ["reg_tiny", "reg_autocorr", "reg_w2v2"];

    public static TheoryData<string, CpuInstructionSet> Cases()
    {
        TheoryData<string, CpuInstructionSet> cases = [];
        foreach (string folder in Folders)
        {
            foreach (CpuInstructionSet set in Enum.GetValues<CpuInstructionSet>().Where(s => s <= GemmKernels.Best)) cases.Add(folder, set);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Results_agree_with_the_recorded_double_precision_outputs(string folder, CpuInstructionSet set)
    {
        using RegressionModel model = RegressionModel.Load(Fixture(folder), Cpu with { Threads = 1, InstructionSet = set });
        using NpzFile recorded = NpzFile.Open(Path.Combine(Fixture(folder), "io.npz"));
        foreach (string batch in new[] { "b1.", "b3." })
        {
            double[] expected = recorded.Read(batch + "result_f64").Data<double>();
            float[] actual = new float[expected.Length];
            model.Infer(recorded.Read(batch + "input").ToFloat32(), recorded.Read(batch + "emotion").ToFloat32(), actual);
            double squares = 0, differences = 0;
            for (int i = 0; i < expected.Length; i++)
            {
                squares += expected[i] * expected[i];
                differences += (expected[i] - actual[i]) * (expected[i] - actual[i]);
            }
            Assert.True(Math.Sqrt(differences / squares) <= 1e-5, $"{folder} {batch}: relative error {Math.Sqrt(differences / squares):E2}");
            RegressionConfig config = model.Folder.Network!;
            int row = config.OutputLength;
            (string Name, int First, int Size)[] parts =
            [
                ("skin", 0, config.SkinSize), ("tongue", config.SkinSize, config.TongueSize),
                ("jaw", config.SkinSize + config.TongueSize, config.JawSize), ("eyes", row - config.EyesSize, config.EyesSize),
            ];
            foreach ((string name, int first, int size) in parts)
                OperatorCase.AssertClose(Part(expected, row, first, size), Part(actual, row, first, size), 1e-5, $"{folder} {batch} {name}");
        }
    }

    [Fact]
    public void A_batch_of_seven_equals_seven_batches_of_one_and_threads_change_nothing()
    {
        foreach (string folder in Folders)
        {
            using RegressionModel together = RegressionModel.Load(Fixture(folder), Cpu with { Threads = 1, MaxBatch = 7 });
            using RegressionModel threaded = RegressionModel.Load(Fixture(folder), Cpu with { Threads = 2, MaxBatch = 7 });
            using RegressionModel split = RegressionModel.Load(Fixture(folder), Cpu with { Threads = 2, MaxBatch = 3 });
            (int input, int emotion, int output) = (together.InputLength, together.EmotionLength, together.OutputLength);
            float[] windows = OperatorCase.Random(7 * input, 1), emotions = OperatorCase.Random(7 * emotion, 2);
            float[] expected = new float[7 * output], actual = new float[7 * output];
            together.Infer(windows, emotions, expected);
            threaded.Infer(windows, emotions, actual);
            Assert.Equal(expected, actual);
            split.Infer(windows, emotions, actual);
            Assert.Equal(expected, actual);
            for (int i = 6; i >= 0; i--)
                together.Infer(windows.AsSpan(i * input, input), emotions.AsSpan(i * emotion, emotion), actual.AsSpan(i * output, output));
            Assert.Equal(expected, actual);
        }
    }

    [Fact]
    public void Fast_convolutions_change_results_by_rounding_only()
    {
        foreach (string folder in Folders)
        {
            using RegressionModel fast = RegressionModel.Load(Fixture(folder), Cpu);
            using RegressionModel plain = RegressionModel.Load(Fixture(folder), Cpu with { FastConvolutions = false });
            float[] windows = OperatorCase.Random(2 * fast.InputLength, 1), emotions = OperatorCase.Random(2 * fast.EmotionLength, 2);
            float[] expected = new float[2 * fast.OutputLength], actual = new float[expected.Length];
            plain.Infer(windows, emotions, expected);
            fast.Infer(windows, emotions, actual);
            OperatorCase.AssertClose(Array.ConvertAll(expected, x => (double)x), actual, 3e-6, folder);
            Assert.Equal(folder != "reg_autocorr", !expected.AsSpan().SequenceEqual(actual)); // the switch does switch
        }
    }

    [Fact]
    public void A_folded_decoder_changes_results_by_rounding_only()
    {
        foreach (string folder in Folders)
        {
            using RegressionModel folded = RegressionModel.Load(Fixture(folder), Cpu);
            using RegressionModel plain = RegressionModel.Load(Fixture(folder), Cpu with { FoldedDecoder = false });
            float[] windows = OperatorCase.Random(2 * folded.InputLength, 1), emotions = OperatorCase.Random(2 * folded.EmotionLength, 2);
            float[] expected = new float[2 * folded.OutputLength], actual = new float[expected.Length];
            plain.Infer(windows, emotions, expected);
            folded.Infer(windows, emotions, actual);
            OperatorCase.AssertClose(Array.ConvertAll(expected, x => (double)x), actual, 3e-6, folder);
            Assert.NotEqual(expected, actual); // the switch does switch
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(40)]
    public void A_halving_convolution_equals_the_plain_one_for_any_number_of_rows(int rows)
    {
        const int Items = 3, Inputs = 37, Outputs = 21;
        using CpuOperators ops = new(threads: 2);
        float[] x = OperatorCase.Random(Items * (2 * rows + 1) * Inputs, 1), w = OperatorCase.Random(3 * Inputs * Outputs, 2);
        Tensor input = OperatorCase.Upload(ops, x, Items, 2 * rows + 1, Inputs);
        Tensor plain = ops.Allocate(Items, rows, Outputs), fast = ops.Allocate(Items, rows, Outputs);
        ops.Gemm(input, 2, ops.Pack(w, [], 3, Inputs, Outputs), plain, new Epilogue(Activation.Gelu));
        new HalvingConv(ops, w, Inputs, Outputs, Items, rows).Run(input, fast, Activation.Gelu);
        OperatorCase.AssertClose(Array.ConvertAll(OperatorCase.Download(ops, plain), v => (double)v), OperatorCase.Download(ops, fast), 3e-6, $"{rows} rows");
        ops.VerifyGuards();
    }

    [Fact]
    public void No_operator_of_the_network_writes_outside_its_buffers()
    {
        foreach (string folder in Folders)
        {
            using RegressionModelFolder files = RegressionModelFolder.Load(Fixture(folder));
            using CpuOperators ops = new(threads: 2);
            RegressionNetwork network = new(files.Network!, files.Weights!, ops, maxBatch: 3);
            RegressionConfig config = files.Network!;
            float[] result = new float[3 * config.OutputLength];
            for (int batch = 3; batch >= 1; batch--)
            {
                network.Run(
                    OperatorCase.Random(batch * config.InputLength, 1), OperatorCase.Random(batch * (config.ImplicitLength + config.EmotionCount), 2),
                    result.AsSpan(0, batch * config.OutputLength), batch);
                ops.VerifyGuards();
            }
        }
    }

    [Fact]
    public void Bad_windows_are_refused_by_name_and_place()
    {
        using RegressionModel model = RegressionModel.Load(Fixture("reg_autocorr"), Cpu);
        float[] windows = new float[2 * model.InputLength], emotions = new float[2 * model.EmotionLength], results = new float[2 * model.OutputLength];
        windows[model.InputLength + 5] = float.NaN;
        A2FException e = Assert.Throws<A2FException>(() => model.Infer(windows, emotions, results));
        Assert.Equal(A2FErrorCode.NotFinite, e.Code);
        Assert.Contains("audio window 1: element 5", e.Message, StringComparison.Ordinal);
        windows[model.InputLength + 5] = 0;
        e = Assert.Throws<A2FException>(() => model.Infer(windows, emotions.AsSpan(1), results));
        Assert.Equal(A2FErrorCode.InvalidArgument, e.Code);
        Assert.Contains("emotions", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_disposed_model_says_so_and_may_be_disposed_again()
    {
        foreach (string path in new[] { Fixture("reg_autocorr"), TestData.Path("golden/model_regression") })
        {
            RegressionModel model = RegressionModel.Load(path, Cpu);
            float[] windows = new float[model.HasNetwork ? model.InputLength : 0];
            model.Dispose();
            model.Dispose();
            Assert.Contains("disposed", Assert.Throws<A2FException>(() => model.Infer(windows, [], [])).Message, StringComparison.Ordinal);
            Assert.Contains("disposed", Assert.Throws<A2FException>(() => model.Rig).Message, StringComparison.Ordinal);
        }
    }

    private static string Fixture(string folder) => TestData.Path("fixtures/" + folder);

    private static T[] Part<T>(T[] rows, int length, int first, int size) =>
        [.. Enumerable.Range(0, rows.Length / length).SelectMany(r => rows[(r * length + first)..(r * length + first + size)])];
}
