using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace A2F.Engine.Backends.Cuda;

// What the kernels of the animation stage read, as it lies in memory; each mirrors the struct of the same name in kernels/face*.

/// <summary>FacePart of face.cuh.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FacePartArguments
{
    /// <summary>Every variable starts free: the solver is new.</summary>
    internal const int Fresh = 1;

    /// <summary>There are no weights before.</summary>
    internal const int Forget = 2;

    internal ulong G, A, Active, Pairs, Fold;
    internal double Temporal;
    internal int ActiveCount, PairCount, Columns, Flags;
}

/// <summary>FaceCharacter of face.cuh.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FaceCharacterArguments
{
    internal PartArray<FacePartArguments> Parts;
    internal int Slot, Row, Out, Place, Rig, Started;
    internal float Skin, EyeClose, LipOpen;
    internal float LowerAlpha, UpperAlpha;
    internal float Lower, Upper;
    internal float MaskLevel, MaskSoftness;
    internal float Tongue, TongueHeight, TongueDepth;
    internal float Jaw, JawHeight, JawDepth;
    internal float Eyes, RightX, RightY, LeftX, LeftY;
    internal float SaccadeX, SaccadeY;
}

/// <summary>One for each part of a face: skin, tongue.</summary>
[InlineArray(Count)]
internal struct PartArray<T>
    where T : struct
{
    internal const int Count = 2;
    private T _first;
}

/// <summary>FaceTile of face.cuh.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FaceTile
{
    /// <summary>Most characters of one.</summary>
    internal const int Most = 8;

    internal int Rig, First, Count, Unused;
}

/// <summary>FaceRegion of face.cuh.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FaceRegionArguments
{
    internal ulong Basis, Neutral, Offset, EyeClose, LipOpen, Heights, Vertices;
    internal long Length;
}

/// <summary>FaceShapes of face.cuh.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FaceShapesArguments
{
    internal ulong Deltas, Neutral, Vertices;
    internal long Rows;
}

/// <summary>FaceRig of face.cuh.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FaceRigArguments
{
    internal PartArray<FaceRegionArguments> Regions;
    internal PartArray<FaceShapesArguments> Shapes;
    internal ulong Jaw;
    internal long JawPoints;
}

/// <summary>PoseArguments of face_pose.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PoseArguments
{
    internal ulong Characters, Tiles, Rigs, Rows, Y, State;
    internal long YPitch, StatePitch;
    internal int RowLength, First, Shapes;
}

/// <summary>SumPart of face_sums.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SumPartArguments
{
    internal ulong Sums, Positions;
    internal long Pitch;
    internal int Poses, First, Shapes, Unused;
}

/// <summary>SumArguments of face_sums.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SumArguments
{
    internal ulong Characters, Tiles, Rigs, Rows, State;
    internal long StatePitch;
    internal int RowLength, Count, FirstPart, Unused;
    internal PartArray<SumPartArguments> Parts;
}

/// <summary>SolvePart of face_solve.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SolvePartArguments
{
    internal ulong Sums, Values, Orders, Factors, Scales, Weights;
    internal int Poses, Projected;
}

/// <summary>SolveArguments of face_solve.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SolveArguments
{
    internal ulong Characters, Rigs;
    internal int Count, Most, FirstPart, Unused;
    internal PartArray<SolvePartArguments> Parts;
}

/// <summary>RigidArguments of face_rigid.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RigidArguments
{
    internal ulong Characters, Rigs, Rows, Jaw, Eyes;
    internal int Count, RowLength, FirstJaw, FirstEye;
}
