namespace A2F.Engine.Native.Abi;

/// <summary>Kinds of handles.</summary>
internal enum HandleKind
{
    None,
    Audio,
    Model,
    Group,
    Character,
}

/// <summary>Something that C has a handle of.</summary>
internal interface IHandled
{
    /// <summary>The kind of its handles.</summary>
    static abstract HandleKind Kind { get; }
}

/// <summary>
/// What handles stand for. A handle is a number: place in the table (24 bits), kind (8 bits), generation of the place (32 bits). A place gets a
/// new generation whenever it is emptied, so that a handle never stands for something else later; it is retired before generations repeat.
/// </summary>
internal static class HandleTable
{
    private const int KindShift = 24, GenerationShift = 32;
    private const uint PlaceMask = (1 << KindShift) - 1;

    private struct Place
    {
        public object? Value;
        public HandleKind Kind;
        public uint Generation;
    }

    private static readonly Lock Gate = new();
    private static readonly Stack<int> Free = [];
    private static Place[] _places = new Place[64];
    private static int _count;

    /// <summary>A handle of something.</summary>
    internal static nint Add<T>(T value)
        where T : class, IHandled
    {
        lock (Gate)
        {
            if (!Free.TryPop(out int index))
            {
                if (_count > (int)PlaceMask) throw new AbiException(A2FErrorCode.OutOfMemory, $"there are {_count} handles, and no more are possible");
                if (_count == _places.Length) Array.Resize(ref _places, 2 * _count);
                index = _count++;
            }
            ref Place place = ref _places[index];
            (place.Value, place.Kind) = (value, T.Kind);
            return (nint)(((ulong)place.Generation << GenerationShift) | ((ulong)T.Kind << KindShift) | (uint)index);
        }
    }

    /// <summary>What a handle stands for.</summary>
    /// <exception cref="AbiException">It is null, made up, of another kind or destroyed.</exception>
    internal static T Get<T>(nint handle)
        where T : class, IHandled
    {
        lock (Gate) return (T)Find(handle, T.Kind).Value!;
    }

    /// <summary>Takes what a handle stands for out of the table, so that the handle is none any more.</summary>
    /// <exception cref="AbiException">It is null, made up, of another kind or destroyed.</exception>
    internal static T Remove<T>(nint handle)
        where T : class, IHandled
    {
        lock (Gate)
        {
            ref Place place = ref Find(handle, T.Kind);
            T value = (T)place.Value!;
            place.Value = null;
            if (++place.Generation != uint.MaxValue) Free.Push((int)((ulong)handle & PlaceMask));
            return value;
        }
    }

    /// <summary>As <see cref="Remove"/>, for a handle that somebody else may remove first.</summary>
    internal static bool TryRemove<T>(nint handle)
        where T : class, IHandled
    {
        lock (Gate)
        {
            if (!IsAlive(handle, T.Kind)) return false;
            Remove<T>(handle);
            return true;
        }
    }

    private static bool IsAlive(nint handle, HandleKind kind)
    {
        uint index = (uint)handle & PlaceMask;
        return KindOf(handle) == kind && index < _count && _places[index].Value is not null && _places[index].Generation == GenerationOf(handle);
    }

    private static ref Place Find(nint handle, HandleKind kind)
    {
        if (IsAlive(handle, kind)) return ref _places[(uint)handle & PlaceMask];
        throw new AbiException(AbiCode.BadHandle, Problem(handle, kind));
    }

    private static string Problem(nint handle, HandleKind kind)
    {
        string name = NameOf(kind);
        HandleKind found = KindOf(handle);
        uint index = (uint)handle & PlaceMask;
        if (handle == 0) return $"the handle of the {name} is null";
        if (found is <= HandleKind.None or > HandleKind.Character || index >= _count || GenerationOf(handle) > _places[index].Generation)
            return $"0x{handle:x} is no handle of this library; the handle of a {name} was expected";
        return found == kind ? $"the {name} was destroyed" : $"the handle of a {NameOf(found)} was given where that of a {name} was expected";
    }

    private static string NameOf(HandleKind kind) => kind switch
    {
        HandleKind.Audio => "loaded audio",
        HandleKind.Model => "model",
        HandleKind.Group => "group",
        _ => "character",
    };

    private static HandleKind KindOf(nint handle) => (HandleKind)(((ulong)handle >> KindShift) & 0xFF);

    private static uint GenerationOf(nint handle) => (uint)((ulong)handle >> GenerationShift);
}
