using A2F.Engine.Animation;
using A2F.Engine.Native.Abi;

namespace A2F.Engine.Native.State;

/// <summary>A2F_NAMES_*.</summary>
internal enum NameList : uint
{
    Emotions,
    Identities,
    SkinWeights,
    TongueWeights,
    Parameters,
    Classes,
}

/// <summary>Names of what goes into a model and comes out of it, as texts that C may look at.</summary>
internal sealed class ModelNames
{
    private readonly byte[][][] _lists;

    private ModelNames(params IReadOnlyList<string>[] lists) => _lists = [.. lists.Select(Pin)];

    /// <summary>Those of a face model.</summary>
    internal static ModelNames OfFace(IReadOnlyList<string> emotions, IReadOnlyList<string> identities, FaceRig rig, AnimationSettings settings) =>
        new(emotions, identities, rig.SkinPoseNames, rig.TonguePoseNames, CharacterParameters.NamesOf(settings), [])
        {
            SkinVertices = rig.SkinVertexCount,
            TongueVertices = rig.TongueVertexCount,
        };

    /// <summary>Those of an emotion model.</summary>
    internal static ModelNames OfClassifier(IReadOnlyList<string> classes) => new([], [], [], [], [], classes);

    internal int SkinVertices { get; private init; }

    internal int TongueVertices { get; private init; }

    internal int Count(NameList list) => _lists[(int)list].Length;

    /// <summary>Address of a name.</summary>
    /// <exception cref="AbiException">There is no such list or name.</exception>
    internal nint Get(uint list, uint index)
    {
        if (list >= _lists.Length)
            throw new AbiException(A2FErrorCode.OutOfRange, $"list of names: expected 0 to {_lists.Length - 1}, found {list}");
        byte[][] names = _lists[list];
        if (index >= names.Length)
            throw new AbiException(A2FErrorCode.OutOfRange, $"name {index}: the list {(NameList)list} has {names.Length} names, counted from 0");
        return Text.AddressOf(names[index]);
    }

    private static byte[][] Pin(IReadOnlyList<string> names) => [.. names.Select(Text.Pinned)];
}
