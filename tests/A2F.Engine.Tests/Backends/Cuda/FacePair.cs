using A2F.Engine.Animation;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Animation;

namespace A2F.Engine.Tests.Backends.Cuda;

/// <summary>The same characters on the CPU and on a GPU.</summary>
internal sealed class FacePair : IDisposable
{
    private readonly FaceRig[] _rigs;
    private readonly List<(FaceCharacter Cpu, FaceCharacter Cuda)> _characters = [];
    private readonly FaceStage _cpu;
    private int _calls;

    public FacePair(string device, CudaFaceStageTests.Way way, int capacity, params FaceRig[] rigs)
    {
        _rigs = rigs;
        FaceStageOptions options = new()
        {
            Device = "cpu",
            Capacity = capacity,
            Vertices = way == CudaFaceStageTests.Way.Vertices,
            Folded = way == CudaFaceStageTests.Way.Folded,
        };
        _cpu = FaceStage.Create(rigs, options);
        ModelOptions target = CudaTarget.Of(device).Options(default);
        Cuda = FaceStage.Create(rigs, options with { Device = target.Device, CudaDriver = target.CudaDriver });
    }

    public FaceStage Cuda { get; }

    /// <summary>A character on the GPU.</summary>
    public FaceCharacter this[int character] => _characters[character].Cuda;

    public IEnumerable<FaceCharacter> Both(int character) => [_characters[character].Cpu, _characters[character].Cuda];

    /// <summary>The first face.</summary>
    public FaceRig Rig => _rigs[0];

    public void Add(int rig, AnimatorParameters parameters, SolverParameters? skin = null, SolverParameters? tongue = null)
    {
        skin ??= Golden.Solver("skin");
        tongue ??= Golden.Solver("tongue");
        FaceCharacter cuda = Cuda.Add(_rigs[rig], parameters, skin, tongue);
        _characters.Add((_cpu.Add(_rigs[rig], parameters, skin, tongue), cuda));
    }

    public void Remove(int character)
    {
        _cpu.Remove(_characters[character].Cpu);
        Cuda.Remove(_characters[character].Cuda);
    }

    public FaceFrames AnimateCuda(int[] characters, float[][] rows)
    {
        FaceFrames frames = Cuda.CreateFrames(characters.Length);
        Cuda.Animate([.. characters.Select(i => _characters[i].Cuda)], [.. rows.SelectMany(row => row)], frames);
        return frames;
    }

    /// <summary>A frame of each character on both; fails where they differ.</summary>
    public void Animate(int[] characters, float[][] rows)
    {
        FaceFrames expected = _cpu.CreateFrames(characters.Length);
        _cpu.Animate([.. characters.Select(i => _characters[i].Cpu)], [.. rows.SelectMany(row => row)], expected);
        FaceFixture.AssertClose(expected, AnimateCuda(characters, rows), $"call {_calls++} on {Cuda.Device}");
    }

    public void Dispose()
    {
        _cpu.Dispose();
        Cuda.Dispose();
    }
}
