using A2F.Engine.Animation;
using A2F.Engine.Native.Abi;
using A2F.Engine.Runtime;
using A2F.Engine.Weights;

namespace A2F.Engine.Native.State;

/// <summary>What a handle of a model stands for. The model lives as long as its handle or a group on it.</summary>
internal sealed class ModelState : IHandled
{
    private readonly IDisposable _model;
    private readonly Func<CharacterGroupOptions, CharacterGroup> _createGroup;
    private int _users = 1;

    private ModelState(string path, RegressionModel model)
    {
        (Path, _model, _createGroup) = (path, model, options => CharacterGroup.Create(model, options));
        RegressionInfo info = model.Folder.Info;
        Names = new ModelNames(info.Emotions, [info.Actor], model.Rig, model.Folder.Settings);
        Info = new ModelFacts(ModelKind.Regression, model.InputLength, (0, 1), info.DefaultEmotion, model.Device, model.DeviceReason, model.BackendBytes);
    }

    private ModelState(string path, DiffusionModel model)
    {
        (Path, _model, _createGroup) = (path, model, options => CharacterGroup.Create(model, options));
        DiffusionInfo info = model.Folder.Info;
        Names = new ModelNames(info.Emotions, info.Identities, model.RigOf(0), model.Folder.Identities[0].Settings);
        Info = new ModelFacts(
            ModelKind.Diffusion, model.WindowLength, info.FrameRateFraction, info.DefaultEmotion, model.Device, model.DeviceReason, model.BackendBytes);
    }

    public static HandleKind Kind => HandleKind.Model;

    /// <summary>Where it was loaded from.</summary>
    internal string Path { get; }

    /// <summary>Names of what goes in and out.</summary>
    internal ModelNames Names { get; }

    /// <summary>Sizes and the like.</summary>
    internal ModelFacts Info { get; }

    /// <summary>Held by whoever runs the network: groups on one model take turns.</summary>
    internal Lock RunGate { get; } = new();

    /// <summary>Loads a folder of either kind.</summary>
    internal static ModelState Load(string path, ModelOptions options)
    {
        ModelKind kind = ModelFolders.KindOf(path);
        ModelState state = kind switch
        {
            ModelKind.Regression => Keep(RegressionModel.Load(path, options), model => model.HasNetwork, model => new ModelState(path, model)),
            ModelKind.Diffusion => Keep(DiffusionModel.Load(path, options), model => model.HasNetwork, model => new ModelState(path, model)),
            _ => throw new A2FException(A2FErrorCode.InvalidModel, $"{path} is an emotion model, which has no face to animate; name the folder of a face model"),
        };
        string reason = state.Info.DeviceReason is { Length: > 0 } text ? $" ({text})" : "";
        Log.Write(Log.Info, $"model {path}: {kind.ToString().ToLowerInvariant()}, on {state.Info.Device}{reason}, {state.Info.BackendBytes:N0} bytes");
        return state;

        ModelState Keep<T>(T model, Func<T, bool> hasNetwork, Func<T, ModelState> make)
            where T : IDisposable
        {
            try
            {
                if (hasNetwork(model)) return make(model);
                throw new A2FException(A2FErrorCode.InvalidModel, $"{path} holds no network, and characters need one");
            }
            catch
            {
                model.Dispose();
                throw;
            }
        }
    }

    /// <summary>Makes a group, and keeps the model for it until <see cref="Release"/>.</summary>
    internal CharacterGroup CreateGroup(CharacterGroupOptions options)
    {
        int users;
        do
        {
            users = Volatile.Read(ref _users);
            if (users == 0) throw new AbiException(AbiCode.BadHandle, "the model was destroyed");
        }
        while (Interlocked.CompareExchange(ref _users, users + 1, users) != users);
        try
        {
            lock (RunGate) return _createGroup(options);
        }
        catch
        {
            Release();
            throw;
        }
    }

    /// <summary>Says that its handle, or a group, needs the model no more.</summary>
    internal void Release()
    {
        if (Interlocked.Decrement(ref _users) > 0) return;
        _model.Dispose();
        Log.Write(Log.Info, $"model {Path}: released");
    }
}
