using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Weights;
using A2F.Engine.Weights;
using A2F.Engine.Weights.Onnx;
using Xunit;

namespace A2F.Engine.Tests.Robustness;

/// <summary>Files that are wrong on purpose: bombs, absurd sizes, endless nesting.</summary>
public sealed class HostileFileTests
{
    [Fact]
    public void An_npz_entry_that_promises_gigabytes_allocates_next_to_nothing()
    {
        using TemporaryFolder folder = new();
        byte[] header = NpyHeader("<f4", "(500000000,)");
        string path = folder.Write("bomb.npz", Zip(("a.npy", header, CompressionLevel.NoCompression)));
        AssertRefused(() => ReadAll(path), 8 << 20);
    }

    [Fact]
    public void A_deflate_bomb_is_measured_before_memory_is_taken_for_it()
    {
        using TemporaryFolder folder = new();
        // 256 MB of zeros in 260 KB, behind a header that asks for 2 GB.
        byte[] bomb = [.. NpyHeader("<f4", "(536870000,)"), .. new byte[256 << 20]];
        string path = folder.Write("bomb.npz", Zip(("a.npy", bomb, CompressionLevel.SmallestSize)));
        bomb = [];
        AssertRefused(() => ReadAll(path), 16 << 20);
    }

    [Theory]
    [InlineData("(9223372036854775807, 9223372036854775807)")]
    [InlineData("(-1,)")]
    [InlineData("(2147483647, 2147483647, 2147483647)")]
    [InlineData("(1,1,1,1,1,1,1,1,1,1,1,1)")]
    [InlineData("(((((((((1")]
    public void An_absurd_npy_shape_is_refused(string shape)
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("a.npz", Zip(("a.npy", [.. NpyHeader("<f4", shape), 0, 0, 0, 0], CompressionLevel.NoCompression)));
        AssertRefused(() => ReadAll(path), 8 << 20);
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(long.MaxValue)]
    [InlineData(1UL << 40)]
    [InlineData(0)]
    public void A_safetensors_header_length_beyond_the_file_is_refused(ulong length)
    {
        using TemporaryFolder folder = new();
        byte[] bytes = new byte[64];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        string path = folder.Write("a.safetensors", bytes);
        AssertRefused(() => SafetensorsFile.Open(path).Dispose(), 8 << 20);
    }

    [Fact]
    public void Deeply_nested_json_is_refused_without_using_up_the_stack()
    {
        using TemporaryFolder folder = new TemporaryFolder().With(TestData.Path("fixtures/reg_tiny"));
        foreach (string file in new[] { "model.json", "network_info.json", "bs_skin_config.json" })
        {
            byte[] original = File.ReadAllBytes(folder.File(file));
            folder.Write(file, Encoding.ASCII.GetBytes(new string('[', 1_000_000) + new string(']', 1_000_000)));
            AssertRefused(() => RegressionModelFolder.Load(folder.Path).Dispose(), 64 << 20);
            folder.Write(file, original);
        }
    }

    [Fact]
    public void Endlessly_nested_protobuf_groups_are_refused_without_using_up_the_stack()
    {
        using TemporaryFolder folder = new();
        // graph (7) -> node (1) -> attribute (5) -> graph (6) -> node ...: each level nests one message in the next.
        byte[] message = [];
        byte[] tags = [(1 << 3) | 2, (5 << 3) | 2, (6 << 3) | 2];
        for (int level = 0; level < 3000; level++)
        {
            List<byte> outer = [tags[(2999 - level) % 3]];
            for (int rest = message.Length; ; rest >>= 7)
            {
                outer.Add((byte)(rest < 128 ? rest : (rest & 127) | 128));
                if (rest < 128) break;
            }
            message = [.. outer, .. message];
        }
        List<byte> model = [(7 << 3) | 2];
        for (int rest = message.Length; ; rest >>= 7)
        {
            model.Add((byte)(rest < 128 ? rest : (rest & 127) | 128));
            if (rest < 128) break;
        }
        string path = folder.Write("network.onnx", [.. model, .. message]);
        AssertRefused(() => RegressionImporter.Import(path), 64 << 20);
    }

    [Fact]
    public void Files_of_another_kind_are_refused_by_name()
    {
        using TemporaryFolder folder = new TemporaryFolder().With(TestData.Path("fixtures/reg_tiny"));
        byte[] png = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, .. new byte[500]];
        foreach (string file in new[] { "network.onnx", "model_data.npz", "bs_skin.npz", "model_config.json", "model.json" })
        {
            byte[] original = File.ReadAllBytes(folder.File(file));
            folder.Write(file, png);
            A2FException e = Assert.Throws<A2FException>(() => RegressionModel.Load(folder.Path).Dispose());
            Assert.Contains(file, e.Message, StringComparison.Ordinal);
            folder.Write(file, original);
        }
    }

    private static void ReadAll(string path)
    {
        using NpzFile npz = NpzFile.Open(path);
        foreach (string name in npz.Names) npz.Read(name);
    }

    private static void AssertRefused(Action load, long bytes)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        A2FException e = Assert.Throws<A2FException>(load);
        Assert.NotEqual(A2FErrorCode.Internal, e.Code);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated < bytes, $"allocated {allocated:N0} bytes, expected less than {bytes:N0}");
    }

    private static byte[] NpyHeader(string type, string shape)
    {
        string text = $"{{'descr': '{type}', 'fortran_order': False, 'shape': {shape}, }}";
        text = text.PadRight(117) + "\n";
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)text.Length, (byte)(text.Length >> 8), .. Encoding.ASCII.GetBytes(text)];
    }

    private static byte[] Zip(params (string Name, byte[] Bytes, CompressionLevel Level)[] entries)
    {
        using MemoryStream stream = new();
        using (ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] bytes, CompressionLevel level) in entries)
            {
                using Stream entry = archive.CreateEntry(name, level).Open();
                entry.Write(bytes);
            }
        }
        return stream.ToArray();
    }
}
