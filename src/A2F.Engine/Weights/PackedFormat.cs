using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace A2F.Engine.Weights;

/// <summary>Names of the packed model format; docs/file-formats.md describes it for users.</summary>
internal static class PackedFormat
{
    public const string Format = "a2f-engine-model";
    public const int Version = 1;
    public const string ManifestFile = "manifest.json";
    public const string TensorsFile = "model.safetensors";

    /// <summary>Key in both files of what ties them together.</summary>
    public const string ContentKey = "content";

    public const string NetworkPrefix = "network/";
    public const string SkinBasis = "face/skin_basis";
    public const string SkinNeutral = "face/skin_neutral";
    public const string LipOpenDelta = "face/lip_open_delta";
    public const string EyeCloseDelta = "face/eye_close_delta";
    public const string TongueBasis = "face/tongue_basis";
    public const string TongueNeutral = "face/tongue_neutral";
    public const string NeutralJaw = "face/neutral_jaw";
    public const string SaccadeRotations = "face/saccade_rotations";
    public const string EmotionRows = "implicit_emotions/rows";
    public const string NeutralSuffix = "/neutral";
    public const string DeltasSuffix = "/deltas";
    public const string MaskSuffix = "/frontal_mask";

    /// <summary>
    /// A fingerprint of all tensors. It stands in both files, so that a manifest beside the tensors of another model is noticed, as
    /// an interrupted replacement would leave it.
    /// </summary>
    public static string Content(IEnumerable<(string Name, IReadOnlyList<int> Shape, uint Crc)> tensors)
    {
        StringBuilder text = new();
        foreach ((string name, IReadOnlyList<int> shape, uint crc) in tensors)
            text.Append(CultureInfo.InvariantCulture, $"{name} {NdArray.FormatShape(shape)} {crc:x8}\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
