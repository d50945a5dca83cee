using A2F.Engine.Backends.Cuda.Driver;

namespace A2F.Engine.Backends.Cuda;

/// <summary>
/// Slots that batches go through in turn, and the streams that they go up and come down on: a ring, in which the batch that began first ends first.
/// </summary>
internal sealed class CudaSlots : IDisposable
{
    private const long MostFloats = 1 << 26; // of all slots, above two of them

    private readonly CudaDeviceWorker _worker;
    private readonly CudaSlot[] _slots;
    private readonly CudaBelongings _made = new();
    private readonly int _failuresAtFirst;

    /// <summary>Slots on a worker's device: two, or more where that many batches occur at a time and they are small.</summary>
    /// <param name="worker">Where.</param>
    /// <param name="batches">Batches that it takes to have everybody's window under way.</param>
    /// <param name="inputs">Floats that go up with a batch at most.</param>
    /// <param name="outputs">Floats that come down.</param>
    /// <exception cref="A2FException">The device has too little memory, or fails.</exception>
    internal CudaSlots(CudaDeviceWorker worker, int batches, int inputs, int outputs)
    {
        _worker = worker;
        _failuresAtFirst = worker.Device.Driver.Failures;
        int count = (int)Math.Clamp(2L * batches, 2, Math.Clamp(MostFloats / ((long)inputs + outputs), 2, 64));
        try
        {
            using CudaContext.Scope scope = worker.Enter();
            Up = _made.Add(new CudaStream(worker.Context, worker.Place.Priority));
            Down = _made.Add(new CudaStream(worker.Context, worker.Place.Priority));
            _slots = new CudaSlot[count];
            for (int i = 0; i < count; i++) _slots[i] = _made.Add(new CudaSlot(worker.Context, inputs, outputs));
        }
        catch
        {
            _made.Release();
            throw;
        }
    }

    /// <summary>Slots.</summary>
    internal int Count => _slots.Length;

    /// <summary>A slot.</summary>
    internal CudaSlot this[int index] => _slots[index];

    /// <summary>What batches go up on.</summary>
    internal CudaStream Up { get; }

    /// <summary>What batches come down on.</summary>
    internal CudaStream Down { get; }

    /// <summary>The slot of the batch that begins next.</summary>
    internal int Next { get; private set; }

    /// <summary>Whether that one is free.</summary>
    internal bool HasRoom => !_slots[Next].IsBusy;

    /// <summary>The batch has begun.</summary>
    internal void Advance() => Next = (Next + 1) % _slots.Length;

    /// <summary>The slot of the batch that began first of those under way; -1 where none is.</summary>
    internal int Oldest
    {
        get
        {
            for (int i = 0; i < _slots.Length; i++)
            {
                int at = (Next + i) % _slots.Length;
                if (_slots[at].IsBusy) return at;
            }
            return -1;
        }
    }

    /// <summary>Frees the slot of a batch that failed: waits until nothing uses it any more.</summary>
    internal void GiveUp(CudaSlot slot)
    {
        TryWait();
        slot.Free();
    }

    // What a lost device says: nothing runs on it any more.
    private A2FException? TryWait()
    {
        try
        {
            using CudaContext.Scope scope = _worker.Enter();
            _worker.Context.Synchronize();
            return null;
        }
        catch (A2FException e)
        {
            return e;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        bool told = _worker.Device.Driver.Failures != _failuresAtFirst;
        A2FException? waiting = TryWait(), first = _made.Release();
        first = waiting ?? first;
        if (first is not null && !told) throw first;
    }
}
