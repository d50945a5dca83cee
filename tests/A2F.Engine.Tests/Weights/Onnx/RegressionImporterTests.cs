using A2F.Engine.Networks;
using A2F.Engine.Weights;
using A2F.Engine.Weights.Onnx;
using Xunit;

namespace A2F.Engine.Tests.Weights.Onnx;

public sealed class RegressionImporterTests
{
    [Theory]
    [InlineData("reg_tiny")]
    [InlineData("reg_w2v2")]
    [InlineData("reg_autocorr")]
    public void An_imported_network_computes_the_recorded_results(string name)
    {
        (RegressionConfig config, WeightSet weights) = RegressionImporter.Import(Fixture.Network(name));
        Fixture.AgreesWithRecording(config, weights, TestData.Path($"fixtures/{name}"), 1e-6);
    }
}
