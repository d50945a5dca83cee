using System.Text;

namespace A2F.Engine.Native.Abi;

/// <summary>Tells the program that embeds the library what happens, on the thread on which it happens.</summary>
internal static unsafe class Log
{
    /// <summary>A2F_LOG_ERROR.</summary>
    public const int Error = 1;

    /// <summary>A2F_LOG_INFO.</summary>
    public const int Info = 3;

    private sealed class Hook(delegate* unmanaged[Cdecl]<void*, int, byte*, void> function, nint user)
    {
        private readonly delegate* unmanaged[Cdecl]<void*, int, byte*, void> _function = function;

        public void Tell(int level, byte* message) => _function((void*)user, level, message);
    }

    private static volatile Hook? _hook;

    /// <summary>Whom to tell; null for nobody.</summary>
    internal static void Set(delegate* unmanaged[Cdecl]<void*, int, byte*, void> function, nint user) =>
        _hook = function is null ? null : new Hook(function, user);

    internal static void Write(int level, string message)
    {
        if (_hook is not { } hook) return;
        fixed (byte* text = Encoding.UTF8.GetBytes(message + '\0')) hook.Tell(level, text);
    }
}
