using System.Diagnostics;
using A2F.Engine.Native.Abi;
using A2F.Engine.Runtime;

namespace A2F.Engine.Native.State;

/// <summary>What a handle of a group stands for.</summary>
internal sealed class GroupState : IHandled
{
    private readonly List<ModelState> _held = [];
    private readonly CharacterGroup _group;
    private readonly FramesReadyHook? _framesReady;
    private readonly Lock _gate = new();
    private readonly Dictionary<Character, nint> _handles = [];
    private bool _destroyed;

    internal GroupState(ModelState model, GroupSetup setup)
    {
        _framesReady = setup.FramesReady;
        HasVertices = setup.Options.Vertices;
        try
        {
            Hold(model);
            if (setup.Classifier is not null) Hold(setup.Classifier);
            _group = model.CreateGroup(setup.Options with
            {
                EmotionModel = setup.Classifier?.Classifier,
                FramesReady = _framesReady is null ? null : Tell,
            });
        }
        catch
        {
            ReleaseAll();
            throw;
        }

        void Hold(ModelState used)
        {
            used.Hold();
            _held.Add(used);
        }
    }

    public static HandleKind Kind => HandleKind.Group;

    /// <summary>Whether frames have vertices on the host.</summary>
    internal bool HasVertices { get; }

    /// <summary>Adds a character; its handle.</summary>
    internal nint Add(CharacterOptions options)
    {
        Character character = _group.Add(options);
        lock (_gate)
        {
            if (_destroyed) throw new AbiException(AbiCode.BadHandle, "the group was destroyed");
            nint handle = HandleTable.Add(new CharacterState(this, character, _group.CreateFrame()));
            _handles.Add(character, handle);
            return handle;
        }
    }

    /// <summary>Removes a character whose handle is out of the table.</summary>
    internal void Remove(Character character)
    {
        lock (_gate) _handles.Remove(character);
        try
        {
            _group.Remove(character);
        }
        catch (A2FException) when (_destroyed)
        {
            // The group went first, and the character with it.
        }
    }

    /// <summary>Runs windows within a budget; the time that took.</summary>
    internal int Tick(TickBudget budget, out TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        int windows = _group.Tick(budget);
        time = Stopwatch.GetElapsedTime(start);
        return windows;
    }

    /// <summary>Makes frames readable that a GPU has finished.</summary>
    internal void Poll() => _group.Poll();

    /// <summary>Waits for a GPU, and makes its frames readable.</summary>
    internal void Finish() => _group.Finish();

    /// <summary>Ends the group, whose handle is out of the table, and its characters.</summary>
    internal void Destroy()
    {
        lock (_gate)
        {
            _destroyed = true;
            foreach (nint handle in _handles.Values) HandleTable.TryRemove<CharacterState>(handle);
            _handles.Clear();
        }
        try
        {
            _group.Dispose();
        }
        finally
        {
            ReleaseAll();
        }
    }

    // No lock is held while the caller's function runs, which may destroy the character, others or the group.
    private void Tell(Character character)
    {
        nint handle;
        lock (_gate)
        {
            if (!_handles.TryGetValue(character, out handle)) return;
        }
        _framesReady!.Tell(handle);
    }

    private void ReleaseAll()
    {
        foreach (ModelState model in _held) model.Release();
        _held.Clear();
    }
}
