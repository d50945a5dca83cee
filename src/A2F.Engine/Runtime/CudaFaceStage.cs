using System.Runtime.InteropServices;
using A2F.Engine.Animation;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Runtime;

/// <summary>
/// A <see cref="FaceStage"/> on a GPU. The state of every character stays there; a call sends parameters and rows up, launches each kernel
/// once for all characters, and reads all results back in one copy. The saccade clock alone runs on the host.
/// </summary>
internal sealed class CudaFaceStage : FaceStage
{
    private readonly CudaWorker _worker;
    private readonly CudaFaceOperators _operators;
    private readonly CudaFaceParts _parts;
    private readonly Stack<int> _slots = new();
    private readonly float[] _upload; // parameters of a call; empty where calls bring their own room
    private readonly int[] _next; // per face: place of its next character in the call
    private bool _disposed;

    /// <summary>A stage on a device or a plan, which it owns.</summary>
    /// <param name="worker">The device or plan.</param>
    /// <param name="rigs">The faces.</param>
    /// <param name="options">Where and how.</param>
    /// <param name="exchange">Whether <see cref="FaceStage.Animate(ReadOnlySpan{FaceCharacter}, ReadOnlySpan{float}, FaceFrames, int)"/> works; else only <see cref="Enqueue"/>.</param>
    /// <param name="rooms">As for <see cref="CudaFaceOperators"/>.</param>
    internal CudaFaceStage(CudaWorker worker, IReadOnlyList<FaceRig> rigs, FaceStageOptions options, bool exchange = true, int rooms = 0)
        : base(rigs, options)
    {
        (_worker, _next) = (worker, new int[rigs.Count + 1]);
        if (options.FramesNumerator < 1 || options.FramesDenominator < 1)
        {
            throw new A2FException(A2FErrorCode.OutOfRange,
                $"{options.FramesNumerator}/{options.FramesDenominator} frames per second are not possible");
        }
        FrameSeconds = (float)options.FramesDenominator / options.FramesNumerator;
        _operators = new CudaFaceOperators(worker, rigs, options.Capacity, options.Vertices, options.Folded, exchange, rooms);
        _parts = new CudaFaceParts(Shared(_operators.Rigs.Skin, 0), Shared(_operators.Rigs.Tongue, 1));
        _upload = new float[exchange ? ParametersRoom(options.Capacity) : 0];
        for (int slot = options.Capacity - 1; slot >= 0; slot--) _slots.Push(slot);
    }

    /// <summary>A stage on a device.</summary>
    /// <exception cref="A2FException">The device does not work, is too old, or has too little memory.</exception>
    internal static CudaFaceStage Open(CudaDevice device, IReadOnlyList<FaceRig> rigs, FaceStageOptions options)
    {
        Devices.CheckArchitecture(device);
        bool emulated = options.CudaDriver is not null;
        KernelCompiler compiler = KernelCompiler.Open(device.Driver.Version / 1000, device.Architecture, ptx: emulated, options.BakedKernels);
        CudaPlan plan = new(device.Architecture, device.Attribute(CUdeviceAttribute.MultiprocessorCount));
        new CudaFaceStage(plan, rigs, options)._operators.Animate(1, 1);
        compiler.CompileAll(plan.Kernels);
        CudaDeviceWorker worker = new(device, kernel => compiler.Get(kernel).Bytes, plan.ArenaBytes, separate: emulated);
        try
        {
            using CudaContext.Scope scope = worker.Enter();
            worker.Load(plan.Kernels);
            CudaFaceStage stage = new(worker, rigs, options);
            worker.Finish(); // what goes wrong with loading is told by loading
            return stage;
        }
        catch
        {
            worker.Dispose();
            throw;
        }
    }

