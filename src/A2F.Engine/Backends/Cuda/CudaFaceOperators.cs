using System.Runtime.CompilerServices;
using A2F.Engine.Animation;
using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Backends.Cuda;

/// <summary>Where a call finds its parameters and network output and puts its results: as the buffers of the same names.</summary>
internal readonly record struct FaceAddresses(ulong Characters, ulong Rows, ulong Results);

/// <summary>
/// The animation stage as kernel launches: at most six a call, whatever the number of characters. Holds the faces, the state of all slots, and
/// what enters and leaves. What each kernel computes stands at the head of its file in kernels/.
/// </summary>
internal sealed unsafe class CudaFaceOperators
{
    /// <summary>Most poses that are solved by small blocks.</summary>
    internal const int FewPoses = 64;

    private const int Threads = 256, RigidThreads = 32, FewThreads = 64;

    /// <summary>Static shared memory of the solve is less than this.</summary>
    private const int StaticShared = 256;

    private readonly CudaWorker _worker;
    private readonly int _capacity, _rowLength, _most, _jawColumn, _eyeColumn;
    private readonly ulong _poseState, _foldState;
    private readonly int _foldPitch;
    private readonly PartArray<FacePartLayout> _parts;
    private readonly PartArray<SolvePartArguments> _solves;
    private readonly PartArray<ulong> _positions; // where vertices are not wanted, or stay
    private readonly bool _vertices;
    private readonly KernelSpec _solve;
    private readonly int _rooms;
    private FaceAddresses _at;

    /// <summary>A stage on a device or a plan, which it does not own.</summary>
    /// <param name="worker">Takes the work.</param>
    /// <param name="rigs">The faces.</param>
    /// <param name="capacity">Most characters.</param>
    /// <param name="vertices">Whether vertices are wanted.</param>
    /// <param name="folded">Whether weights may come from network output directly.</param>
    /// <param name="exchange">Whether calls use buffers of its own; else each brings <see cref="FaceAddresses"/>.</param>
    /// <param name="rooms">Where vertices stay on the device: frames of each character that they are kept of; 0 where they are results.</param>
    internal CudaFaceOperators(
        CudaWorker worker, IReadOnlyList<FaceRig> rigs, int capacity, bool vertices, bool folded, bool exchange = true, int rooms = 0)
    {
        (_worker, _capacity, _vertices, _rooms) = (worker, capacity, vertices, rooms);
        FaceRig rig = rigs[0];
        _rowLength = rig.OutputLength;
        _jawColumn = rig.SkinSize + rig.TongueSize;
        _eyeColumn = _jawColumn + rig.JawSize;
        Rigs = new CudaFaceRigs(worker, rigs, vertices, folded);
        (_parts[0], _parts[1]) = (Rigs.Skin, Rigs.Tongue);
        _most = Math.Max(_parts[0].Poses, _parts[1].Poses);

        ResultsLength = 16 + 6 + _parts[0].Poses + _parts[1].Poses + (vertices && rooms == 0 ? _parts[0].Length + _parts[1].Length : 0);
        if (exchange)
        {
            Rows = Exchange((long)capacity * _rowLength, "rows of network output");
            Characters = Exchange(CharactersLength(capacity, rigs.Count), "parameters");
            Results = Exchange((long)capacity * ResultsLength, "results");
        }
        if (_parts[0].Length > 0) _poseState = Zeroed(4L * _parts[0].Length * sizeof(float));
        _foldPitch = 6 * (_parts[0].Shapes + FaceFold.Extra) + _parts[1].Shapes + FaceFold.Extra;
        if (_parts[0].Folded || _parts[1].Folded) _foldState = Zeroed((long)_foldPitch * sizeof(double));
        for (int part = 0; part < PartArray<int>.Count; part++)
        {
            FacePartLayout layout = _parts[part];
            if ((!vertices || rooms > 0) && layout.Length > 0) _positions[part] = Zeroed(Math.Max(rooms, 1L) * layout.Length * sizeof(float));
            if (layout.Poses == 0) continue;
            _solves[part] = new SolvePartArguments
            {
                Sums = Zeroed((long)layout.Chunks * layout.Poses * sizeof(double)),
                Values = Zeroed(2L * layout.Poses * sizeof(double)),
                Orders = Zeroed(2L * (2 + layout.Poses) * sizeof(int)),
                Factors = Zeroed((long)layout.Poses * (layout.Poses + 3) * sizeof(double)),
                Scales = Zeroed(2L * layout.Poses * sizeof(float)),
                Poses = layout.Poses,
                Projected = layout.Folded ? 0 : 1,
            };
        }
        if (SharedBytes(_most, triangle: false) > MostShared)
        {
            throw new A2FException(A2FErrorCode.InvalidModel,
                $"a solve of {_most} poses needs {SharedBytes(_most, triangle: false)} bytes of shared memory; sm_{worker.Architecture} has {MostShared}");
        }
        _solve = new KernelSpec("face_solve.cu", "solve", $"THREADS={SolveThreads} SHARED={(HasSharedTriangle ? 1 : 0)}");
    }

