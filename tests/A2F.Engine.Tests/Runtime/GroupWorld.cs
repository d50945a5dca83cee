using A2F.Engine.Runtime;

namespace A2F.Engine.Tests.Runtime;

/// <summary>A face model and an emotion classifier on some device, for groups of random operations.</summary>
internal sealed class GroupWorld : IDisposable
{
    private readonly RegressionModel? _regression;
    private readonly DiffusionModel? _diffusion;
    private readonly EmotionModel _classifier;
    private readonly ModelOptions _options;

    public GroupWorld(bool diffusion, ModelOptions options)
    {
        _options = options;
        if (diffusion) _diffusion = DiffusionModel.Load(TestData.Path("fixtures/diff_tiny_30"), options);
        else _regression = RegressionModel.Load(TestData.Path("fixtures/reg_tiny"), options);
        _classifier = EmotionModel.Load(TestData.Path("fixtures/emo_base"), options with { EmotionWindow = 2000, MaxBatch = 2 });
    }

    public bool IsDiffusion => _diffusion is not null;

    public CharacterGroup Create(CharacterGroupOptions options)
    {
        options = options with
        {
            FramesNumerator = 30,
            Tail = TimeSpan.FromMilliseconds(70),
            EmotionModel = _classifier,
            EmotionAnalysis = new EmotionAnalysisOptions { InferencesToSkip = 2 },
        };
        return _diffusion is null ? CharacterGroup.Create(_regression!, options) : CharacterGroup.Create(_diffusion, options);
    }

    public void Dispose()
    {
        _regression?.Dispose();
        _diffusion?.Dispose();
        _classifier.Dispose();
    }
}
