using System.Numerics;
using A2F.CudaEmulator.Memory;

namespace A2F.CudaEmulator.Execution;

internal enum WarpState
{
    Ready, Waiting, Done,
}

/// <summary>32 threads in lockstep: their registers, and the stack of diverged paths.</summary>
internal sealed unsafe class Warp
{
    public const ulong LocalWindow = 0x2_0000_0000_0000;

    public readonly int Index;
    public readonly Block Block;
    public readonly Program Program;
    public byte* Registers;
    public uint* Predicates;
    /// <summary>Lanes that execute the current instruction.</summary>
    public uint Mask;
    public uint CarryFlags;
    public Instruction* Current;
    public WarpState State;
    /// <summary>Lanes that exist: the last warp of a block may be partial.</summary>
    public uint Present;
    public uint Exited;
    public byte* Local;
    public byte* LocalShadow;
    public readonly AsyncCopies Copies = new();
    public Allocation? LastAllocation;
    // Barrier the warp waits at.
    public int BarrierId, BarrierCount;
    public uint BarrierPredicate;

    private int[] _pc = new int[32];
    private int[] _reconverge = new int[32];
    private uint[] _mask = new uint[32];
    private int _depth;
    private long _executed;

    public Warp(Block block, int index, int present)
    {
        (Block, Index, Program) = (block, index, block.Launch.Program);
        Present = present == 32 ? uint.MaxValue : (1u << present) - 1;
        Registers = (byte*)NativeMemory.AlignedAlloc((nuint)Program.RegisterBytes, 64);
        NativeMemory.Clear(Registers, (nuint)Program.RegisterBytes);
        Predicates = (uint*)NativeMemory.AllocZeroed((nuint)Program.PredicateCount, 4);
        int local = Program.Function.LocalBytes * 32;
        if (local > 0)
        {
            Local = (byte*)NativeMemory.AlignedAlloc((nuint)local, 64);
            LocalShadow = (byte*)NativeMemory.AllocZeroed((nuint)local);
        }
        foreach ((int offset, ulong value, int bytes) in Program.Constants)
            for (int l = 0; l < 32; l++)
            {
                if (bytes == 8) Lanes.Set(Registers + offset, l, value);
                else Lanes.Set(Registers + offset, l, (uint)value);
            }
    }

    public uint Alive => Present & ~Exited;

    public void Release()
    {
        NativeMemory.AlignedFree(Registers);
        NativeMemory.Free(Predicates);
        if (Local == null) return;
        NativeMemory.AlignedFree(Local);
        NativeMemory.Free(LocalShadow);
    }

    /// <summary>Back to the first instruction, for the next block.</summary>
    public void Restart()
    {
        NativeMemory.Clear(Registers, (nuint)Program.ConstantsAt);
        NativeMemory.Clear(Predicates, (nuint)Program.PredicateCount * 4);
        Predicates[0] = uint.MaxValue;
        if (LocalShadow != null) NativeMemory.Clear(LocalShadow, (nuint)Program.Function.LocalBytes * 32);
        Exited = 0;
        CarryFlags = 0;
        Copies.Clear();
        _depth = 0;
        _pc[0] = 0;
        _reconverge[0] = -1;
        _mask[0] = Present;
        _executed = 0;
        State = WarpState.Ready;
        LoadSpecials();
    }

    /// <summary>Runs until the warp waits, ends, or has executed <paramref name="budget"/> instructions.</summary>
    public void Run(int budget)
    {
        Instruction* code = Block.Launch.Code;
        LaunchCounters counters = Block.Counters;
        while (budget-- > 0)
        {
            int pc = _pc[_depth];
            if (pc == _reconverge[_depth] && _depth > 0)
            {
                _depth--;
                continue;
            }
            uint active = _mask[_depth] & ~Exited;
            if (active == 0)
            {
                if (_depth == 0)
                {
                    State = WarpState.Done;
                    return;
                }
                _depth--;
                continue;
            }
            Instruction* i = code + pc;
            uint mask = active;
            if (i->Guard != 0) mask &= i->GuardNegated ? ~Predicates[i->Guard] : Predicates[i->Guard];
            Current = i;
            Mask = mask;
            if (i->Counted) counters.Count(i, mask);
            if (i->Flow == Flow.Next)
            {
                if (mask != 0) i->Run(this, i);
                _pc[_depth] = pc + 1;
            }
            else if (!Move(i, pc, active, mask)) break;
        }
        _executed += 1;
        if (_executed > Block.Launch.TimeSliceLimit) throw Fault(EmulatorErrorKind.Hang, -1, 0, "the warp does not end");
    }

    /// <summary>Control flow; false when the warp has to wait.</summary>
    private bool Move(Instruction* i, int pc, uint active, uint mask)
    {
        switch (i->Flow)
        {
            case Flow.Branch:
                Branch(i, pc, active, mask);
                return true;
            case Flow.Exit:
                Exited |= mask;
                _pc[_depth] = pc + 1;
                return true;
            default:
                _pc[_depth] = pc + 1;
                if (mask == 0) return true;
                if (mask != Alive)
                    throw Fault(EmulatorErrorKind.DivergentBarrier, BitOperations.TrailingZeroCount(Alive & ~mask), 0,
                        $"only lanes {mask:x8} of {Alive:x8} reached the barrier; the first missing lane is named");
                i->Run(this, i);
                return State == WarpState.Ready;
        }
    }