    /// <summary>The faces, and what is computed for each part.</summary>
    internal CudaFaceRigs Rigs { get; }

    /// <summary>Exchange buffer, [characters, row]: network output.</summary>
    internal ulong Rows { get; }

    /// <summary>Exchange buffer: <see cref="FaceCharacterArguments"/> of a call, then its <see cref="FaceTile"/>s.</summary>
    internal ulong Characters { get; }

    /// <summary>Exchange buffer: skin weights of all characters of a call, tongue weights, jaws, eyes, skin vertices, tongue vertices.</summary>
    internal ulong Results { get; }

    /// <summary>Floats of one character's results.</summary>
    internal int ResultsLength { get; }

    /// <summary>Where vertices of a slot stay on the device: positions of a part, frame by frame; 0 where they do not stay.</summary>
    internal ulong PositionsAt(int part, int slot) =>
        _rooms == 0 || _positions[part] == 0 ? 0 : _positions[part] + (ulong)slot * (ulong)_rooms * (ulong)Length(part) * sizeof(float);

    /// <summary>Coordinates of a part that are posed.</summary>
    internal int Length(int part) => _parts[part].Length;

    /// <summary>Number of the place for a frame's positions.</summary>
    internal int Place(int slot, long frame) => checked(slot * _rooms + (int)(frame % _rooms));

    /// <summary>Frames of each character whose vertices stay on the device; 0 where they are results.</summary>
    internal int Rooms => _rooms;

    /// <summary>Blendshapes of a part.</summary>
    internal int Poses(int part) => _parts[part].Poses;

    /// <summary>Address of a slot's weight before for a pose of a part.</summary>
    internal ulong WeightBefore(int part, int slot, int pose) =>
        _solves[part].Values + ((ulong)slot * 2 * (ulong)_solves[part].Poses + (ulong)pose) * sizeof(double);

    /// <summary>Address of a slot's multipliers for a part; offsets follow.</summary>
    internal ulong Scales(int part, int slot) => _solves[part].Scales + (ulong)slot * 2 * (ulong)_solves[part].Poses * sizeof(float);

    /// <summary>Queues a copy to an address of the stage's.</summary>
    internal void Upload(ulong target, ReadOnlySpan<byte> data) => _worker.Upload(target, data);

    /// <summary>Floats of the parameters of a call.</summary>
    internal static long CharactersLength(int count, int rigs) =>
        ((long)count * sizeof(FaceCharacterArguments) + ((long)count / FaceTile.Most + rigs) * sizeof(FaceTile)) / sizeof(float);

    private int MostShared => Occupancy.MostSharedBytes(_worker.Architecture) - StaticShared;

    private int SolveThreads => _most <= FewPoses ? FewThreads : Threads;

    private bool HasSharedTriangle => SharedBytes(_most, triangle: true) <= MostShared;

