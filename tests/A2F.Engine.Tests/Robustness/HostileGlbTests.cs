using System.Text.Json.Nodes;
using A2F.Engine.Animation;
using A2F.Engine.Tests.Weights;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Robustness;

/// <summary>GLB files, masks and rig maps that are wrong on purpose: one clear refusal, and no memory for what they promise.</summary>
public sealed class HostileGlbTests : IDisposable
{
    private const long AllocationBound = 4 << 20;
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void A_mutated_glb_file_is_refused_or_works()
    {
        string path = _folder.Write("face.glb", Small().Bytes());
        CorruptFileTests.Mutate(path, () =>
        {
            BlendshapeSet set = BlendshapeFile.Load(path, 4);
            Assert.True(FiniteAll(set.Neutral.Span) && FiniteAll(set.Deltas.Span));
        });
    }

    [Fact]
    public void A_mutated_rig_map_is_refused_or_works()
    {
        string path = _folder.File("map.json");
        using (FileStream stream = File.Create(path)) RigMap.Preset("oculus").Write(stream);
        CorruptFileTests.Mutate(path, () => RigMap.Load(path));
    }

    [Fact]
    public void A_mutated_mask_is_refused_or_works()
    {
        string path = _folder.File("mask.npz");
        NpzFile.Write(path, [new("frontalMask", NdArray.Of(Enumerable.Range(0, 500).ToArray(), 500))]);
        CorruptFileTests.Mutate(path, () => FrontalMaskFile.Load(path, 1000));
    }

    [Theory]
    [InlineData("asset.version", "\"1.0\"", "version")]
    [InlineData("asset", null, "asset")]
    [InlineData("accessors", null, "accessors")]
    [InlineData("accessors", "[]", "POSITION")]
    [InlineData("accessors.0.count", "2147483647", "accessors[0].count")]
    [InlineData("accessors.0.count", "4000000", "'accessors[1].count': expected 4000000, the vertices of meshes[0].primitives[0], found 4")]
    [InlineData("accessors.0.count", "0", "accessors[0].count")]
    [InlineData("accessors.0.count", "-1", "accessors[0].count")]
    [InlineData("accessors.1.count", "3", "accessors[1].count")]
    [InlineData("accessors.0.type", "\"SCALAR\"", "accessors[0].type")]
    [InlineData("accessors.0.componentType", "5125", "accessors[0].componentType")]
    [InlineData("accessors.0.componentType", "7", "accessors[0].componentType")]
    [InlineData("accessors.0.normalized", "true", "accessors[0].componentType")]
    [InlineData("accessors.0.byteOffset", "4", "at least 52 bytes, found 48")]
    [InlineData("accessors.0.byteOffset", "2147483647", "accessors[0]")]
    [InlineData("accessors.0.byteOffset", "-4", "accessors[0].byteOffset")]
    [InlineData("accessors.0.bufferView", "99", "accessors[0].bufferView")]
    [InlineData("bufferViews.0.byteLength", "2147483647", "bufferViews[0]")]
    [InlineData("bufferViews.0.byteLength", "0", "bufferViews[0].byteLength")]
    [InlineData("bufferViews.0.byteOffset", "2147483647", "bufferViews[0]")]
    [InlineData("bufferViews.0.byteStride", "8", "at least 12")]
    [InlineData("bufferViews.0.byteStride", "252", "accessors[0]")]
    [InlineData("bufferViews.0.byteStride", "14", "multiple of 4")]
    [InlineData("bufferViews.0.byteStride", "256", "byteStride")]
    [InlineData("bufferViews.0.buffer", "1", "bufferViews[0].buffer")]
    [InlineData("bufferViews", "[]", "no buffer view")]
    [InlineData("bufferViews.0.extensions", "{\"EXT_meshopt_compression\": {}}", "EXT_meshopt_compression")]
    [InlineData("buffers.0.byteLength", "2147483647", "buffers[0].byteLength")]
    [InlineData("buffers.0.uri", "\"face.bin\"", "one .glb file")]
    [InlineData("buffers", null, "within the 0 bytes of buffer 0")]
    [InlineData("meshes", "[]", "the meshes are none")]
    [InlineData("meshes.0.primitives", "[]", "morph targets")]
    [InlineData("meshes.0.primitives.0.attributes.POSITION", "99", "POSITION")]
    [InlineData("meshes.0.primitives.0.extensions", "{\"KHR_draco_mesh_compression\": {}}", "KHR_draco_mesh_compression")]
    [InlineData("meshes.0.primitives.0.targets.0.POSITION", "-1", "targets[0].POSITION")]
    [InlineData("meshes.0.extras.targetNames.0", "7", "targetNames[0]")]
    [InlineData("meshes.0.extras", "[]", "extras")]
    [InlineData("accessors.2.sparse.count", "5", "sparse.count")]
    [InlineData("accessors.2.sparse.count", "4", "sparse.indices")]
    [InlineData("accessors.2.sparse.indices.componentType", "5126", "componentType")]
    [InlineData("accessors.2.sparse.indices.byteOffset", "2147483647", "sparse.indices")]
    [InlineData("accessors.2.sparse.values.bufferView", "99", "sparse.values.bufferView")]
    [InlineData("accessors.2.sparse.values", null, "sparse.values")]
    public void What_cannot_be_is_refused_by_name(string key, string? json, string named)
    {
        string path = _folder.Write("face.glb", Edited(key, json).Bytes());
        AssertRefused(path, named, 4);
    }

