using System.Text.Json;
using A2F.Engine.Tests.Weights;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Cli;

public sealed class InfoAndImportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Info_names_branches_sizes_emotions_and_every_parameter()
    {
        string text = Tool.Succeed("info", Tool.Fixture("reg_tiny"));
        string[] facts =
        [
            "wav2vec2 (1 layer of 32)", "autocorrelation (25 windows of 32 lags)", "skin 12, tongue 5, jaw 15, eyes 4",
            "skin 150, tongue 40", "cp24_joy (5 frames)", "outofbreath", "flops a frame",
        ];
        foreach (string expected in facts)
        {
            Assert.Contains(expected, text, StringComparison.Ordinal);
        }
        using RegressionModelFolder folder = RegressionModelFolder.Load(Tool.Fixture("reg_tiny"));
        Assert.All(folder.Settings.List(), p => Assert.Contains($"  {p.Key} ", text, StringComparison.Ordinal));
        Assert.Contains("objective ", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Info_as_json_says_the_same_for_both_formats_of_a_model()
    {
        Tool.Succeed("import", Tool.Fixture("reg_tiny"), "-o", _folder.File("packed"));
        using JsonDocument deploy = JsonDocument.Parse(Tool.Succeed("info", Tool.Fixture("reg_tiny"), "--json"));
        using JsonDocument packed = JsonDocument.Parse(Tool.Succeed("info", _folder.File("packed"), "--json"));
        Assert.False(deploy.RootElement.GetProperty("packed").GetBoolean());
        Assert.True(packed.RootElement.GetProperty("packed").GetBoolean());
        foreach (JsonProperty property in deploy.RootElement.EnumerateObject())
        {
            if (property.Name is "packed" or "path" or "file_bytes") continue;
            Assert.True(JsonElement.DeepEquals(property.Value, packed.RootElement.GetProperty(property.Name)), property.Name);
        }
        JsonElement[] parts = [.. deploy.RootElement.GetProperty("parts").EnumerateArray()];
        Assert.Equal(deploy.RootElement.GetProperty("weights").GetInt64(), parts.Sum(p => p.GetProperty("weights").GetInt64()));
        Assert.Equal(deploy.RootElement.GetProperty("flops_per_frame").GetInt64(),
            parts.Sum(p => p.GetProperty("flops_per_frame").GetInt64()));
    }

    [Fact]
    public void Info_of_a_folder_without_a_network_says_so() =>
        Assert.Contains("only 'a2f postprocess'", Tool.Succeed("info", TestData.Path("golden/model_regression")), StringComparison.Ordinal);

    [Fact]
    public void Import_tells_sizes_and_load_time_and_does_not_touch_other_folders()
    {
        string text = Tool.Succeed("import", Tool.Fixture("reg_autocorr"), "-o", _folder.File("packed"));
        Assert.Contains("503 kB", text, StringComparison.Ordinal);
        Assert.Contains("loads in", text, StringComparison.Ordinal);
        (int code, _, string error) = Tool.Run("import", Tool.Fixture("reg_autocorr"), "-o", _folder.Path);
        Assert.Equal(1, code);
        Assert.Contains("other files", error, StringComparison.Ordinal);
        Assert.Equal([_folder.File("packed")], Directory.GetFileSystemEntries(_folder.Path));
    }

    public void Dispose() => _folder.Dispose();
}