    // As in face_solve.cu.
    private static int SharedBytes(int most, bool triangle) =>
        (5 * most + (triangle ? most * (most + 1) / 2 : 0)) * sizeof(double) + 2 * most * sizeof(int);

    private ulong Zeroed(long bytesOfOne) => _worker.Allocate(checked(_capacity * bytesOfOne), zeroed: true);

    private ulong Exchange(long floats, string what) => floats <= int.MaxValue
        ? _worker.AllocateExchange(floats)
        : throw new A2FException(A2FErrorCode.OutOfRange,
            $"{what} of {_capacity} characters are {floats} values, more than one buffer holds; make several stages");

    /// <summary>Queues one frame of each character of a call. Parameters and network output are queued before it.</summary>
    /// <param name="count">Characters.</param>
    /// <param name="tiles">Their tiles.</param>
    internal void Animate(int count, int tiles) => Animate(count, tiles, new FaceAddresses(Characters, Rows, Results));

    /// <summary>The same with memory of the caller's.</summary>
    internal void Animate(int count, int tiles, FaceAddresses at)
    {
        _at = at;
        ulong tilesAt = at.Characters + (ulong)count * (ulong)sizeof(FaceCharacterArguments);
        PartArray<ulong> positions = _positions;
        ulong next = at.Results;
        ulong skinWeights = Take(ref next, count, _parts[0].Poses), tongueWeights = Take(ref next, count, _parts[1].Poses);
        ulong jaw = Take(ref next, count, 16), eyes = Take(ref next, count, 6);
        if (_vertices && _rooms == 0)
        {
            positions[0] = Take(ref next, count, _parts[0].Length);
            positions[1] = Take(ref next, count, _parts[1].Length);
        }
        Pose(0, "pose_skin", count, tiles, tilesAt, positions[0]);
        Pose(1, "pose_tongue", count, tiles, tilesAt, positions[1]);
        Move(count, jaw, eyes);
        if (_most == 0) return;
        Sum(count, tiles, tilesAt, positions);
        Solve(count, skinWeights, tongueWeights);
    }

    private static ulong Take(ref ulong next, int count, int length)
    {
        ulong address = next;
        next += (ulong)count * (ulong)length * sizeof(float);
        return address;
    }

    private void Pose(int part, string function, int count, int tiles, ulong tilesAt, ulong positions)
    {
        FacePartLayout layout = _parts[part];
        if (layout.Length == 0) return;
        PoseArguments arguments = new()
        {
            Characters = _at.Characters,
            Tiles = tilesAt,
            Rigs = Rigs.Table,
            Rows = _at.Rows,
            Y = positions,
            State = _poseState,
            YPitch = layout.Length,
            StatePitch = layout.Length,
            RowLength = _rowLength,
            First = layout.First,
            Shapes = layout.Shapes,
        };
        void* pointer = &arguments;
        long state = part == 0 ? 9 : 1; // four smoothers in and out, a position
        _worker.Launch(
            new KernelLaunch(new KernelSpec("face_pose.cu", function, ""), new Dim3((uint)tiles, Blocks(layout.Length, Threads)), Threads, 0,
                2L * count * layout.Shapes * layout.Length, (layout.Shapes + 4 + state * count) * layout.Length * sizeof(float)),
            &pointer);
    }

    private void Move(int count, ulong jaw, ulong eyes)
    {
        RigidArguments arguments = new()
        {
            Characters = _at.Characters,
            Rigs = Rigs.Table,
            Rows = _at.Rows,
            Jaw = jaw,
            Eyes = eyes,
            Count = count,
            RowLength = _rowLength,
            FirstJaw = _jawColumn,
            FirstEye = _eyeColumn,
        };
        void* pointer = &arguments;
        _worker.Launch(
            new KernelLaunch(new KernelSpec("face_rigid.cu", "jaw_eyes", ""), new Dim3(Blocks(count, RigidThreads)), RigidThreads, 0, 0,
                (long)count * (_rowLength - _jawColumn + 22) * sizeof(float)),
            &pointer);
    }

