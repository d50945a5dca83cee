using A2F.Engine.Networks;
using A2F.Engine.Runtime;
using A2F.Engine.Weights;

namespace A2F.Engine.Cli.Output;

/// <summary>What <c>a2f info</c> tells, gathered once for both of its forms.</summary>
internal sealed class ModelSummary
{
    /// <summary>Windows that the backend of an info call makes room for.</summary>
    public const int Batch = 8;

    public ModelSummary(RegressionModel model)
    {
        RegressionModelFolder folder = model.Folder;
        Folder = folder;
        Device = model.Device;
        BackendBytes = model.BackendBytes;
        if (folder.Network is not null) Parts = RegressionCost.Of(folder.Network, folder.Weights!);
        WeightCount = folder.Weights is null ? 0 : folder.Weights.Names.Sum(n => (long)folder.Weights[n].Data.Length);
        FileBytes = Units.FolderBytes(folder.Path);
        DataBytes = sizeof(float) * (WeightCount + FaceFloats(folder));
    }

    public RegressionModelFolder Folder { get; }

    /// <summary>What it would run on here; "none" without a network.</summary>
    public string Device { get; }

    /// <summary>The network's parts; empty without a network.</summary>
    public IReadOnlyList<CostPart> Parts { get; } = [];

    /// <summary>Numbers in the network.</summary>
    public long WeightCount { get; }

    /// <summary>Floating-point operations of one window, which is one frame.</summary>
    public long FlopsPerFrame => 2 * Parts.Sum(p => p.MultiplyAdds);

    /// <summary>All files of the folder.</summary>
    public long FileBytes { get; }

    /// <summary>Weights, geometry and blendshapes as loaded (mapped where the model is packed).</summary>
    public long DataBytes { get; }

    /// <summary>Weights arranged for the backend, and room for <see cref="Batch"/> windows.</summary>
    public long BackendBytes { get; }

    /// <summary>"wav2vec2 (12 layers of 768), autocorrelation".</summary>
    public IReadOnlyList<string> Branches
    {
        get
        {
            List<string> branches = [];
            if (Folder.Network?.Wav2Vec is { } w) branches.Add($"wav2vec2 ({w.Layers} layer{(w.Layers == 1 ? "" : "s")} of {w.Dim})");
            if (Folder.Network?.AutoCorrelation is { } a) branches.Add($"autocorrelation ({a.Windows} windows of {a.Lags} lags)");
            return branches;
        }
    }

    private static long FaceFloats(RegressionModelFolder folder)
    {
        FaceGeometry face = folder.Geometry;
        ReadOnlyMemory<float>[] arrays =
        [
            face.SkinBasis, face.SkinNeutral, face.LipOpenDelta, face.EyeCloseDelta, face.TongueBasis, face.TongueNeutral, face.NeutralJaw,
            face.SaccadeRotations, folder.ImplicitEmotions.Rows,
        ];
        return arrays.Sum(a => (long)a.Length) + Floats(folder.SkinBlendshapes) + Floats(folder.TongueBlendshapes);
    }

    private static long Floats(BlendshapeSet? set) => set is null ? 0 : (long)set.Neutral.Length + set.Deltas.Length;
}
