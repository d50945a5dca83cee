namespace A2F.Engine.Weights;

/// <summary>Sizes and names from network_info.json of a regression model.</summary>
/// <param name="Actor">Name of the person the model was trained on.</param>
/// <param name="ImplicitEmotionLength">Length of one row of the implicit emotion database.</param>
/// <param name="Emotions">Names of the explicit emotions, in the order of the network's input.</param>
/// <param name="DefaultEmotion">One value per explicit emotion, used where the caller gives none.</param>
/// <param name="SkinShapes">Number of skin PCA shapes.</param>
/// <param name="SkinVertices">Number of skin vertices.</param>
/// <param name="TongueShapes">Number of tongue PCA shapes.</param>
/// <param name="TongueVertices">Number of tongue vertices.</param>
/// <param name="JawSize">Number of jaw outputs: 3 per jaw point.</param>
/// <param name="EyesSize">Number of eye outputs: right x, right y, left x, left y, in degrees.</param>
/// <param name="BufferLength">Audio window of one inference, in samples.</param>
/// <param name="BufferOffset">Position in the window of the moment the output belongs to, in samples.</param>
/// <param name="SampleRate">Samples per second.</param>
public sealed record RegressionInfo(
    string Actor,
    int ImplicitEmotionLength,
    IReadOnlyList<string> Emotions,
    IReadOnlyList<float> DefaultEmotion,
    int SkinShapes,
    int SkinVertices,
    int TongueShapes,
    int TongueVertices,
    int JawSize,
    int EyesSize,
    int BufferLength,
    int BufferOffset,
    int SampleRate)
{
    /// <summary>Length of one network output: skin, tongue, jaw, eyes.</summary>
    public int OutputLength => SkinShapes + TongueShapes + JawSize + EyesSize;
}

/// <summary>Neutral geometry and linear bases of a regression model (model_data.npz). Points are x, y, z interleaved, in centimetres.</summary>
/// <param name="SkinBasis">[skin shapes, vertices * 3]: displacement of each PCA shape.</param>
/// <param name="SkinNeutral">[vertices * 3].</param>
/// <param name="LipOpenDelta">[vertices * 3]: displacement that opens the lips.</param>
/// <param name="EyeCloseDelta">[vertices * 3]: displacement that closes the eyelids.</param>
/// <param name="TongueBasis">[tongue shapes, vertices * 3].</param>
/// <param name="TongueNeutral">[vertices * 3].</param>
/// <param name="NeutralJaw">[points * 3].</param>
/// <param name="SaccadeRotations">[rows * 2]: eye rotation x, y in degrees, at 30 rows a second.</param>
public sealed record FaceGeometry(
    ReadOnlyMemory<float> SkinBasis,
    ReadOnlyMemory<float> SkinNeutral,
    ReadOnlyMemory<float> LipOpenDelta,
    ReadOnlyMemory<float> EyeCloseDelta,
    ReadOnlyMemory<float> TongueBasis,
    ReadOnlyMemory<float> TongueNeutral,
    ReadOnlyMemory<float> NeutralJaw,
    ReadOnlyMemory<float> SaccadeRotations)
{
    /// <summary>[vertices * 3]: what the skin basis' displacement starts from; empty for zeros.</summary>
    public ReadOnlyMemory<float> SkinOffset { get; init; }

    /// <summary>[vertices * 3]: what the tongue basis' displacement starts from; empty for zeros.</summary>
    public ReadOnlyMemory<float> TongueOffset { get; init; }
}

/// <summary>A set of blendshapes (bs_skin.npz, bs_tongue.npz).</summary>
/// <param name="PoseNames">Names without the leading "neutral".</param>
/// <param name="Neutral">[vertices * 3], absolute.</param>
/// <param name="Deltas">[poses, vertices * 3]: displacement of each pose from neutral.</param>
/// <param name="FrontalMask">Vertices that the solver looks at, or null for all.</param>
public sealed record BlendshapeSet(
    IReadOnlyList<string> PoseNames,
    ReadOnlyMemory<float> Neutral,
    ReadOnlyMemory<float> Deltas,
    IReadOnlyList<int>? FrontalMask);

/// <summary>Rows of implicit emotion (implicit_emo_db.npz), grouped into named shots.</summary>
/// <param name="RowLength">Length of a row.</param>
/// <param name="Rows">[rows, row length].</param>
/// <param name="ShotNames">Shot names.</param>
/// <param name="ShotStarts">First row of each shot.</param>
/// <param name="ShotSizes">Number of rows of each shot.</param>
public sealed record ImplicitEmotionDatabase(
    int RowLength,
    ReadOnlyMemory<float> Rows,
    IReadOnlyList<string> ShotNames,
    IReadOnlyList<int> ShotStarts,
    IReadOnlyList<int> ShotSizes);

/// <summary>One named tensor of a network, float32 in C order. See <see cref="WeightSet"/> for names and layouts.</summary>
public sealed record WeightTensor(ReadOnlyMemory<float> Data, params int[] Shape);

/// <summary>
/// The weights of a network under this engine's own names. Layouts are ready for a GEMM whose activations are [time, channel]:
/// a linear layer is [in, out], a convolution [tap, in, out] (row-major, so both are a K x N matrix).
/// </summary>
public sealed class WeightSet
{
    private readonly Dictionary<string, WeightTensor> _tensors = new(StringComparer.Ordinal);

    /// <summary>What lets the system drop mapped pages that were read; null where the weights lie in memory of their own.</summary>
    internal Action? PageRelease { get; init; }

    /// <summary>
    /// Lets the system drop the pages of a mapped model that were read so far, for a network that copies its weights layer by layer; they
    /// come back when they are read again.
    /// </summary>
    internal void ReleasePages() => PageRelease?.Invoke();

    /// <summary>Names in the order they were added.</summary>
    public IReadOnlyCollection<string> Names => _tensors.Keys;

    /// <summary>Adds a tensor.</summary>
    public void Add(string name, ReadOnlyMemory<float> data, params int[] shape) => _tensors.Add(name, new WeightTensor(data, shape));

    /// <summary>Whether the set holds this tensor.</summary>
    public bool Contains(string name) => _tensors.ContainsKey(name);

    /// <summary>The tensor, which must have exactly this shape.</summary>
    /// <exception cref="A2FException">It is missing or has another shape.</exception>
    public ReadOnlyMemory<float> Get(string name, params int[] shape)
    {
        WeightTensor tensor = this[name];
        if (!tensor.Shape.AsSpan().SequenceEqual(shape))
        {
            throw new A2FException(A2FErrorCode.InvalidModel,
                $"weight '{name}': expected shape {NdArray.FormatShape(shape)}, found {NdArray.FormatShape(tensor.Shape)}");
        }
        return tensor.Data;
    }

    /// <summary>The tensor of this name.</summary>
    public WeightTensor this[string name] => _tensors.TryGetValue(name, out WeightTensor? tensor)
        ? tensor
        : throw new A2FException(A2FErrorCode.InvalidModel, $"weight '{name}' is missing");
}
