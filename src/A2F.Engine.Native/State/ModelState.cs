using A2F.Engine.Animation;
using A2F.Engine.Native.Abi;
using A2F.Engine.Runtime;
using A2F.Engine.Weights;

namespace A2F.Engine.Native.State;

/// <summary>What a handle of a model stands for. The model lives as long as its handle or a group that uses it.</summary>
internal sealed class ModelState : IHandled
{
    private readonly IDisposable _model;
    private readonly Func<CharacterGroupOptions, CharacterGroup>? _createGroup;
    private int _users = 1;

    private ModelState(string path, RegressionModel model)
    {
        (Path, _model, _createGroup) = (path, model, options => CharacterGroup.Create(model, options));
        RegressionInfo info = model.Folder.Info;
        Names = ModelNames.OfFace(info.Emotions, [info.Actor], model.Rig, model.Folder.Settings);
        Info = new ModelFacts(ModelKind.Regression, model.InputLength, (0, 1), info.DefaultEmotion, model.Device, model.DeviceReason, model.BackendBytes);
    }

    private ModelState(string path, DiffusionModel model)
    {
        (Path, _model, _createGroup) = (path, model, options => CharacterGroup.Create(model, options));
        DiffusionInfo info = model.Folder.Info;
        Names = ModelNames.OfFace(info.Emotions, info.Identities, model.RigOf(0), model.Folder.Identities[0].Settings);
        Info = new ModelFacts(
            ModelKind.Diffusion, model.WindowLength, info.FrameRateFraction, info.DefaultEmotion, model.Device, model.DeviceReason, model.BackendBytes);
    }

    private ModelState(string path, EmotionModel model)
    {
        (Path, _model) = (path, model);
        Names = ModelNames.OfClassifier(model.Folder.Info.Labels);
        Info = new ModelFacts(ModelKind.Emotion, model.WindowLength, (0, 1), [], model.Device, model.DeviceReason, model.BackendBytes);
    }

    public static HandleKind Kind => HandleKind.Model;

    /// <summary>Where it was loaded from.</summary>
    internal string Path { get; }

    /// <summary>Names of what goes in and out.</summary>
    internal ModelNames Names { get; }

    /// <summary>Sizes and the like.</summary>
    internal ModelFacts Info { get; }

    /// <summary>The model as one that hears emotions.</summary>
    /// <exception cref="AbiException">It is a face model.</exception>
    internal EmotionModel Classifier => _model as EmotionModel
        ?? throw new AbiException(A2FErrorCode.InvalidArgument, $"emotion_model: {Path} is a face model; an emotion model was expected, or null for none");

    /// <summary>Loads a folder of any kind.</summary>
    internal static ModelState Load(string path, ModelOptions options)
    {
        ModelState state = ModelFolders.KindOf(path) switch
        {
            ModelKind.Regression => Keep(RegressionModel.Load(path, options), model => model.HasNetwork, model => new ModelState(path, model)),
            ModelKind.Diffusion => Keep(DiffusionModel.Load(path, options), model => model.HasNetwork, model => new ModelState(path, model)),
            _ => Keep(EmotionModel.Load(path, options), _ => true, model => new ModelState(path, model)),
        };
        ModelFacts info = state.Info;
        string reason = info.DeviceReason is { Length: > 0 } text ? $" ({text})" : "";
        Log.Write(Log.Info, $"model {path}: {info.Kind.ToString().ToLowerInvariant()}, on {info.Device}{reason}, {info.BackendBytes:N0} bytes");
        return state;

        ModelState Keep<T>(T model, Func<T, bool> hasNetwork, Func<T, ModelState> make)
            where T : IDisposable
        {
            try
            {
                if (!hasNetwork(model)) throw new A2FException(A2FErrorCode.InvalidModel, $"{path} holds no network, and characters need one");
                return make(model);
            }
            catch
            {
                model.Dispose();
                throw;
            }
        }
    }

    /// <summary>Makes a group on it, which must hold it.</summary>
    /// <exception cref="AbiException">It is an emotion model.</exception>
    internal CharacterGroup CreateGroup(CharacterGroupOptions options) => _createGroup is not null
        ? _createGroup(options)
        : throw new AbiException(A2FErrorCode.InvalidArgument,
            $"{Path} is an emotion model, which has no face to animate; make the group on a face model, and name this one as its emotion_model");

    /// <summary>Keeps the model until <see cref="Release"/>.</summary>
    /// <exception cref="AbiException">It is gone.</exception>
    internal void Hold()
    {
        int users;
        do
        {
            users = Volatile.Read(ref _users);
            if (users == 0) throw new AbiException(AbiCode.BadHandle, "the model was destroyed");
        }
        while (Interlocked.CompareExchange(ref _users, users + 1, users) != users);
    }

    /// <summary>Says that its handle, or a group, needs the model no more.</summary>
    internal void Release()
    {
        if (Interlocked.Decrement(ref _users) > 0) return;
        _model.Dispose();
        Log.Write(Log.Info, $"model {Path}: released");
    }
}
