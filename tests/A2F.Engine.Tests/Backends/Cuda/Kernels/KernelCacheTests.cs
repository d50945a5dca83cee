using System.Globalization;
using A2F.Engine.Backends.Cuda;
using A2F.Engine.Tests.Weights;
using Xunit;

namespace A2F.Engine.Tests.Backends.Cuda.Kernels;

public sealed class KernelCacheTests : IDisposable
{
    private static readonly Version Nvrtc = KernelFolders.Nvrtc;
    private readonly TemporaryFolder _folder = new();

    private string PathOf(KernelIdentity identity) => new KernelCache(_folder.Path).PathOf(identity.Description(Nvrtc));

    private KernelCache Holding(KernelIdentity identity, string image = "image")
    {
        KernelCache cache = new(_folder.Path);
        cache.Store(identity, Nvrtc, KernelFolders.Compiled(image, "log"));
        return cache;
    }

    [Fact]
    public void A_module_is_found_again_with_its_log()
    {
        Holding(KernelFolders.Identity());
        KernelImage? image = new KernelCache(_folder.Path).TryRead(KernelFolders.Identity(), Nvrtc);
        Assert.Equal("image", image.Text());
        Assert.Equal(("log", KernelOrigin.Cache, 86, false), (image!.Log, image.Origin, image.Architecture, image.Ptx));
    }

    [Fact]
    public void Another_source_option_target_or_compiler_is_another_module()
    {
        KernelCache cache = Holding(KernelFolders.Identity());
        Assert.Null(cache.TryRead(KernelFolders.Identity(macros: "ACT=2"), Nvrtc));
        Assert.Null(cache.TryRead(KernelFolders.Identity(source: "source;"), Nvrtc));
        Assert.Null(cache.TryRead(KernelFolders.Identity(architecture: 80), Nvrtc));
        Assert.Null(cache.TryRead(KernelFolders.Identity(ptx: true), Nvrtc));
        Assert.Null(cache.TryRead(KernelFolders.Identity() with { File = "other.cu" }, Nvrtc));
        Assert.Null(cache.TryRead(KernelFolders.Identity(), new Version(12, 4)));
        Assert.NotNull(cache.TryRead(KernelFolders.Identity(), Nvrtc));
    }