    // A launch for the parts that are projected, and one for those that are folded.
    private void Sum(int count, int tiles, ulong tilesAt, PartArray<ulong> positions)
    {
        SumArguments arguments = new()
        {
            Characters = _at.Characters,
            Tiles = tilesAt,
            Rigs = Rigs.Table,
            Rows = _at.Rows,
            State = _foldState,
            StatePitch = _foldPitch,
            RowLength = _rowLength,
            Count = count,
        };
        for (int part = 0; part < PartArray<int>.Count; part++)
        {
            arguments.Parts[part] = new SumPartArguments
            {
                Sums = _solves[part].Sums,
                Positions = positions[part],
                Pitch = _parts[part].Length,
                Poses = _parts[part].Poses,
                First = _parts[part].First,
                Shapes = _parts[part].Shapes,
            };
        }
        void* pointer = &arguments;
        long flops = 0, bytes = 0;
        int chunks = 0;
        (int first, int parts) = Range(layout => layout.Projected);
        for (int part = first; part < first + parts; part++)
        {
            FacePartLayout layout = _parts[part];
            chunks = Math.Max(chunks, layout.Chunks);
            flops += 2L * count * layout.Rows * layout.Poses;
            bytes += ((long)layout.Poses + 1 + count) * layout.Rows * sizeof(float) + (long)count * layout.Chunks * layout.Poses * sizeof(double);
        }
        arguments.FirstPart = first;
        if (parts > 0)
        {
            _worker.Launch(
                new KernelLaunch(new KernelSpec("face_sums.cu", "project", ""), new Dim3((uint)tiles, (uint)chunks, (uint)parts), Threads, 0, flops, bytes),
                &pointer);
        }
        (first, parts) = Range(layout => layout.Folded);
        (flops, bytes) = (0, 0);
        for (int part = first; part < first + parts; part++)
        {
            int columns = FacePartLayout.Columns(part, _parts[part].Shapes);
            flops += 2L * count * columns * _parts[part].Poses;
            bytes += ((long)columns * _parts[part].Poses + (long)count * (columns * 4 + _parts[part].Poses)) * sizeof(double);
        }
        arguments.FirstPart = first;
        if (parts > 0)
        {
            _worker.Launch(
                new KernelLaunch(new KernelSpec("face_sums.cu", "fold", ""), new Dim3((uint)count, (uint)parts), Threads, 0, flops, bytes), &pointer);
        }
    }

    private void Solve(int count, ulong skinWeights, ulong tongueWeights)
    {
        (int first, int parts) = Range(layout => layout.Poses > 0);
        SolveArguments arguments = new()
        {
            Characters = _at.Characters,
            Rigs = Rigs.Table,
            Count = count,
            Most = _most,
            FirstPart = first,
            Parts = _solves,
        };
        arguments.Parts[0].Weights = skinWeights;
        arguments.Parts[1].Weights = tongueWeights;
        void* pointer = &arguments;
        long flops = 0, bytes = 0;
        for (int part = first; part < first + parts; part++)
        {
            long n = _parts[part].Poses;
            flops += count * 20 * n * n; // a few faces without new rows
            bytes += count * n * (3 * n + _parts[part].Chunks + 4) * sizeof(double);
        }
        _worker.Launch(
            new KernelLaunch(_solve, new Dim3((uint)count, (uint)parts), SolveThreads, SharedBytes(_most, HasSharedTriangle), flops, bytes), &pointer);
    }

    // The parts of a kind: both, one, or none.
    private (int First, int Count) Range(Predicate<FacePartLayout> of) => (of(_parts[0]), of(_parts[1])) switch
    {
        (true, true) => (0, 2),
        (true, false) => (0, 1),
        (false, true) => (1, 1),
        _ => (0, 0),
    };

    private static uint Blocks(int count, int each) => (uint)((count + each - 1) / each);
}
