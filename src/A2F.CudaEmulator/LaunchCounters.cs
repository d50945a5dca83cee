using System.Numerics;
using A2F.CudaEmulator.Execution;

namespace A2F.CudaEmulator;

/// <summary>What a launch did. Instructions are counted once a warp, flops once an active lane (a fused multiply-add is 2).</summary>
public sealed class LaunchCounters
{
    private readonly long[] _byClass = new long[Enum.GetValues<InstructionClass>().Length];

    /// <summary>Warp instructions of every class.</summary>
    public long WarpInstructions { get; private set; }

    /// <summary>Instructions times active lanes.</summary>
    public long LaneInstructions { get; private set; }

    /// <summary>Integer and logic warp instructions.</summary>
    public long Integer => _byClass[(int)InstructionClass.Integer];

    /// <summary>f32 arithmetic.</summary>
    public long Float => _byClass[(int)InstructionClass.Float];

    /// <summary>f64 arithmetic.</summary>
    public long Double => _byClass[(int)InstructionClass.Double];

    /// <summary>f16 and bf16 arithmetic outside the tensor cores.</summary>
    public long Half => _byClass[(int)InstructionClass.Half];

    /// <summary>Special functions: ex2, sin, rsqrt and their kind.</summary>
    public long Special => _byClass[(int)InstructionClass.Special];

    /// <summary>mma instructions.</summary>
    public long Tensor => _byClass[(int)InstructionClass.Tensor];

    /// <summary>Loads, stores, atomics, ldmatrix and cp.async.</summary>
    public long Memory => _byClass[(int)InstructionClass.Memory];

    /// <summary>Branches, barriers, votes and exits.</summary>
    public long Control => _byClass[(int)InstructionClass.Control];

    /// <summary>mov, cvt, cvta and selections.</summary>
    public long Move => _byClass[(int)InstructionClass.Move];

    /// <summary>Floating-point operations of ordinary instructions.</summary>
    public long LaneFlops { get; private set; }

    /// <summary>Floating-point (or integer) operations of mma instructions.</summary>
    public long TensorFlops { get; private set; }

    /// <summary>Bytes that lanes read from global and constant memory.</summary>
    public long GlobalBytesRead { get; internal set; }

    /// <summary>Bytes that lanes wrote to global memory.</summary>
    public long GlobalBytesWritten { get; internal set; }

    /// <summary>Warp-wide accesses to global memory.</summary>
    public long GlobalRequests { get; internal set; }

    /// <summary>Distinct 32-byte sectors, summed over those accesses.</summary>
    public long GlobalSectors { get; internal set; }

    /// <summary>Warp-wide accesses to shared memory.</summary>
    public long SharedRequests { get; internal set; }

    /// <summary>Extra cycles because lanes of an access wanted different words of one bank.</summary>
    public long SharedBankConflicts { get; internal set; }

    /// <summary>Warp-wide arrivals at block barriers.</summary>
    public long Barriers { get; internal set; }

    internal unsafe void Count(Instruction* i, uint mask)
    {
        WarpInstructions++;
        _byClass[(int)i->Class]++;
        int lanes = BitOperations.PopCount(mask);
        LaneInstructions += lanes;
        if (i->Class == InstructionClass.Tensor) TensorFlops += mask != 0 ? i->Flops : 0;
        else LaneFlops += (long)lanes * i->Flops;
    }

    /// <summary>Adds what another launch did.</summary>
    public void Add(LaunchCounters o)
    {
        for (int c = 0; c < _byClass.Length; c++) _byClass[c] += o._byClass[c];
        WarpInstructions += o.WarpInstructions;
        LaneInstructions += o.LaneInstructions;
        LaneFlops += o.LaneFlops;
        TensorFlops += o.TensorFlops;
        GlobalBytesRead += o.GlobalBytesRead;
        GlobalBytesWritten += o.GlobalBytesWritten;
        GlobalRequests += o.GlobalRequests;
        GlobalSectors += o.GlobalSectors;
        SharedRequests += o.SharedRequests;
        SharedBankConflicts += o.SharedBankConflicts;
        Barriers += o.Barriers;
    }
}
