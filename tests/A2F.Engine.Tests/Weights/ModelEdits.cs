using System.Text.Json.Nodes;
using A2F.Engine.Weights;

namespace A2F.Engine.Tests.Weights;

/// <summary>Breaks copies of model folders on purpose.</summary>
internal static class ModelEdits
{
    /// <summary>Changes the value at a dotted path; null as text removes the key, anything else is JSON.</summary>
    public static void EditJson(this TemporaryFolder folder, string file, string path, string? json)
    {
        JsonNode root = JsonNode.Parse(File.ReadAllText(folder.File(file)))!;
        string[] keys = path.Split('.');
        JsonNode parent = root;
        foreach (string key in keys[..^1]) parent = Child(parent, key);
        if (json is null) parent.AsObject().Remove(keys[^1]);
        else if (int.TryParse(keys[^1], out int index)) parent.AsArray()[index] = JsonNode.Parse(json);
        else parent[keys[^1]] = JsonNode.Parse(json);
        File.WriteAllText(folder.File(file), root.ToJsonString());

        static JsonNode Child(JsonNode node, string key) => int.TryParse(key, out int i) ? node[i]! : node[key]!;
    }

    /// <summary>Replaces an array of an npz file; a null removes it.</summary>
    public static void EditArray(this TemporaryFolder folder, string file, string name, Func<NdArray, NdArray?> edit)
    {
        List<KeyValuePair<string, NdArray>> arrays = [];
        using (NpzFile npz = NpzFile.Open(folder.File(file)))
        {
            foreach (string key in npz.Names)
            {
                NdArray? array = key == name ? edit(npz.Read(key)) : npz.Read(key);
                if (array is not null) arrays.Add(new(key, array));
            }
        }
        NpzFile.Write(folder.File(file), arrays);
    }
}
