using A2F.Engine.Animation;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Backends.Cuda.Driver;
using A2F.Engine.Networks;

namespace A2F.Engine.Runtime;

/// <summary>Emotion windows on a GPU without waiting for it, as <see cref="PipelinedRunner"/> runs those of faces.</summary>
internal sealed class PipelinedHearing : IDisposable
{
    private readonly IBatchNetwork _network;
    private readonly object _gate;
    private readonly CudaDeviceWorker _model;
    private readonly string _advice;
    private readonly CudaSlots _slots;
    private readonly int _window, _labels, _most;
    private readonly (Character Character, int Track)[] _batches; // [slot, place]
    private readonly int[] _counts;

    /// <summary>Hearing on a classifier, which it does not own.</summary>
    /// <exception cref="A2FException">The device has too little memory, or fails.</exception>
    internal PipelinedHearing(CudaOperators operators, IBatchNetwork network, object gate, int capacity)
    {
        (_network, _gate, _model) = (network, gate, (CudaDeviceWorker)operators.Worker);
        _advice = ModelChecks.AdviceFor(operators);
        (_window, _labels, _most) = (network.Inputs[0].Columns, network.Outputs[0].Columns, Math.Min(capacity, network.MaxBatch));
        _slots = new CudaSlots(_model, (capacity + _most - 1) / _most, checked(_most * _window), _most * _labels);
        (_batches, _counts) = (new (Character, int)[_slots.Count * _most], new int[_slots.Count]);
    }

    /// <summary>Whether <see cref="Begin"/> would start at once.</summary>
    internal bool HasRoom => _slots.HasRoom;

    /// <summary>Sets the next window of each of some characters going.</summary>
    internal void Begin(List<Character> characters)
    {
        CudaSlot slot = _slots[_slots.Next];
        int first = _slots.Next * _most, count = 0;
        for (int i = 0; i < characters.Count; i++)
        {
            try
            {
                Span<float> window = slot.Input.Slice(count * _window, _window);
                characters[i].Ears!.Read(window);
                ModelChecks.Finite("audio window", window, _window);
            }
            catch (A2FException e)
            {
                characters[i].Fail(e);
                continue;
            }
            _batches[first + count++] = (characters[i], characters[i].Track);
        }
        _counts[_slots.Next] = count;
        if (count == 0) return;
        lock (_gate)
        {
            try
            {
                CudaStream compute = _model.Stream;
                using CudaContext.Scope scope = _model.Enter();
                slot.Upload(count * _window, _slots.Up, compute);
                _model.Copy((ulong)_network.Inputs[0].Address, slot.InputAddress, count * _window);
                _network.Launch(count);
                _model.Copy(slot.OutputAddress, (ulong)_network.Outputs[0].Address, count * _labels);
                slot.Download(count * _labels, compute, _slots.Down);
            }
            catch (A2FException e)
            {
                GiveUp(_slots.Next, e);
                return;
            }
        }
        for (int i = 0; i < count; i++) _batches[first + i].Character.Ears!.IsUnderWay = true;
        _slots.Advance();
    }

    /// <summary>Hands scores out of batches that are finished; waits for those that are not where asked to.</summary>
    internal void Collect(bool wait)
    {
        for (int at = _slots.Oldest; at >= 0; at = _slots.Oldest)
        {
            CudaSlot slot = _slots[at];
            try
            {
                using CudaContext.Scope scope = _model.Enter();
                if (wait) slot.Wait();
                else if (!slot.IsFinished) return;
            }
            catch (A2FException e)
            {
                GiveUp(at, e);
                continue;
            }
            for (int i = 0; i < _counts[at]; i++)
            {
                if (IsWanted(_batches[at * _most + i])) Take(_batches[at * _most + i].Character, slot.Output.Slice(i * _labels, _labels));
            }
            slot.Free();
        }
    }

    private void Take(Character character, ReadOnlySpan<float> scores)
    {
        try
        {
            ModelChecks.Finite("network output", scores, _labels, _advice);
            character.Ears!.Take(scores);
        }
        catch (A2FException e)
        {
            character.Fail(e);
        }
    }

    private static bool IsWanted((Character Character, int Track) entry) =>
        !entry.Character.IsRemoved && entry.Character.Error is null && entry.Character.Track == entry.Track;

    private void GiveUp(int at, A2FException error)
    {
        for (int i = 0; i < _counts[at]; i++)
        {
            if (IsWanted(_batches[at * _most + i])) _batches[at * _most + i].Character.Fail(error);
        }
        lock (_gate) _slots.GiveUp(_slots[at]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate) _slots.Dispose();
    }
}