    private void Branch(Instruction* i, int pc, uint active, uint taken)
    {
        uint rest = active & ~taken;
        if (taken == 0 || rest == 0)
        {
            _pc[_depth] = taken == 0 ? pc + 1 : i->Target;
            return;
        }
        int meet = i->Reconverge;
        Instruction* code = Block.Launch.Code;
        if (meet >= 0 && IsExit(code + meet)) meet = -1;
        // Lanes whose path begins by leaving do so at once.
        if (IsExit(code + i->Target))
        {
            Exited |= taken;
            _pc[_depth] = pc + 1;
            return;
        }
        if (IsExit(code + pc + 1))
        {
            Exited |= rest;
            _pc[_depth] = i->Target;
            return;
        }
        if (meet < 0 || meet == _reconverge[_depth])
        {
            // The paths replace the entry they came from: whatever waits below already waits for them.
            meet = _reconverge[_depth];
            _depth--;
        }
        else _pc[_depth] = meet;
        bool restFirst = EndsByLeaving(pc + 1);
        if (!restFirst && pc + 1 != meet) Push(pc + 1, meet, rest);
        if (i->Target != meet) Push(i->Target, meet, taken);
        if (restFirst && pc + 1 != meet) Push(pc + 1, meet, rest);
    }

    private static bool IsExit(Instruction* i) => i->Flow == Flow.Exit && i->Guard == 0;

    private bool EndsByLeaving(int pc)
    {
        for (int steps = 0; steps < 256; steps++)
        {
            Instruction* i = Block.Launch.Code + pc;
            if (IsExit(i)) return true;
            if (i->Flow == Flow.Barrier || (i->Flow == Flow.Branch && i->Guard != 0)) return false;
            pc = i->Flow == Flow.Branch ? i->Target : pc + 1;
        }
        return false;
    }

    private void Push(int pc, int reconverge, uint mask)
    {
        if (++_depth == _pc.Length)
        {
            Array.Resize(ref _pc, _depth * 2);
            Array.Resize(ref _reconverge, _depth * 2);
            Array.Resize(ref _mask, _depth * 2);
        }
        (_pc[_depth], _reconverge[_depth], _mask[_depth]) = (pc, reconverge, mask);
    }

    private void LoadSpecials()
    {
        foreach ((int offset, string name) in Program.Specials)
            for (int l = 0; l < 32; l++)
            {
                ulong v = Special(name, l);
                if (name.EndsWith("64", StringComparison.Ordinal)) Lanes.Set(Registers + offset, l, v);
                else Lanes.Set(Registers + offset, l, (uint)v);
            }
    }

    private ulong Special(string name, int lane)
    {
        Launch launch = Block.Launch;
        Dim3 thread = launch.BlockSize.At(Index * 32 + lane), block = Block.Position;
        return name switch
        {
            "%tid.x" => (ulong)thread.X,
            "%tid.y" => (ulong)thread.Y,
            "%tid.z" => (ulong)thread.Z,
            "%ntid.x" => (ulong)launch.BlockSize.X,
            "%ntid.y" => (ulong)launch.BlockSize.Y,
            "%ntid.z" => (ulong)launch.BlockSize.Z,
            "%ctaid.x" => (ulong)block.X,
            "%ctaid.y" => (ulong)block.Y,
            "%ctaid.z" => (ulong)block.Z,
            "%nctaid.x" => (ulong)launch.GridSize.X,
            "%nctaid.y" => (ulong)launch.GridSize.Y,
            "%nctaid.z" => (ulong)launch.GridSize.Z,
            "%laneid" => (ulong)lane,
            "%warpid" => (ulong)Index,
            "%nwarpid" => (ulong)launch.Device.MaxWarpsPerMultiprocessor,
            "%smid" => (ulong)(Block.Number % launch.Device.MultiprocessorCount),
            "%nsmid" => (ulong)launch.Device.MultiprocessorCount,
            "%gridid" or "%gridid64" => 1,
            "%lanemask_eq" => 1u << lane,
            "%lanemask_lt" => (1u << lane) - 1,
            "%lanemask_le" => (uint)((2UL << lane) - 1),
            "%lanemask_gt" => ~(uint)((2UL << lane) - 1),
            "%lanemask_ge" => ~((1u << lane) - 1),
            "%dynamic_smem_size" => (ulong)launch.DynamicSharedBytes,
            "%total_smem_size" => (ulong)launch.SharedBytes,
            _ => 0,
        };
    }

    /// <summary>clock counts executed instructions: it grows, and is the same in every run.</summary>
    public ulong Clock => (ulong)Block.Counters.WarpInstructions;

    public EmulatorException Fault(EmulatorErrorKind kind, int lane, ulong address, string what)
    {
        int line = Program.LineOf(*Current);
        string text = Program.Text.Line(line).Trim();
        Dim3 thread = Block.Launch.BlockSize.At(Index * 32 + Math.Max(lane, 0));
        string place = lane >= 0 ? $"thread {thread} (warp {Index}, lane {lane})" : $"warp {Index}";
        return new EmulatorException(kind,
            $"{kind} in kernel {Program.Function.Name}, block {Block.Position}, {place}, PTX line {line} `{text}`: {what}")
        {
            Kernel = Program.Function.Name,
            Line = line,
            LineText = text,
            Block = Block.Position,
            Thread = thread,
            Lane = lane,
            Address = address,
        };
    }
}
