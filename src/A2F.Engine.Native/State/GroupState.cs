using System.Diagnostics;
using A2F.Engine.Native.Abi;
using A2F.Engine.Runtime;

namespace A2F.Engine.Native.State;

/// <summary>What a handle of a group stands for.</summary>
internal sealed class GroupState : IHandled
{
    private readonly ModelState _model;
    private readonly CharacterGroup _group;
    private readonly Lock _gate = new();
    private readonly HashSet<nint> _characters = [];
    private bool _destroyed;

    internal GroupState(ModelState model, CharacterGroupOptions options)
    {
        _model = model;
        _group = model.CreateGroup(options);
        HasVertices = options.Vertices;
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
            _characters.Add(handle);
            return handle;
        }
    }

    /// <summary>Removes a character whose handle is out of the table.</summary>
    internal void Remove(nint handle, Character character)
    {
        lock (_gate) _characters.Remove(handle);
        try
        {
            _group.Remove(character);
        }
        catch (A2FException) when (_destroyed)
        {
            // The group went first, and the character with it.
        }
    }

    /// <summary>Runs windows, at most so many; the time that took.</summary>
    internal int Tick(int mostWindows, out TimeSpan time)
    {
        lock (_model.RunGate)
        {
            long start = Stopwatch.GetTimestamp();
            int windows = _group.Tick(mostWindows);
            time = Stopwatch.GetElapsedTime(start);
            return windows;
        }
    }

    /// <summary>Ends the group, whose handle is out of the table, and its characters.</summary>
    internal void Destroy()
    {
        lock (_gate)
        {
            _destroyed = true;
            foreach (nint handle in _characters) HandleTable.TryRemove<CharacterState>(handle);
            _characters.Clear();
        }
        _group.Dispose();
        _model.Release();
    }
}
