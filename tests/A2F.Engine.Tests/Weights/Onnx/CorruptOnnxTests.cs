using System.Diagnostics;
using A2F.Engine.Weights.Onnx;
using A2F.Engine.Weights.Onnx.Proto;
using Google.Protobuf;
using Xunit;

namespace A2F.Engine.Tests.Weights.Onnx;

/// <summary>Whatever a file holds, the importer answers with the library's own exception, in bounded time and memory.</summary>
public sealed class CorruptOnnxTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"a2f-{Guid.NewGuid():N}.onnx");

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void A_truncated_file_is_refused()
    {
        byte[] good = File.ReadAllBytes(Fixture.Network("reg_w2v2"));
        for (int i = 0; i < 200; i++) Assert.Throws<A2FException>(() => Import(good.AsSpan(0, (int)((long)good.Length * i / 200))));
    }

    [Fact]
    public void Flipped_bits_give_a_network_or_an_error_of_ours()
    {
        byte[] good = File.ReadAllBytes(Fixture.Network("reg_autocorr"));
        var random = new Random(20);
        int refused = 0;
        for (int i = 0; i < 100; i++)
        {
            byte[] bad = (byte[])good.Clone();
            // The first half of the file is the graph, the second weights.
            bad[random.Next(i % 4 == 0 ? good.Length : good.Length / 2)] ^= (byte)(1 << random.Next(8));
            try
            {
                Import(bad);
            }
            catch (A2FException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 10, 100);
    }

    [Fact]
    public void A_missing_or_empty_file_is_refused()
    {
        Assert.Equal(A2FErrorCode.FileNotFound, Assert.Throws<A2FException>(() => RegressionImporter.Import(_path)).Code);
        Assert.Equal(A2FErrorCode.InvalidFile, Assert.Throws<A2FException>(() => Import([])).Code);
    }

    [Fact]
    public void A_cycle_is_refused() => Refused(A2FErrorCode.InvalidFile, "cycle", e =>
    {
        NodeProto gemm = e.Graph.Node.Single(n => n.Name == "/time5/Gemm");
        gemm.Input[0] = e.Add("Identity", [gemm.Output[0]]);
    });

    [Fact]
    public void A_tensor_that_nothing_produces_is_named() => Refused(A2FErrorCode.InvalidFile, "'nowhere'",
        e => e.Graph.Node[^1].Input[0] = "nowhere");

    [Fact]
    public void A_tensor_that_is_produced_twice_is_refused() =>
        Refused(A2FErrorCode.InvalidFile, "twice", e => e.Add("Identity", ["input"], e.Graph.Node[^1].Input[0]));

    [Theory]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    [InlineData(1L << 40)]
    public void Absurd_dimensions_are_refused(long extent) =>
        Refused(A2FErrorCode.InvalidFile, "dimension", e => e.Initializer("time1.weight")!.Dims[0] = extent);

    [Fact]
    public void Dimensions_that_ask_for_more_numbers_than_there_are_are_refused() =>
        Refused(null, "time1", e => e.Initializer("time1.weight")!.Dims[1] = 1 << 25);

    [Theory]
    [InlineData("ConstantOfShape")]
    [InlineData("Expand")]
    [InlineData("Range")]
    [InlineData("Tile")]
    public void Constants_that_blow_up_are_refused_without_being_made(string op)
    {
        A2FException error = Within(64, () => Refused(null, "", e =>
        {
            string one = e.Constant([1L], 1);
            string big = e.Constant([1L << 28], 1);
            string blown = op switch
            {
                "ConstantOfShape" => e.Add(op, [big]),
                "Range" => e.Add(op, [e.Constant([0L]), e.Constant([1L << 28]), e.Constant([1L])]),
                _ => e.Add(op, [one, big]),
            };
            NodeProto reshape = e.Nodes("Reshape").Last();
            reshape.Input[1] = blown;
        }));
        Assert.True(error.Code is A2FErrorCode.OutOfMemory or A2FErrorCode.InvalidModel, error.ToString());
    }

    [Theory]
    [InlineData(long.MinValue, long.MaxValue, 1)]
    [InlineData(0, long.MaxValue, long.MaxValue)]
    [InlineData(long.MaxValue, long.MinValue, -1)]
    [InlineData(5, 2, 1)]
    [InlineData(0, 100, 0)]
    [InlineData(0, 100, long.MinValue)]
    public void Huge_integers_in_a_slice_are_refused_or_clamped(long start, long end, long step) => Refused(null, "", e =>
    {
        NodeProto slice = e.Graph.Node.Single(n => n.Name == "/Slice");
        slice.Input[1] = e.Constant([start], 1);
        slice.Input[2] = e.Constant([end], 1);
        slice.Input[4] = e.Constant([step], 1);
    });

    [Fact]
    public void A_chain_of_many_nodes_needs_no_stack() => Refused(null, "", e =>
    {
        // Not a refusal because of its length: the network behind the chain is broken.
        string tensor = "input";
        string constant = e.Constant([1L], 1);
        for (int i = 0; i < 20_000; i++)
        {
            tensor = e.Add("Identity", [tensor]);
            constant = e.Add("Neg", [constant]);
        }
        e.Nodes("Mul").First(n => n.Input[0] == "input").Input[0] = tensor;
        e.Nodes("Reshape").Last().Input[1] = constant;
    });

    [Fact]
    public void Tensors_that_double_forty_times_are_refused() => Within(64, () => Refused(null, "", e =>
    {
        string tensor = "emotion";
        for (int i = 0; i < 40; i++) tensor = e.Add("Concat", [tensor, tensor], null, GraphEdit.Int("axis", 2));
    }));

    [Fact]
    public void Sums_that_double_forty_times_cost_little() => Within(64, () => Refused(null, "", e =>
    {
        string tensor = e.Constant([1L], 1);
        for (int i = 0; i < 40; i++) tensor = e.Add("Add", [tensor, tensor]);
        e.Nodes("Reshape").Last().Input[1] = tensor;
    }));

    [Fact]
    public void Millions_of_empty_messages_are_refused_before_they_are_made()
    {
        var bytes = new byte[8 << 20];
        // Field 7 (graph) of 8 MB less its tag, filled with empty nodes.
        byte[] tag = [0x3A, 0xFA, 0xFF, 0xFF, 0x03, 0];
        tag.CopyTo(bytes, 0);
        for (int i = 5; i < bytes.Length - 1; i += 2) bytes[i] = 0x0A;
        A2FException error = Within(64, () => Assert.Throws<A2FException>(() => Import(bytes)));
        Assert.True(error.Code is A2FErrorCode.OutOfMemory or A2FErrorCode.InvalidFile, error.ToString());
    }

    [Fact]
    public void Nested_groups_are_refused()
    {
        var bytes = new byte[1 << 20];
        Array.Fill(bytes, (byte)0x0B);
        Assert.Equal(A2FErrorCode.InvalidFile, Assert.Throws<A2FException>(() => Import(bytes)).Code);
    }

    private void Import(ReadOnlySpan<byte> bytes)
    {
        File.WriteAllBytes(_path, bytes);
        RegressionImporter.Import(_path);
    }

    private A2FException Refused(A2FErrorCode? code, string message, Action<GraphEdit> edit)
    {
        var changed = new GraphEdit(Fixture.Model("reg_tiny"));
        edit(changed);
        A2FException error = Assert.Throws<A2FException>(() => Import(changed.Model.ToByteArray()));
        if (code is not null) Assert.Equal(code, error.Code);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        return error;
    }

    /// <summary>Runs with a limit on what this thread allocates, in MB beyond three times the largest file here, and on time.</summary>
    private static A2FException Within(int megabytes, Func<A2FException> action)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var clock = Stopwatch.StartNew();
        A2FException error = action();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, (megabytes + 3L * 8) << 20);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 20);
        return error;
    }
}
