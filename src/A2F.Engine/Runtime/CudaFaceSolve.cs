using System.Runtime.InteropServices;
using A2F.Engine.Animation;
using A2F.Engine.Backends.Cuda;

namespace A2F.Engine.Runtime;

/// <summary>What characters share of one part, skin or tongue.</summary>
/// <param name="Setups">Solve setups.</param>
/// <param name="Folds">Folds; null where the part is posed.</param>
internal sealed record CudaFaceShared(CudaFaceBlocks<SolverSetup> Setups, CudaFaceBlocks<FoldedBasis>? Folds);

/// <summary>What characters share.</summary>
internal sealed record CudaFaceParts(CudaFaceShared Skin, CudaFaceShared Tongue);

/// <summary>The solve of one part of a character: what it follows, and what the device has of it. As BlendshapeSolver.SetParameters keeps state.</summary>
internal sealed class CudaFaceSolve
{
    private readonly BlendshapeBasis _basis;
    private readonly string _what;
    private readonly bool[] _lost; // poses whose weight before the device still has, and must not use
    private bool _anyLost, _newSetup = true, _newScales = true;
    private int _flags = FacePartArguments.Fresh | FacePartArguments.Forget;
    private CudaFaceBlock<SolverSetup>? _setup;
    private CudaFaceBlock<FoldedBasis>? _fold;

    private CudaFaceSolve(BlendshapeBasis basis, string what, SolverSetup setup)
    {
        (_basis, _what, Setup) = (basis, what, setup);
        _lost = new bool[basis.PoseCount];
    }

    internal SolverSetup Setup { get; private set; }

    /// <summary>The solve of a part, or null where it has no blendshapes.</summary>
    internal static CudaFaceSolve? Of(BlendshapeBasis? basis, SolverParameters? parameters, SolveOptions options, string what)
    {
        if (basis is null) return null;
        if (parameters is null)
            throw new A2FException(A2FErrorCode.InvalidArgument, $"the face has {what} blendshapes, so the solve needs {what} parameters");
        return new CudaFaceSolve(basis, what, new SolverSetup(basis, parameters, options, what));
    }

    internal SolverSetup With(SolverParameters parameters, SolveOptions options) => new(_basis, parameters, options, _what);

    internal void Set(SolverSetup setup)
    {
        SolverSetup old = Setup;
        Setup = setup;
        _newSetup = _newScales = true;
        if (setup.SolvesAs(old)) return;
        _flags |= FacePartArguments.Fresh;
        foreach (int pose in old.Active)
        {
            if (Array.BinarySearch(setup.Active, pose) < 0) _lost[pose] = _anyLost = true;
        }
    }

    internal void Reset() => _flags = FacePartArguments.Fresh | FacePartArguments.Forget;

    internal void Synchronise(CudaFaceOperators operators, CudaFaceShared shared, int part, int slot, FoldedBasis? fold)
    {
        if (_newSetup)
        {
            if (_setup is null || _setup.Content != Setup)
            {
                shared.Setups.Give(_setup);
                _setup = null;
                _setup = shared.Setups.Take(Setup);
            }
            _newSetup = false;
        }
        if (fold is not null && _fold?.Content != fold)
        {
            shared.Folds!.Give(_fold);
            _fold = null;
            _fold = shared.Folds.Take(fold);
        }
        if (_newScales)
        {
            ulong address = operators.Scales(part, slot);
            operators.Upload(address, Values(Setup.Parameters.Multipliers));
            operators.Upload(address + (ulong)_basis.PoseCount * sizeof(float), Values(Setup.Parameters.Offsets));
            _newScales = false;
        }
        if (!_anyLost) return;
        ReadOnlySpan<byte> nothing = stackalloc byte[sizeof(double)];
        for (int pose = 0; pose < _lost.Length; pose++)
        {
            if (_lost[pose]) operators.Upload(operators.WeightBefore(part, slot, pose), nothing);
            _lost[pose] = false;
        }
        _anyLost = false;
    }

    private static ReadOnlySpan<byte> Values(IReadOnlyList<float> values) => MemoryMarshal.AsBytes<float>(values.ToArray());

    internal void Release(CudaFaceShared shared)
    {
        shared.Setups.Give(_setup);
        shared.Folds?.Give(_fold);
        (_setup, _fold) = (null, null);
    }

    internal void Describe(ref FacePartArguments target)
    {
        CudaFaceContents.Describe(_setup!.Address, Setup, _basis.PoseCount, ref target);
        target.Fold = _fold?.Address ?? 0;
        target.Columns = _fold?.Content!.Columns ?? 0;
        target.Flags = _flags;
    }

    internal void Advance() => _flags = 0;
}
