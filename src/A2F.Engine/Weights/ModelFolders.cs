namespace A2F.Engine.Weights;

/// <summary>What a model computes.</summary>
public enum ModelKind
{
    /// <summary>One frame of PCA coefficients from a window of audio: <see cref="RegressionModelFolder"/>.</summary>
    Regression,

    /// <summary>Frames of full geometry from a window of audio: <see cref="DiffusionModelFolder"/>.</summary>
    Diffusion,

    /// <summary>Emotion scores from a stretch of audio: <see cref="EmotionModelFolder"/>.</summary>
    Emotion,
}

/// <summary>Tells what a model folder holds.</summary>
public static class ModelFolders
{
    /// <summary>
    /// The kind of a model folder (or of the path of its model.json or manifest.json), from the file that names it; nothing else of the
    /// model is read.
    /// </summary>
    /// <exception cref="A2FException">It is no model folder, or of a kind that this engine does not know.</exception>
    public static ModelKind KindOf(string path)
    {
        (string file, bool packed) = Find(path);
        using JsonFile model = JsonFile.Open(file);
        if (packed)
        {
            PackedModel.CheckFormat(model.Root);
            return Known(model.Root["kind"], "regression", "diffusion", "emotion");
        }
        string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        using JsonFile info = JsonFile.Open(DeployFiles.Resolve(folder, model.Root["networkInfoPath"]));
        return Known(info.Root["id"]["type"], "regression", "diffusion", "classifier");
    }

    /// <summary>The name of a kind, as in a packed manifest.</summary>
    internal static string NameOf(ModelKind kind) => kind switch
    {
        ModelKind.Regression => "regression",
        ModelKind.Diffusion => "diffusion",
        _ => "emotion",
    };

    /// <summary>The file that a path leads to, and whether it is a packed manifest.</summary>
    internal static (string File, bool Packed) Find(string path)
    {
        if (!Directory.Exists(path))
        {
            if (!File.Exists(path))
            {
                throw new A2FException(A2FErrorCode.FileNotFound,
                    $"'{path}' does not exist; a model folder was expected");
            }
            return (path, Path.GetFileName(path) == PackedFormat.ManifestFile);
        }
        string manifest = Path.Combine(path, PackedFormat.ManifestFile);
        if (File.Exists(manifest)) return (manifest, true);
        string model = Path.Combine(path, "model.json");
        if (File.Exists(model)) return (model, false);
        throw new A2FException(A2FErrorCode.FileNotFound,
            $"'{path}' holds neither model.json nor {PackedFormat.ManifestFile}; it is no model folder");
    }

    /// <summary>Loads a folder of either format.</summary>
    internal static T Load<T>(string path, Func<string, T> packed, Func<string, T> deployed)
    {
        try
        {
            (string file, bool isPacked) = Find(path);
            return isPacked ? packed(Path.GetDirectoryName(Path.GetFullPath(file))!) : deployed(file);
        }
        catch (OutOfMemoryException e)
        {
            throw new A2FException(A2FErrorCode.OutOfMemory, $"'{path}': not enough memory for the model", e);
        }
    }

    private static ModelKind Known(JsonItem node, string regression, string diffusion, string emotion)
    {
        string found = node.Text();
        if (found == regression) return ModelKind.Regression;
        if (found == diffusion) return ModelKind.Diffusion;
        if (found == emotion) return ModelKind.Emotion;
        throw new A2FException(A2FErrorCode.InvalidModel,
            $"{node.File}: key '{node.Key}': expected '{regression}', '{diffusion}' or '{emotion}', found '{found}'");
    }
}
