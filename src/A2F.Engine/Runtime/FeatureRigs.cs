using A2F.Engine.Animation;
using A2F.Engine.Networks;
using A2F.Engine.Weights;

namespace A2F.Engine.Runtime;

/// <summary>
/// Faces whose bases are the last layers of a diffusion network. With its features f, skin and tongue are displaced by f w2 + offset, the
/// offset being b2 * scale of the identity, or b2 + its mean face where the network's output is no delta.
/// </summary>
internal static class FeatureRigs
{
    /// <summary>The face of an identity, with what folds it for the folder's own parameters already made.</summary>
    /// <exception cref="A2FException">There is no network, or its parts do not fit together.</exception>
    internal static FaceRig Of(DiffusionModelFolder folder, int number)
    {
        if (folder.Network is null || folder.Weights is null)
            throw new A2FException(A2FErrorCode.InvalidModel, $"{folder.Path} holds no network, so no features belong to it");
        DiffusionConfig config = folder.Network;
        WeightSet weights = folder.Weights;
        DiffusionIdentity identity = folder.Identities[number];
        DiffusionHeads.Part skin = DiffusionHeads.PartOf(config, weights, 0), tongue = DiffusionHeads.PartOf(config, weights, 1);
        FaceRig rig = new(
            identity.Geometry with
            {
                SkinBasis = skin.Weights,
                SkinOffset = Offset(config, weights, skin, 0, number),
                TongueBasis = tongue.Weights,
                TongueOffset = Offset(config, weights, tongue, 1, number),
            },
            identity.SkinBlendshapes, identity.TongueBlendshapes);
        if (rig.CanFoldSkin) rig.SkinFold(identity.Parameters.FaceMaskLevel, identity.Parameters.FaceMaskSoftness);
        if (rig.CanFoldTongue) _ = rig.TongueFold;
        weights.ReleasePages(); // the folds hold what is needed of the bases, unless another border of the face comes up
        return rig;
    }

    private static float[] Offset(DiffusionConfig config, WeightSet weights, DiffusionHeads.Part part, int index, int actor)
    {
        ReadOnlySpan<float> bias = part.Bias.Span;
        float[] offset = new float[part.Size];
        if (config.Delta)
        {
            float scale = weights.Get("scale", config.ActorCount, 4).Span[actor * 4 + index];
            for (int i = 0; i < offset.Length; i++) offset[i] = bias[i] * scale;
            return offset;
        }
        int total = config.Outputs.Total;
        ReadOnlySpan<float> mean = weights.Get("mean", config.ActorCount, total).Span.Slice(actor * total + part.First, part.Size);
        for (int i = 0; i < offset.Length; i++) offset[i] = bias[i] + mean[i];
        return offset;
    }
}
