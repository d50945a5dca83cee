using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using A2F.Engine.Native.Abi;
using A2F.Engine.Native.Exports;
using A2F.Engine.Native.State;
using A2F.Engine.Runtime;
using A2F.Engine.Tests.Weights;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Native;

/// <summary>a2f.h says what the library does: the same numbers, layouts and functions.</summary>
public sealed partial class HeaderTests : IDisposable
{
    private static readonly (string Name, Type Type)[] Structs =
    [
        ("a2f_model_options", typeof(ModelOptionsData)), ("a2f_model_info", typeof(ModelInfoData)), ("a2f_group_options", typeof(GroupOptionsData)),
        ("a2f_tick_options", typeof(TickOptionsData)), ("a2f_tick_report", typeof(TickReportData)),
        ("a2f_character_options", typeof(CharacterOptionsData)), ("a2f_character_status", typeof(CharacterStatusData)), ("a2f_frame", typeof(FrameData)),
    ];

    private readonly TemporaryFolder _folder = new();

    [NativeTheory]
    [InlineData("gcc", "-std=c99", "c")]
    [InlineData("g++", "-std=c++17", "c++")]
    [InlineData("clang", "-std=c99", "c")]
    public void The_header_compiles_alone(string compiler, string standard, string language)
    {
        string source = _folder.Write("alone.c", "#include \"a2f.h\"\n"u8.ToArray());
        NativeBuild.Run(compiler, [standard, "-Wall", "-Wextra", "-Werror", "-pedantic", "-x", language, "-I", NativeBuild.Include, "-fsyntax-only", source]);
    }

    [NativeFact]
    public void Its_codes_are_those_of_the_library()
    {
        Dictionary<string, int> header = Constants("A2F_ERROR_");
        Dictionary<string, int> engine = Enum.GetValues<A2FErrorCode>().ToDictionary(c => "A2F_ERROR_" + Snake(c.ToString()).ToUpperInvariant(), c => (int)c);
        foreach (FieldInfo field in typeof(AbiCode).GetFields().Where(f => (int)f.GetRawConstantValue()! > 0))
            engine.Add("A2F_ERROR_" + Snake(field.Name).ToUpperInvariant(), (int)field.GetRawConstantValue()!);
        Assert.Equal(engine.OrderBy(c => c.Value), header.OrderBy(c => c.Value));
        foreach ((string name, int code) in header) Assert.Equal(name + "\0", Encoding.ASCII.GetString(AbiCode.NameOf(code)));
        Assert.Equal((AbiCode.Ok, AbiCode.NoFrame), (Constants("A2F_OK")["A2F_OK"], Constants("A2F_NO_FRAME")["A2F_NO_FRAME"]));
    }

    [NativeFact]
    public void Its_other_constants_are_those_of_the_library()
    {
        Check<WhenFull>("A2F_WHEN_FULL_");
        Check<NameList>("A2F_NAMES_");
        Check<ModelKind>("A2F_MODEL_");
        Check<EmotionWindowPlace>("A2F_EMOTION_WINDOWS_");
        Assert.Equal(new Dictionary<string, int> { ["A2F_LOG_ERROR"] = Log.Error, ["A2F_LOG_INFO"] = Log.Info }, Constants("A2F_LOG_"));
        string text = File.ReadAllText(NativeBuild.Header);
        int major = int.Parse(Regex.Match(text, @"#define A2F_ABI_MAJOR (\d+)").Groups[1].Value), minor = int.Parse(Regex.Match(text, @"#define A2F_ABI_MINOR (\d+)").Groups[1].Value);
        Assert.Equal(LibraryExports.AbiVersion, (uint)((major << 16) | minor));

        static void Check<T>(string prefix)
            where T : struct, Enum =>
            Assert.Equal(
                Enum.GetValues<T>().ToDictionary(v => prefix + Snake(v.ToString()).ToUpperInvariant(), v => Convert.ToInt32(v)), Constants(prefix));
    }

    [NativeFact]
    public void Its_structs_have_the_fields_that_the_library_reads()
    {
        StringBuilder program = new("#include <stdio.h>\n#include \"a2f.h\"\nint main(void)\n{\n");
        List<string> expected = [];
        string header = Regex.Replace(File.ReadAllText(NativeBuild.Header), @"/\*.*?\*/", "", RegexOptions.Singleline); // comments have semicolons too
        foreach ((string name, Type type) in Structs)
        {
            program.Append($"    printf(\"{name} %zu\\n\", sizeof({name}));\n");
            expected.Add($"{name} {Marshal.SizeOf(type)}");
            FieldInfo[] fields = type.GetFields();
            string body = Regex.Match(header, $@"typedef struct {name} \{{(.*?)\}} {name};", RegexOptions.Singleline).Groups[1].Value;
            Assert.Equal(body.Count(c => c == ';'), fields.Length);
            foreach (FieldInfo field in fields)
            {
                program.Append($"    printf(\"{name}.{Snake(field.Name)} %zu\\n\", offsetof({name}, {Snake(field.Name)}));\n");
                expected.Add($"{name}.{Snake(field.Name)} {Marshal.OffsetOf(type, field.Name)}");
            }
        }
        string source = _folder.Write("layout.c", Encoding.ASCII.GetBytes(program + "    return 0;\n}\n")), layout = _folder.File("layout");
        NativeBuild.Run("gcc", ["-std=c99", "-I", NativeBuild.Include, source, "-o", layout]);
        Assert.Equal(expected, NativeBuild.Run(layout, []).Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [NativeFact]
    public void The_library_exports_what_the_list_says_and_the_header_declares()
    {
        string[] listed = File.ReadAllLines(TestData.Path("native/symbols.txt"));
        string[] exported =
        [
            .. NativeBuild.Run("nm", ["-D", "--defined-only", "--without-symbol-versions", Path.Combine(NativeBuild.Library, "liba2f.so")])
                .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' '))
                .Where(parts => parts[1] != "A") // the name of the version
                .Select(parts => parts[^1]).Order(StringComparer.Ordinal),
        ];
        Assert.Equal(listed, exported);
        Assert.Equal(listed, Declaration().Matches(File.ReadAllText(NativeBuild.Header)).Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"A2F_CALL (a2f_\w+)\(")]
    private static partial Regex Declaration();

    [GeneratedRegex("(?<=[a-z])(?=[A-Z0-9])")]
    private static partial Regex Border();

    private static string Snake(string name) => Border().Replace(name, m => "_").ToLowerInvariant();

    private static Dictionary<string, int> Constants(string prefix) =>
        Regex.Matches(File.ReadAllText(NativeBuild.Header), $@"\b({prefix}\w*) = (-?\d+)").ToDictionary(m => m.Groups[1].Value, m => int.Parse(m.Groups[2].Value));

    public void Dispose() => _folder.Dispose();
}
