using A2F.Engine.Runtime;

namespace A2F.Engine.Native.State;

/// <summary>What a2f_group_options ask for.</summary>
/// <param name="Options">What the engine is told, without what follows.</param>
/// <param name="Classifier">What hears emotions; null for nothing.</param>
/// <param name="FramesReady">Whom to tell of frames; null for nobody.</param>
internal sealed record GroupSetup(CharacterGroupOptions Options, ModelState? Classifier, FramesReadyHook? FramesReady);

/// <summary>A caller's function that is told of a character's new frames.</summary>
internal sealed unsafe class FramesReadyHook(delegate* unmanaged[Cdecl]<void*, nint, void> function, nint user)
{
    private readonly delegate* unmanaged[Cdecl]<void*, nint, void> _function = function;

    internal void Tell(nint character) => _function((void*)user, character);
}