    /// <summary>A stage for <see cref="Enqueue"/> on the device and the stream of a network, which must live longer.</summary>
    /// <exception cref="A2FException">The device has too little memory, or fails.</exception>
    internal static CudaFaceStage Beside(CudaDeviceWorker network, IReadOnlyList<FaceRig> rigs, FaceStageOptions options, int rooms)
    {
        CudaPlan plan = new(network.Architecture, network.Multiprocessors);
        new CudaFaceStage(plan, rigs, options, exchange: false, rooms)._operators.Animate(1, 1);
        CudaPlace place = network.Place with { Stream = network.Stream.Handle.Value };
        CudaDeviceWorker worker = new(
            network.Device, network.Images, plan.ArenaBytes, network.IsSeparate, graphs: false, multiprocessors: network.Multiprocessors, place: place);
        try
        {
            using CudaContext.Scope scope = worker.Enter();
            worker.Load(plan.Kernels);
            CudaFaceStage stage = new(worker, rigs, options, exchange: false, rooms);
            worker.Finish();
            return stage;
        }
        catch
        {
            worker.Dispose();
            throw;
        }
    }

    public override string Device => $"{_worker.Name} (sm_{_worker.Architecture})";

    /// <summary>What it runs on.</summary>
    internal CudaWorker Worker => _worker;

    /// <summary>Its launches and device memory.</summary>
    internal CudaFaceOperators Operators => _operators;

    /// <summary>Time from frame to frame.</summary>
    internal float FrameSeconds { get; }

    /// <summary>Whether skin weights come from network output without vertices.</summary>
    internal bool FoldsSkin => _operators.Rigs.Skin.Folded;

    private CudaFaceShared Shared(FacePartLayout layout, int part) => new(
        CudaFaceContents.Setups(_worker, layout.Poses),
        layout.Folded ? CudaFaceContents.Folds(_worker, layout.Poses, FacePartLayout.Columns(part, layout.Shapes)) : null);

    private protected override FaceCharacter Create(
        int index, FaceRig rig, AnimatorParameters parameters, SolverParameters? skinSolver, SolverParameters? tongueSolver, SolveOptions options)
    {
        CudaFaceCharacter character = new(this, index, rig, parameters, skinSolver, tongueSolver, options);
        character.Slot = _slots.Pop();
        return character;
    }

    private protected override void Release(FaceCharacter character)
    {
        CudaFaceCharacter own = (CudaFaceCharacter)character;
        own.Release(_parts);
        _slots.Push(own.Slot);
    }

    private protected override void Run(ReadOnlySpan<FaceCharacter> characters, ReadOnlySpan<float> rows, FaceFrames frames, int firstFrame)
    {
        if (_disposed) throw new A2FException(A2FErrorCode.InvalidArgument, "the stage was disposed");
        int count = characters.Length;
        foreach (FaceCharacter character in characters) ((CudaFaceCharacter)character).Synchronise(_operators, _parts);
        int tiles = Describe(characters, _upload, [], []);
        _worker.Write(_operators.Rows, rows);
        _worker.Write(_operators.Characters, _upload.AsSpan(0, ParametersLength(count, tiles)));
        _operators.Animate(count, tiles);
        ReadOnlySpan<float> results = _worker.Fetch(_operators.Results, count * _operators.ResultsLength);
        foreach (FaceCharacter character in characters) ((CudaFaceCharacter)character).Advance();
        Take(results, frames, firstFrame, count);
    }

    /// <summary>Floats that the parameters of a call take at most.</summary>
    internal int ParametersRoom(int count) => checked((int)CudaFaceOperators.CharactersLength(count, _next.Length - 1));

    /// <summary>
    /// Fills the parameters of one frame of each of some characters, whose state goes on by it: to be uploaded before <see cref="Enqueue"/>, which
    /// must follow. What the device lacks of parameters that have changed is queued at once.
    /// </summary>
    /// <param name="characters">Different characters of this stage.</param>
    /// <param name="room">Receives the parameters: <see cref="ParametersRoom"/> floats.</param>
    /// <param name="rows">Row of network output of each.</param>
    /// <param name="frames">Number of the frame of each, where vertices stay on the device.</param>
    /// <returns>Tiles of the call.</returns>
    internal int Prepare(ReadOnlySpan<FaceCharacter> characters, Span<float> room, ReadOnlySpan<int> rows, ReadOnlySpan<long> frames)
    {
        foreach (FaceCharacter character in characters) ((CudaFaceCharacter)character).Synchronise(_operators, _parts);
        int tiles = Describe(characters, room, rows, frames);
        foreach (FaceCharacter character in characters) ((CudaFaceCharacter)character).Advance();
        return tiles;
    }

