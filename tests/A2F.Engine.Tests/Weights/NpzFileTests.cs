using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Weights;

public sealed class NpzFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_element_type_byte_order_array_order_and_version_of_numpy_is_read()
    {
        using NpzFile npz = NpzFile.Open(_folder.Write("a.npz", Convert.FromBase64String(NumpyMade.AllTypes)));
        Assert.Equal(17, npz.Names.Count);
        Check(npz, "f4_fortran", Enumerable.Range(0, 24).Select(i => (float)i).ToArray(), 2, 3, 4);
        Check(npz, "f8_big", new[] { 1.5, -2.25, 1e300 }, 3);
        Check(npz, "f2_big_v2", new[] { (Half)0.5f, (Half)(-65504f) }, 1, 2);
        Check(npz, "i4_big_fortran", new[] { 1, -2, 3, 4, 5, -6 }, 2, 3);
        Check(npz, "i8", new[] { -(1L << 62) });
        Check(npz, "u1", new byte[] { 0, 255 }, 2);
        Check(npz, "b1", new byte[] { 1, 0 }, 2);
        Check(npz, "i1", new[] { -128, 127 }, 2);
        Check(npz, "i2", new[] { -300 }, 1);
        Check(npz, "u2", new[] { 65535 }, 1);
        Check(npz, "u4", new[] { 4294967295L }, 1);
        Check(npz, "u8", new[] { long.MaxValue }, 1);
        Check(npz, "S", new[] { "neutral", "jaw", "" }, 3);
        Check(npz, "U_v3", new[] { "hé", "😀x", "" }, 3);
        Check(npz, "U_big", new[] { "ab", "c" }, 2);
        Check(npz, "empty", Array.Empty<float>(), 0, 3);
        Check(npz, "scalar", new[] { 2.5f });
    }

    [Fact]
    public void Zip64_fields_are_read()
    {
        using NpzFile npz = NpzFile.Open(_folder.Write("a.npz", Convert.FromBase64String(NumpyMade.Zip64)));
        Check(npz, "x", new[] { 7f, 8f, 9f }, 3);
    }

    [Fact]
    public void Recorded_arrays_are_read_as_numpy_reads_them()
    {
        using NpzFile npz = NpzFile.Open(TestData.Path("golden/skin.npz"));
        Assert.True(npz.Contains("mask_A"));
        Assert.Equal([60, 1800], npz.Read("out_A_dt60").Shape);
        using NpzFile model = NpzFile.Open(TestData.Path("golden/model_regression/implicit_emo_db.npz"));
        Assert.Equal("emo_db", model.Names[^1]);
        Assert.Contains("angry_take2", model.Read("emo_spec_names").Data<string>());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_written_is_read_back_bit_for_bit(bool compress)
    {
        Random random = new(7);
        for (int round = 0; round < 40; round++)
        {
            Dictionary<string, NdArray> arrays = [];
            for (int i = random.Next(6); i >= 0; i--) arrays[$"a{i}/ü"] = RandomArray(random);
            NpzFile.Write(_folder.File("r.npz"), arrays, compress);
            using NpzFile npz = NpzFile.Open(_folder.File("r.npz"));
            Assert.Equal(arrays.Keys, npz.Names);
            foreach ((string name, NdArray expected) in arrays)
            {
                NdArray found = npz.Read(name);
                Assert.Equal(expected.Type, found.Type);
                Assert.Equal(expected.Shape, found.Shape);
                AssertSameElements(expected, found);
            }
        }
    }

    [Fact]
    public void A_failed_write_leaves_the_old_file_and_nothing_else()
    {
        string path = _folder.Write("w.npz", [1, 2, 3]);
        NdArray one = NdArray.Of(new float[1], 1);
        KeyValuePair<string, NdArray>[] twice = [new("x", one), new("x", one)];
        A2FException e = Assert.Throws<A2FException>(() => NpzFile.Write(path, twice));
        Assert.Equal(A2FErrorCode.InvalidArgument, e.Code);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Missing_files_and_arrays_are_named()
    {
        A2FException file = Assert.Throws<A2FException>(() => NpzFile.Open(_folder.File("none.npz")));
        Assert.Equal(A2FErrorCode.FileNotFound, file.Code);
        Assert.Contains("none.npz", file.Message, StringComparison.Ordinal);
        using NpzFile npz = NpzFile.Open(TestData.Path("golden/pca.npz"));
        A2FException array = Assert.Throws<A2FException>(() => npz.Read("absent"));
        Assert.Contains("'absent'", array.Message, StringComparison.Ordinal);
        Assert.Contains("skin_coef", array.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "<c8")]
    [InlineData("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "string expected")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1,2,1,1,1,1,1,1,1), }", "8 dimensions")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "extent")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999,), }", "extent")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2147483647,2147483647), }", "2147483591")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2147483647,2147483647,0), }", "2147483591")]
    [InlineData("{'descr': '|S0', 'fortran_order': False, 'shape': (2147483647,), }", "S0")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "needs 8 bytes")]
    [InlineData("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,), }", "True or False")]
    [InlineData("{'descr': '<f4', 'shape': (1,), }", "lacks")]
    [InlineData("", "'{' expected")]
    [InlineData("{", "string expected")]
    public void A_wrong_header_is_refused_with_the_reason(string header, string reason)
    {
        A2FException e = AssertRefused("h.npz", Zip(Npy(header, new byte[4])));
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
        Assert.Contains("h.npz", e.Message, StringComparison.Ordinal);
        Assert.Contains("'x'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_that_promises_more_than_the_limit_is_refused()
    {
        byte[] npy = [0x93, .. "NUMPY"u8, 2, 0, 0xFF, 0xFF, 0xFF, 0x7F];
        Assert.Contains("65536", AssertRefused("h.npz", Zip(npy)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_flipped_data_bit_is_noticed()
    {
        byte[] zip = Zip(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }", new byte[16]));
        int data = zip.AsSpan().IndexOf("shape"u8) + 20;
        zip[data] ^= 1;
        Assert.Contains("checksum", AssertRefused("f.npz", zip).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_promise_beyond_deflates_ratio_is_refused_and_one_within_it_takes_no_memory_before_it_is_kept()
    {
        byte[] npy = Npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000,), }", new byte[1_000_000]);
        byte[] zip = Zip(npy, CompressionLevel.Optimal);
        int central = zip.AsSpan().LastIndexOf("PK\x01\x02"u8);
        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(central + 24), 1_000_000_074);
        Assert.Contains("cannot hold", AssertRefused("bomb.npz", zip).Message, StringComparison.Ordinal);

        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(central + 24), 1_032_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        AssertRefused("bomb.npz", zip);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 900_000);
    }

    [Fact]
    public void Entries_that_share_their_data_are_refused()
    {
        byte[] zip = Zip(Npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1000,), }", new byte[1000]));
        int central = zip.AsSpan().LastIndexOf("PK\x01\x02"u8), end = zip.AsSpan().LastIndexOf("PK\x05\x06"u8);
        byte[] second = zip[central..end], tail = zip[end..];
        second[46] = (byte)'y';
        tail[8] = tail[10] = 2;
        BinaryPrimitives.WriteInt32LittleEndian(tail.AsSpan(12), 2 * second.Length);
        string path = _folder.Write("overlap.npz", [.. zip[..end], .. second, .. tail]);
        Assert.Contains("overlap", Assert.Throws<A2FException>(() => NpzFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Truncations_and_bit_flips_are_only_ever_refused()
    {
        NpzFile.Write(_folder.File("ok.npz"),
            [new("x", NdArray.Of(new float[100], 10, 10)), new("s", NdArray.Of(new[] { "a", "bc" }, 2))], true);
        byte[] good = File.ReadAllBytes(_folder.File("ok.npz"));
        for (int length = 0; length < good.Length; length++) Assert.NotNull(Record(good[..length]));
        Random random = new(11);
        for (int i = 0; i < 2000; i++)
        {
            byte[] bad = (byte[])good.Clone();
            for (int n = random.Next(1, 4); n > 0; n--) bad[random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
            Record(bad);
        }

        A2FException? Record(byte[] bytes)
        {
            try
            {
                using NpzFile npz = NpzFile.Open(_folder.Write("bad.npz", bytes));
                foreach (string name in npz.Names) npz.Read(name);
                return null;
            }
            catch (A2FException e)
            {
                return e;
            }
        }
    }

    private A2FException AssertRefused(string file, byte[] zip)
    {
        using NpzFile npz = NpzFile.Open(_folder.Write(file, zip));
        A2FException e = Assert.Throws<A2FException>(() => npz.Read("x"));
        Assert.Equal(A2FErrorCode.InvalidFile, e.Code);
        return e;
    }

    private static byte[] Npy(string header, byte[] data) =>
        [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header), .. data];

    private static byte[] Zip(byte[] npy, CompressionLevel level = CompressionLevel.NoCompression)
    {
        using MemoryStream stream = new();
        using (ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            using Stream entry = archive.CreateEntry("x.npy", level).Open();
            entry.Write(npy);
        }
        return stream.ToArray();
    }

    private static void Check<T>(NpzFile npz, string name, T[] expected, params int[] shape)
    {
        NdArray array = npz.Read(name);
        Assert.Equal(shape, array.Shape);
        Assert.Equal(expected, array.Data<T>());
    }

    private static NdArray RandomArray(Random random)
    {
        int[] shape = new int[random.Next(5)];
        int count = 1;
        for (int i = 0; i < shape.Length; i++) count *= shape[i] = random.Next(8) == 0 ? 0 : random.Next(1, 7);
        byte[] bits = new byte[count * 8];
        random.NextBytes(bits);
        Array data = random.Next(7) switch
        {
            0 => Fill(i => BitConverter.ToSingle(bits, i * 4)),
            1 => Fill(i => BitConverter.ToDouble(bits, i * 8)),
            2 => Fill(i => BitConverter.ToHalf(bits, i * 2)),
            3 => Fill(i => BitConverter.ToInt32(bits, i * 4)),
            4 => Fill(i => BitConverter.ToInt64(bits, i * 8)),
            5 => Fill(i => bits[i]),
            _ => Fill(i => (bits[i] % 4) switch { 0 => "", 1 => "plain", 2 => "Grüße", _ => "😀" }),
        };
        return NdArray.Of(data, shape);

        T[] Fill<T>(Func<int, T> at) => Enumerable.Range(0, count).Select(at).ToArray();
    }

    private static void AssertSameElements(NdArray expected, NdArray found)
    {
        switch (expected.Type)
        {
            case ElementType.Float32:
                Assert.Equal(
                    expected.Data<float>().Select(BitConverter.SingleToInt32Bits), found.Data<float>().Select(BitConverter.SingleToInt32Bits));
                break;
            case ElementType.Float64:
                Assert.Equal(
                    expected.Data<double>().Select(BitConverter.DoubleToInt64Bits), found.Data<double>().Select(BitConverter.DoubleToInt64Bits));
                break;
            case ElementType.Float16:
                Assert.Equal(
                    expected.Data<Half>().Select(BitConverter.HalfToInt16Bits), found.Data<Half>().Select(BitConverter.HalfToInt16Bits));
                break;
            case ElementType.Int32: Assert.Equal(expected.Data<int>(), found.Data<int>()); break;
            case ElementType.Int64: Assert.Equal(expected.Data<long>(), found.Data<long>()); break;
            case ElementType.UInt8: Assert.Equal(expected.Data<byte>(), found.Data<byte>()); break;
            default: Assert.Equal(expected.Data<string>(), found.Data<string>()); break;
        }
    }
}