    [Fact]
    public void A_file_that_is_torn_anywhere_is_ignored_and_replaced()
    {
        KernelIdentity identity = KernelFolders.Identity();
        KernelCache cache = Holding(identity);
        string path = PathOf(identity);
        byte[] whole = File.ReadAllBytes(path);
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.True(cache.TryRead(identity, Nvrtc) is null, $"the first {length} of {whole.Length} bytes pass for a module");
        }
        File.WriteAllBytes(path, [.. whole, 0]);
        Assert.Null(cache.TryRead(identity, Nvrtc));
        cache.Store(identity, Nvrtc, KernelFolders.Compiled("new"));
        Assert.Equal("new", cache.TryRead(identity, Nvrtc).Text());
    }

    [Fact]
    public void A_changed_byte_is_noticed_wherever_it_lies()
    {
        KernelIdentity identity = KernelFolders.Identity();
        KernelCache cache = Holding(identity);
        byte[] whole = File.ReadAllBytes(PathOf(identity));
        const int unused = 52, header = 64;
        for (int i = 0; i < whole.Length; i++)
        {
            if (i is >= unused and < header) continue;
            byte[] changed = [.. whole];
            changed[i] ^= 0x10;
            File.WriteAllBytes(PathOf(identity), changed);
            Assert.True(cache.TryRead(identity, Nvrtc) is null, $"byte {i} was changed unnoticed");
        }
    }

    [Fact]
    public void A_module_under_the_name_of_another_one_is_not_taken_for_it()
    {
        KernelIdentity one = KernelFolders.Identity(), other = KernelFolders.Identity(macros: "ACT=2");
        KernelCache cache = Holding(one);
        File.Move(PathOf(one), PathOf(other));
        Assert.Null(cache.TryRead(other, Nvrtc));
    }

    [Fact]
    public void Writers_and_readers_at_once_see_whole_modules_only()
    {
        KernelIdentity identity = KernelFolders.Identity();
        string[] images = [.. Enumerable.Range(0, 8).Select(i => new string((char)('a' + i), 20000 + 1000 * i))];
        int hits = 0;
        Parallel.For(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            KernelCache cache = new(_folder.Path); // what another process would have
            if (i % 2 == 0) cache.Store(identity, Nvrtc, KernelFolders.Compiled(images[i % 8]));
            else if (cache.TryRead(identity, Nvrtc) is { } image)
            {
                Assert.Contains(image.Text(), images);
                Interlocked.Increment(ref hits);
            }
        });
        Assert.True(hits > 0, "no reader met a module");
        Assert.Equal([PathOf(identity)], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_folder_that_cannot_be_made_or_written_loses_modules_and_nothing_else()
    {
        string file = _folder.Write("file", [1]), blocked = _folder.File("blocked");
        KernelIdentity identity = KernelFolders.Identity();
        KernelCache under = new(Path.Combine(file, "below")), instead = new(file);
        Directory.CreateDirectory(blocked);
        KernelCache cache = new(blocked);
        Directory.CreateDirectory(cache.PathOf(identity.Description(Nvrtc))); // a folder lies where the module would
        foreach (KernelCache one in (KernelCache[])[under, instead, cache])
        {
            one.Store(identity, Nvrtc, KernelFolders.Compiled("image"));
            Assert.Null(one.TryRead(identity, Nvrtc));
        }
        Assert.Equal([1], File.ReadAllBytes(file));
        Assert.Empty(Directory.GetFiles(blocked));
    }

    [Fact]
    public void The_oldest_modules_go_when_there_are_too_many()
    {
        KernelCache cache = new(_folder.Path, limitBytes: 10_000);
        DateTime start = DateTime.UtcNow.AddHours(-10);
        for (int i = 0; i < 10; i++)
        {
            KernelIdentity identity = Numbered(i);
            cache.Store(identity, Nvrtc, KernelFolders.Compiled(new string('x', 2000)));
            if (File.Exists(PathOf(identity))) File.SetLastWriteTimeUtc(PathOf(identity), start.AddMinutes(i));
        }
        bool[] there = [.. Enumerable.Range(0, 10).Select(i => cache.TryRead(Numbered(i), Nvrtc) is not null)];
        Assert.Equal([false, false, false, false, false, false, true, true, true, true], there);
        Assert.True(new DirectoryInfo(_folder.Path).EnumerateFiles().Sum(f => f.Length) <= 10_000);

        static KernelIdentity Numbered(int i) => KernelFolders.Identity(macros: string.Create(CultureInfo.InvariantCulture, $"N={i}"));
    }

    [Fact]
    public void A_module_that_is_used_again_is_young_again()
    {
        KernelIdentity identity = KernelFolders.Identity();
        KernelCache cache = Holding(identity);
        File.SetLastWriteTimeUtc(PathOf(identity), DateTime.UtcNow.AddDays(-3));
        Assert.NotNull(cache.TryRead(identity, Nvrtc));
        Assert.True(DateTime.UtcNow - File.GetLastWriteTimeUtc(PathOf(identity)) < TimeSpan.FromHours(1));
    }

    [Fact]
    public void Pruning_leaves_other_files_alone_and_clears_what_interrupted_writers_left()
    {
        string other = _folder.Write("save-game.a2fk", new byte[5000]), text = _folder.Write("notes.txt", new byte[5000]);
        string left = _folder.Write($"{new string('a', 64)}.a2fk.0123.tmp", [1]);
        string busy = _folder.Write($"{new string('b', 64)}.a2fk.0123.tmp", [1]);
        foreach (string file in (string[])[other, text, left]) File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddDays(-9));
        KernelCache cache = new(_folder.Path, limitBytes: 100);
        cache.Store(KernelFolders.Identity(), Nvrtc, KernelFolders.Compiled(new string('x', 2000)));
        Assert.Equal([busy, text, other], Directory.GetFiles(_folder.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_folder_is_the_users_cache_unless_the_environment_says_otherwise()
    {
        string home = Path.GetFullPath("/home/x"), root = Path.GetFullPath("/cache");
        Assert.Equal(Path.Combine(home, ".cache", "a2f-engine", "kernels"), Folder(("HOME", home)));
        Assert.Equal(Path.Combine(home, ".cache", "a2f-engine", "kernels"), Folder(("HOME", home), ("XDG_CACHE_HOME", "relative")));
        Assert.Equal(Path.Combine(root, "a2f-engine", "kernels"), Folder(("HOME", home), ("XDG_CACHE_HOME", root)));
        Assert.Equal(root, Folder(("HOME", home), (KernelCache.Variable, root)));
        Assert.Null(Folder(("HOME", home), (KernelCache.Variable, "off")));
        Assert.Null(Folder());
        Assert.Equal(Path.Combine(root, "a2f-engine", "kernels"),
            KernelCache.DefaultFolder(name => name == "LOCALAPPDATA" ? root : null, windows: true));

        static string? Folder(params (string Name, string Value)[] variables) =>
            KernelCache.DefaultFolder(name => variables.FirstOrDefault(v => v.Name == name).Value, windows: false);
    }

    public void Dispose() => _folder.Dispose();
}
