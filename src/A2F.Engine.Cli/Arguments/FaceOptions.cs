using System.CommandLine;
using System.Globalization;
using A2F.Engine.Animation;
using A2F.Engine.Weights;

namespace A2F.Engine.Cli.Arguments;

/// <summary>Options that put a user's blendshapes, mask and solver in the place of the model's.</summary>
internal sealed class FaceOptions
{
    private readonly Option<string?> _blendshapes = new("--skin-blendshapes")
    {
        Description = "Skin blendshapes to solve for in place of the model's: npz like bs_skin.npz, or .glb with morph targets.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _mask = new("--skin-mask")
    {
        Description = "Skin vertices that the solve looks at: npz with 'frontalMask', a JSON array, or a text of indices.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _solver = new("--skin-solver")
    {
        Description = "Parameters of the skin solve, like bs_skin_config.json. [default: the model's, by the names of poses]",
        HelpName = "FILE",
    };

    private readonly Option<string?> _scale = new("--glb-scale")
    {
        Description = "Centimetres of one unit of a .glb file. [default: 100, as glTF counts in metres]",
        HelpName = "N",
    };

    private readonly Option<string?> _mesh = new("--glb-mesh")
    {
        Description = "Mesh of a .glb file. [default: the only one with morph targets]",
        HelpName = "NAME",
    };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_blendshapes, _mask, _solver, _scale, _mesh]) command.Options.Add(option);
    }

    /// <summary>What the command line says.</summary>
    /// <exception cref="UsageException">A scale that is none.</exception>
    public FaceArgument Parse(ParseResult parsed)
    {
        GlbOptions glb = new() { Mesh = parsed.GetValue(_mesh) };
        if (parsed.GetValue(_scale) is { } text)
        {
            bool valid = float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float scale) && scale is > 0 and <= 1e6f;
            glb = valid ? glb with { Scale = scale } : throw new UsageException($"--glb-scale: expected a number above 0 and at most 1e6, found '{text}'");
        }
        return new FaceArgument(parsed.GetValue(_blendshapes), parsed.GetValue(_mask), parsed.GetValue(_solver), glb);
    }
}

/// <summary>What <see cref="FaceOptions"/> say; null for what keeps the model's.</summary>
internal sealed record FaceArgument(string? Blendshapes, string? Mask, string? Solver, GlbOptions Glb)
{
    /// <summary>The files that are read.</summary>
    public IEnumerable<string> Files => new[] { Blendshapes, Mask, Solver }.OfType<string>();

    /// <summary>The face of a regression model; null where it is the model's own.</summary>
    /// <exception cref="A2FException">A file is wrong, or does not fit the model.</exception>
    public CustomFace? Apply(RegressionModelFolder folder) => Load(folder.Geometry, folder.SkinBlendshapes)?.Apply(folder);

    /// <summary>The face of a diffusion model's identity; null where it is the model's own.</summary>
    /// <exception cref="A2FException">A file is wrong, or does not fit the model.</exception>
    public CustomFace? Apply(DiffusionIdentity identity) => Load(identity.Geometry, identity.SkinBlendshapes)?.Apply(identity);

    private FaceCustomization? Load(FaceGeometry geometry, BlendshapeSet? own)
    {
        if (!Files.Any()) return null;
        int vertices = geometry.SkinNeutral.Length / 3;
        BlendshapeSet? set = Blendshapes is null ? null : BlendshapeFile.Load(Blendshapes, vertices, Glb);
        int poses = (set ?? own ?? throw new A2FException(A2FErrorCode.InvalidModel,
            "the model has no skin blendshapes to solve for; name some with --skin-blendshapes")).PoseNames.Count;
        return new FaceCustomization
        {
            SkinBlendshapes = set,
            SkinMask = Mask is null ? null : FrontalMaskFile.Load(Mask, vertices),
            SkinSolver = Solver is null ? null : BlendshapeFile.LoadSolver(Solver, poses),
        };
    }
}
