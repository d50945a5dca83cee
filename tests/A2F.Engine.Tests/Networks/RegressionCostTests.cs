using A2F.Engine.Networks;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Networks;

public sealed class RegressionCostTests
{
    /// <summary>wav2vec2-base on 8320 samples: 1663, 831, 415, 207, 103, 51 and 25 steps.</summary>
    [Fact]
    public void The_base_encoder_costs_what_its_definition_says()
    {
        ConvShape[] convs = [new(10, 5, 0), new(3, 2, 0), new(3, 2, 0), new(3, 2, 0), new(3, 2, 0), new(2, 2, 0), new(2, 2, 0)];
        RegressionConfig config = new(8320, 16, 10, 10, 64, 1.4f, [new(3, 2, 1)], 272, 10, 15, 4,
            new Wav2VecConfig(convs, 512, 768, 3072, 12, 12, 128, 16, 1e-5f, 1e-5f), null);
        Dictionary<string, long> cost = RegressionCost.Of(config, new WeightSet()).ToDictionary(p => p.Part, p => p.MultiplyAdds);
        Assert.Equal(1663L * 10 * 512 + 512L * 512 * (3 * (831 + 415 + 207 + 103) + 2 * (51 + 25)), cost["wav2vec2 convolutions"]);
        Assert.Equal(25L * 512 * 768, cost["wav2vec2 projection"]);
        Assert.Equal(25L * 128 * 48 * 768, cost["wav2vec2 positions"]);
        Assert.Equal(12L * 177_907_200, cost["wav2vec2 layers"]);
        Assert.Equal(25L * 768 * 64, cost["wav2vec2 mapping"]);
        Assert.Equal(13L * 3 * 64 * 64, cost["time convolutions"]);
        Assert.Equal(13L * 90 * 64, cost["fusion"]);
        Assert.Equal(291L * (90 + 291), cost["face"]);
    }

    [Theory]
    [InlineData("reg_tiny")]
    [InlineData("reg_w2v2")]
    [InlineData("reg_autocorr")]
    public void Parts_hold_all_weights_and_linear_layers_cost_their_matrix(string fixture)
    {
        using RegressionModelFolder folder = RegressionModelFolder.Load(TestData.Path($"fixtures/{fixture}"));
        IReadOnlyList<CostPart> parts = RegressionCost.Of(folder.Network!, folder.Weights!);
        Assert.Equal(folder.Weights!.Names.Sum(n => (long)folder.Weights[n].Data.Length), parts.Sum(p => p.Weights));
        foreach (string linear in (string[])["emotion", "fusion", "face", "tongue"])
        {
            long matrix = folder.Weights.Names.Where(n =>
                n.StartsWith(linear, StringComparison.Ordinal) && n.EndsWith(".weight", StringComparison.Ordinal))
                .Sum(n => (long)folder.Weights[n].Data.Length);
            Assert.Equal(matrix, parts.Single(p => p.Part == linear).MultiplyAdds);
        }
    }
}
