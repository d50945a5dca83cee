using A2F.Engine.Animation;
using A2F.Engine.Backends;
using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Runtime;

/// <summary>The networks and faces of a model folder of any kind, for whoever wants their kernels and plans rather than their results.</summary>
internal sealed class ModelNetworks : IDisposable
{
    private readonly IDisposable _folder;

    private ModelNetworks(IDisposable folder, params IReadOnlyList<Func<OperatorSet, INetwork>> builds) => (_folder, Builds) = (folder, builds);

    /// <summary>What builds the network on a backend; a diffusion network with each source of noise, the constant one first.</summary>
    internal IReadOnlyList<Func<OperatorSet, INetwork>> Builds { get; }

    /// <summary>Its faces, arranged when they are asked for; an emotion classifier has none.</summary>
    internal IEnumerable<FaceRig> Faces { get; private init; } = [];

    /// <summary>Opens a folder.</summary>
    /// <exception cref="A2FException">A file is missing or wrong, or the folder has no network.</exception>
    internal static ModelNetworks Open(string path, ModelOptions options)
    {
        ModelChecks.Batch(options);
        switch (ModelFolders.KindOf(path))
        {
            case ModelKind.Regression:
                RegressionModelFolder regression = RegressionModelFolder.Load(path);
                RegressionConfig regressionConfig = Require(regression.Network, regression);
                return new(regression, ops => new RegressionNetwork(
                    regressionConfig, regression.Weights!, ops, options.MaxBatch, options.FastConvolutions, options.FoldedDecoder))
                {
                    Faces = new[] { regression }.Select(FaceRig.Of),
                };
            case ModelKind.Diffusion:
                DiffusionModelFolder diffusion = DiffusionModelFolder.Load(path);
                DiffusionConfig diffusionConfig = Require(diffusion.Network, diffusion);
                Func<OperatorSet, INetwork> Diffusion(NoiseSource source) => ops => new DiffusionNetwork(
                    diffusionConfig, diffusion.Weights!, ops, options.MaxBatch, options.Shortcuts, source, options.NoiseSeed,
                    options.FastConvolutions, ModelOptions.DefaultThreads, options.DiffusionOutputs);
                return new(diffusion, [.. Enum.GetValues<NoiseSource>().Select(Diffusion)])
                {
                    Faces = diffusion.Identities.Select(i => new FaceRig(i.Geometry, i.SkinBlendshapes, i.TongueBlendshapes)),
                };
            default:
                EmotionModelFolder emotion = EmotionModelFolder.Load(path);
                EmotionConfig emotionConfig = Require(emotion.Network, emotion);
                return new(emotion, ops => new EmotionNetwork(
                    emotionConfig, emotion.Weights!, ops, options.EmotionWindow, options.MaxBatch, options.FastConvolutions));
        }

        T Require<T>(T? network, IDisposable folder)
            where T : class
        {
            if (network is not null) return network;
            folder.Dispose();
            throw new A2FException(A2FErrorCode.InvalidModel, $"{path} holds no network, so no kernels belong to it");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();
}