    [Theory]
    [InlineData(2, 2)]
    [InlineData(3, 1)]
    [InlineData(1, 4)]
    public void Sparse_indices_must_grow_and_exist(int first, int second)
    {
        GlbWriter glb = new();
        glb.Mesh("face", ["a"], (glb.Floats(new float[12]), [glb.Sparse(4, [(first, 1, 1, 1), (second, 1, 1, 1)])]));
        AssertRefused(_folder.Write("face.glb", glb.Bytes()), "indices that grow, below 4", 4);
    }

    [Theory]
    [InlineData(float.NaN, 100)]
    [InlineData(float.NegativeInfinity, 100)]
    [InlineData(1e37f, 100)]
    public void Values_that_are_no_numbers_are_refused_with_their_place(float bad, float scale)
    {
        GlbWriter glb = new();
        glb.Mesh("face", ["a", "b"], (glb.Floats(new float[12]), [null, glb.Floats([0, 0, 0, 0, bad, 0, 0, 0, 0, 0, 0, 0])]));
        string path = _folder.Write("face.glb", glb.Bytes());
        A2FException e = Assert.Throws<A2FException>(() => BlendshapeFile.Load(path, 4, new GlbOptions { Scale = scale }));
        Assert.Equal(A2FErrorCode.NotFinite, e.Code);
        Assert.Contains("morph target 'b' of meshes[0].primitives[0]", e.Message, StringComparison.Ordinal);
        Assert.Contains("at index 4 of 12", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Thousands_of_empty_targets_of_a_large_mesh_take_no_memory()
    {
        GlbWriter glb = new();
        const int targets = 4000, vertices = 60_000;
        glb.Mesh("face", [.. Enumerable.Range(0, targets).Select(i => $"t{i}")], (0, new int?[targets]));
        glb.Root["accessors"]!.AsArray().Add(new JsonObject { ["componentType"] = 5126, ["type"] = "VEC3", ["count"] = vertices });
        AssertRefused(_folder.Write("face.glb", glb.Bytes()), "4000 morph targets of 60000 vertices", vertices);
    }

    [Fact]
    public void Containers_that_are_none_are_refused()
    {
        byte[] good = Small().Bytes();
        (string Named, Action<byte[]> Break)[] cases =
        [
            ("version 2", b => b[4] = 1), ("as its header says", b => b[8]++), ("a JSON chunk first", b => b[16] = 0), ("a chunk of", b => b[15] = 0x7F),
            ("no valid JSON", b => b[20] = (byte)'['),
        ];
        foreach ((string named, Action<byte[]> spoil) in cases)
        {
            byte[] bytes = (byte[])good.Clone();
            spoil(bytes);
            AssertRefused(_folder.Write("face.glb", bytes), named, 4);
        }
        AssertRefused(_folder.Write("face.glb", [.. "glTF"u8, 2, 0, 0, 0, 12, 0, 0, 0]), "no chunk", 4);
        AssertRefused(_folder.Write("face.glb", [.. "glTF"u8, 2, 0, 0]), "12 bytes", 4);
        AssertRefused(_folder.Write("face.glb", GlbWriter.File([.. "JSON"u8], [.. "{\"asset\":{\"version\":\"2.0\"}}"u8], [.. "WHAT"u8], [])), "meshes", 4);
    }

    private static GlbWriter Small()
    {
        GlbWriter glb = new();
        float[] neutral = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        glb.Mesh("face", ["a", "b", "c"], (glb.Floats(neutral), [glb.Floats(neutral), glb.Sparse(4, [(1, 1, 2, 3), (3, 1, 2, 3)]), null]));
        return glb;
    }

    private static GlbWriter Edited(string path, string? json)
    {
        GlbWriter glb = Small();
        glb.Bytes();
        string[] keys = path.Split('.');
        JsonNode parent = glb.Root;
        foreach (string key in keys[..^1]) parent = int.TryParse(key, out int i) ? parent[i]! : parent[key]!;
        if (json is null) parent.AsObject().Remove(keys[^1]);
        else if (int.TryParse(keys[^1], out int index)) parent.AsArray()[index] = JsonNode.Parse(json);
        else parent[keys[^1]] = JsonNode.Parse(json);
        return glb;
    }

    private static void AssertRefused(string path, string named, int vertices)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        A2FException e = Assert.Throws<A2FException>(() => BlendshapeFile.Load(path, vertices));
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.NotEqual(A2FErrorCode.Internal, e.Code);
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
        Assert.Contains(named, e.Message, StringComparison.Ordinal);
        Assert.True(allocated < AllocationBound, $"allocated {allocated:N0} bytes");
    }

    private static bool FiniteAll(ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            if (!float.IsFinite(value)) return false;
        }
        return true;
    }

    public void Dispose() => _folder.Dispose();
}