    /// <summary>Queues the frame; parameters and network output are queued before it.</summary>
    internal void Enqueue(int count, int tiles, FaceAddresses at) => _operators.Animate(count, tiles, at);

    /// <summary>Where a character's vertices stay.</summary>
    internal DeviceVertices Kept(FaceCharacter character)
    {
        int slot = ((CudaFaceCharacter)character).Slot;
        return new DeviceVertices(_operators.PositionsAt(0, slot), _operators.Length(0), _operators.PositionsAt(1, slot), _operators.Length(1), _operators.Rooms);
    }

    /// <summary>Copies results of a call to frames.</summary>
    internal void Take(ReadOnlySpan<float> results, FaceFrames frames, int firstFrame, int count)
    {
        Take(ref results, frames.SkinWeights, frames.SkinWeightCount, firstFrame, count);
        Take(ref results, frames.TongueWeights, frames.TongueWeightCount, firstFrame, count);
        Take(ref results, frames.Jaw, 16, firstFrame, count);
        Take(ref results, frames.Eyes, 6, firstFrame, count);
        Take(ref results, frames.SkinVertices, 3 * frames.SkinVertexCount, firstFrame, count);
        Take(ref results, frames.TongueVertices, 3 * frames.TongueVertexCount, firstFrame, count);
    }

    private static int ParametersLength(int count, int tiles) =>
        (count * Marshal.SizeOf<FaceCharacterArguments>() + tiles * Marshal.SizeOf<FaceTile>()) / sizeof(float);

    private static void Take(ref ReadOnlySpan<float> results, float[] target, int length, int firstFrame, int count)
    {
        results[..(count * length)].CopyTo(target.AsSpan(firstFrame * length));
        results = results[(count * length)..];
    }

    // Fills the parameters of a call, characters sorted by face; returns the number of tiles.
    private int Describe(ReadOnlySpan<FaceCharacter> characters, Span<float> room, ReadOnlySpan<int> rows, ReadOnlySpan<long> frames)
    {
        Span<FaceCharacterArguments> arguments = MemoryMarshal.Cast<float, FaceCharacterArguments>(room)[..characters.Length];
        Array.Clear(_next);
        foreach (FaceCharacter character in characters) _next[((CudaFaceCharacter)character).RigIndex + 1]++;
        Span<FaceTile> tiles = MemoryMarshal.Cast<float, FaceTile>(room[ParametersLength(characters.Length, 0)..]);
        int tileCount = 0;
        for (int rig = 0; rig + 1 < _next.Length; rig++)
        {
            int first = _next[rig], end = first + _next[rig + 1];
            for (int at = first; at < end; at += FaceTile.Most)
                tiles[tileCount++] = new FaceTile { Rig = rig, First = at, Count = Math.Min(FaceTile.Most, end - at) };
            _next[rig + 1] = end;
        }
        arguments.Clear();
        for (int i = 0; i < characters.Length; i++)
        {
            CudaFaceCharacter character = (CudaFaceCharacter)characters[i];
            ref FaceCharacterArguments target = ref arguments[_next[character.RigIndex]++];
            character.Describe(ref target);
            target.Row = rows.IsEmpty ? i : rows[i];
            target.Out = i;
            target.Place = _operators.Rooms == 0 ? i : _operators.Place(character.Slot, frames[i]);
        }
        return tileCount;
    }

    public override void Dispose()
    {
        _disposed = true;
        _worker.Dispose();
    }
}
