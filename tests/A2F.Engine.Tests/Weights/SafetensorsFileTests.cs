using System.Buffers.Binary;
using System.Text;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Weights;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_type_is_read_back_with_shape_order_and_metadata()
    {
        KeyValuePair<string, NdArray>[] tensors =
        [
            new("b", NdArray.Of(new byte[] { 1, 2, 255 }, 3)),
            new("f", NdArray.Of(new[] { 1f, -0f, float.NaN, 4f, 5f, 6f }, 2, 3)),
            new("d", NdArray.Of(new[] { 1e300 }, 1, 1)),
            new("h", NdArray.Of(new[] { (Half)0.5f })),
            new("i", NdArray.Of(new[] { -7, 8 }, 2)),
            new("l", NdArray.Of(new[] { 1L << 60 }, 1)),
            new("none", NdArray.Of(Array.Empty<float>(), 0, 5)),
            new("big ü", NdArray.Of(new float[32], 32)),
        ];
        SafetensorsFile.Write(_folder.File("t.safetensors"), tensors, new Dictionary<string, string> { ["who"] = "\"me\" ü" });
        using SafetensorsFile file = SafetensorsFile.Open(_folder.File("t.safetensors"));
        Assert.Equal(tensors.Select(t => t.Key), file.Names);
        Assert.Equal("\"me\" ü", file.Metadata["who"]);
        foreach ((string name, NdArray expected) in tensors)
        {
            NdArray found = file.Read(name);
            Assert.Equal(expected.Type, file.TypeOf(name));
            Assert.Equal(expected.Shape, file.ShapeOf(name));
            Assert.Equal(expected.ToFloat32(), found.ToFloat32());
        }
        Assert.Equal(expected: [1f, -0f, float.NaN, 4f, 5f, 6f], file.Float32("f").ToArray());
    }

    [Fact]
    public unsafe void Tensors_lie_at_multiples_of_the_power_of_two_in_their_size()
    {
        Random random = new(3);
        List<KeyValuePair<string, NdArray>> tensors = [];
        for (int i = 0; i < 40; i++)
        {
            int n = random.Next(1, 200);
            tensors.Add(new($"t{i}", random.Next(3) switch
            {
                0 => NdArray.Of(new byte[n], n),
                1 => NdArray.Of(new double[n], n),
                _ => NdArray.Of(new float[n * 16], n, 16),
            }));
        }
        SafetensorsFile.Write(_folder.File("a.safetensors"), tensors);
        using SafetensorsFile file = SafetensorsFile.Open(_folder.File("a.safetensors"));
        foreach (string name in file.Names.Where(n => file.TypeOf(n) == ElementType.Float32))
        {
            using System.Buffers.MemoryHandle handle = file.Float32(name).Pin();
            Assert.Equal(0, (long)handle.Pointer % 64);
        }
    }

    [Fact]
    public void A_file_of_another_writer_is_read_even_where_its_floats_are_not_aligned()
    {
        string header = "{\"u\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"f\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1,9]}}";
        string path = _folder.Write("o.safetensors", File(header, [9, 0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]));
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.Equal([1f, -2f], file.Float32("f").ToArray());
    }

    [Theory]
    [InlineData("{\"f\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,7]}}", "needs 8 bytes")]
    [InlineData("{\"f\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "the file has 8")]
    [InlineData("{\"f\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "gap")]
    [InlineData("{\"f\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"g\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "overlap")]
    [InlineData("{\"f\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}", "12 bytes")]
    [InlineData("{\"f\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[0,8]}}", "BF16")]
    [InlineData("{\"f\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", "extent -2")]
    [InlineData("{\"f\":{\"dtype\":\"F32\",\"shape\":[65536,65536,65536,65536],\"data_offsets\":[0,8]}}", "more than")]
    [InlineData("{\"f\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", "data_offsets")]
    [InlineData("{\"f\":{\"shape\":[2],\"data_offsets\":[0,8]}}", "'f'")]
    [InlineData("{\"f\":{\"dtype\":3,\"shape\":[2],\"data_offsets\":[0,8]}}", "'f'")]
    [InlineData("{\"f\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"f\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[8,8]}}", "two tensors")]
    [InlineData("[1]", "no JSON object")]
    [InlineData("{\"\\ud800\":1}", "safetensors")]
    [InlineData("{\"f\":[[[[[[[[[[[[1]]]]]]]]]]]]}", "depth")]
    public void A_wrong_header_is_refused_with_the_reason(string header, string reason)
    {
        string path = _folder.Write("w.safetensors", File(header, new byte[8]));
        A2FException e = Assert.Throws<A2FException>(() => SafetensorsFile.Open(path));
        Assert.Equal(A2FErrorCode.InvalidFile, e.Code);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
        Assert.Contains("w.safetensors", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData((ulong)long.MaxValue)]
    [InlineData(17UL)]
    public void A_header_length_beyond_the_file_or_the_limit_is_refused(ulong length)
    {
        byte[] bytes = new byte[24];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        A2FException e = Assert.Throws<A2FException>(() => SafetensorsFile.Open(_folder.Write("l.safetensors", bytes)));
        Assert.Contains("header", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Use_after_close_is_refused_rather_than_a_crash()
    {
        SafetensorsFile.Write(_folder.File("c.safetensors"), [new("f", NdArray.Of(new float[4], 4))]);
        SafetensorsFile file = SafetensorsFile.Open(_folder.File("c.safetensors"));
        ReadOnlyMemory<float> view = file.Float32("f");
        file.Dispose();
        file.Dispose();
        Assert.Contains("closed", Assert.Throws<A2FException>(() => view.Span[0]).Message, StringComparison.Ordinal);
        Assert.Throws<A2FException>(() => file.Read("f"));
    }

    [Fact]
    public void Truncations_and_bit_flips_are_only_ever_refused_or_read()
    {
        SafetensorsFile.Write(_folder.File("ok.safetensors"),
            [new("f", NdArray.Of(new float[30], 5, 6)), new("i", NdArray.Of(new int[3], 3))]);
        byte[] good = System.IO.File.ReadAllBytes(_folder.File("ok.safetensors"));
        for (int length = 0; length < good.Length; length++)
            Assert.False(Readable(good[..length]), $"{length} of {good.Length} bytes were accepted");
        Random random = new(5);
        for (int i = 0; i < 2000; i++)
        {
            byte[] bad = (byte[])good.Clone();
            bad[random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
            Readable(bad);
        }

        bool Readable(byte[] bytes)
        {
            try
            {
                using SafetensorsFile file = SafetensorsFile.Open(_folder.Write("bad.safetensors", bytes));
                foreach (string name in file.Names) file.Read(name);
                return true;
            }
            catch (A2FException)
            {
                return false;
            }
        }
    }

    private static byte[] File(string header, byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        return [.. length, .. json, .. data];
    }
}
