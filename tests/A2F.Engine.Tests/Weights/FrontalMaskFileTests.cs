using System.Text;
using A2F.Engine.Weights;
using Xunit;

namespace A2F.Engine.Tests.Weights;

public sealed class FrontalMaskFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData("3 1 4 1 5")]
    [InlineData("3,1,4,1,5\n")]
    [InlineData("\uFEFF3\r\n1\r\n4, 1,\t5,")]
    [InlineData("[3, 1, 4, 1, 5]")]
    [InlineData("\n [3, 1, 4.0, 1, 5e0]\n")]
    public void Texts_and_JSON_hold_the_same_mask(string text) => Assert.Equal([3, 1, 4, 1, 5], Load(text));

    [Fact]
    public void An_npz_mask_is_the_array_of_that_name()
    {
        string path = _folder.File("mask.npz");
        NpzFile.Write(path, [new("frontalMask", NdArray.Of(new long[] { 3, 1, 4 }, 3)), new("other", NdArray.Of(new float[1], 1))]);
        Assert.Equal([3, 1, 4], FrontalMaskFile.Load(path, 6));
        Assert.Contains("expected 0 to 3, found 4", Assert.Throws<A2FException>(() => FrontalMaskFile.Load(path, 4)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mask_may_be_longer_than_other_JSON_arrays() =>
        Assert.Equal(100_000, Load($"[{string.Join(',', Enumerable.Repeat("5", 100_000))}]").Count);

    [Theory]
    [InlineData("", "found none")]
    [InlineData(" , \n", "found none")]
    [InlineData("[]", "found none")]
    [InlineData("1 2\n3 6", "line 2: expected vertex indices from 0 to 5, found '6'")]
    [InlineData("1 -2", "found '-2'")]
    [InlineData("1 2.5", "found '2.5'")]
    [InlineData("99999999999999999999", "found '99999999999999999999'")]
    [InlineData("one", "found 'one'")]
    [InlineData("[1, 6]", "'[1]': expected 0 to 5, found 6")]
    [InlineData("[1, 2.5]", "'[1]': expected a whole number, found 2.5")]
    [InlineData("[1, \"2\"]", "'[1]'")]
    [InlineData("[1, 2", "no valid JSON")]
    [InlineData("[1, NaN]", "finite")]
    public void Anything_else_is_refused_with_its_place(string text, string reason)
    {
        A2FException e = Assert.Throws<A2FException>(() => Load(text));
        Assert.Contains(_folder.File("mask.txt"), e.Message, StringComparison.Ordinal);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    private IReadOnlyList<int> Load(string text) => FrontalMaskFile.Load(_folder.Write("mask.txt", Encoding.UTF8.GetBytes(text)), 6);

    public void Dispose() => _folder.Dispose();
}
