using System.Globalization;
using System.Text;

namespace A2F.Engine.Weights;

/// <summary>
/// The header of an npy array: a Python dictionary literal with keys descr, fortran_order and shape
/// (numpy documentation, "A simple file format for NumPy arrays").
/// </summary>
/// <param name="BigEndian">Whether elements are stored most significant byte first.</param>
/// <param name="Kind">numpy's letter: f, i, u, b, S or U.</param>
/// <param name="ItemSize">Bytes of one element as stored.</param>
/// <param name="FortranOrder">Whether the first index runs fastest.</param>
/// <param name="Shape">Extents.</param>
/// <param name="Count">Product of the extents.</param>
internal sealed record NpyHeader(bool BigEndian, char Kind, int ItemSize, bool FortranOrder, int[] Shape, int Count)
{
    /// <summary>Bytes of the longest header that is read.</summary>
    public const int MaxHeaderBytes = 64 * 1024;

    /// <summary>Dimensions of an array at most.</summary>
    public const int MaxRank = 8;

    /// <summary>Bytes of one array at most: the largest block that .NET gives.</summary>
    public const long MaxArrayBytes = 0x7FFFFFC7;

    /// <summary>Elements of a text array at most, because each becomes an object.</summary>
    public const int MaxTextElements = 1 << 20;

    /// <summary>Bytes of the elements as stored.</summary>
    public long DataBytes => (long)Count * ItemSize;

    /// <summary>Parses the dictionary.</summary>
    /// <exception cref="FormatException">With the reason, for the caller to add file and array.</exception>
    public static NpyHeader Parse(ReadOnlySpan<byte> utf8)
    {
        Literal literal = new(Encoding.UTF8.GetString(utf8));
        string? descr = null;
        bool? fortran = null;
        int[]? shape = null;
        literal.Expect('{');
        while (!literal.Take('}'))
        {
            string key = literal.Text();
            literal.Expect(':');
            switch (key)
            {
                case "descr": descr = literal.Text(); break;
                case "fortran_order": fortran = literal.Bool(); break;
                case "shape": shape = literal.Tuple(); break;
                default: throw new FormatException($"unknown header key '{key}'");
            }
            if (literal.Take(',')) continue;
            literal.Expect('}');
            break;
        }
        if (descr is null || fortran is null || shape is null) throw new FormatException("the header lacks descr, fortran_order or shape");
        return Create(descr, fortran.Value, shape);
    }

    /// <summary>The dictionary of a little-endian, C-order array.</summary>
    public static string Format(string descr, IReadOnlyList<int> shape)
    {
        string extents = string.Join(", ", shape.Select(x => x.ToString(CultureInfo.InvariantCulture)));
        if (shape.Count == 1) extents += ",";
        return $"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({extents}), }}";
    }

    private static NpyHeader Create(string descr, bool fortran, int[] shape)
    {
        if (descr.Length < 3 || !"<>|=".Contains(descr[0], StringComparison.Ordinal)
            || !int.TryParse(descr.AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out int width))
        {
            throw new FormatException($"element type '{descr}' is not supported");
        }
        char kind = descr[1];
        bool known = (kind, width) is ('f', 2 or 4 or 8) or ('i' or 'u', 1 or 2 or 4 or 8) or ('b', 1) or ('S' or 'U', >= 1);
        if (!known || width > MaxArrayBytes / 4) throw new FormatException($"element type '{descr}' is not supported");

        // The bound holds over the extents that are not zero, so that no product overflows later.
        int itemSize = kind == 'U' ? width * 4 : width;
        long elements = 1, bound = MaxArrayBytes / Math.Max(itemSize, kind is 'u' or 'i' ? 8 : 1);
        foreach (int extent in shape)
        {
            if (extent != 0) elements *= extent;
            if (elements > bound)
                throw new FormatException($"shape {NdArray.FormatShape(shape)} of '{descr}' is more than {MaxArrayBytes} bytes");
        }
        if (shape.Contains(0)) elements = 0;
        if (kind is 'S' or 'U' && elements > MaxTextElements)
            throw new FormatException($"{elements} texts, at most {MaxTextElements} are read");
        return new NpyHeader(descr[0] == '>', kind, itemSize, fortran, shape, (int)elements);
    }

    /// <summary>A cursor over the few kinds of Python literal that headers hold.</summary>
    private struct Literal(string text)
    {
        private int _at;

        private void SkipSpace()
        {
            while (_at < text.Length && char.IsWhiteSpace(text[_at])) _at++;
        }

        public bool Take(char c)
        {
            SkipSpace();
            if (_at >= text.Length || text[_at] != c) return false;
            _at++;
            return true;
        }

        public void Expect(char c)
        {
            if (!Take(c)) throw new FormatException($"'{c}' expected at position {_at} of the header");
        }

        public string Text()
        {
            char quote = Take('\'') ? '\''
                : Take('"') ? '"'
                : throw new FormatException($"a string expected at position {_at} of the header");
            int end = text.IndexOf(quote, _at);
            if (end < 0) throw new FormatException("a string of the header does not end");
            string value = text[_at..end];
            _at = end + 1;
            return value;
        }

        public bool Bool()
        {
            SkipSpace();
            foreach (bool value in (ReadOnlySpan<bool>)[true, false])
            {
                string word = value ? "True" : "False";
                if (string.CompareOrdinal(text, _at, word, 0, word.Length) != 0) continue;
                _at += word.Length;
                return value;
            }
            throw new FormatException($"True or False expected at position {_at} of the header");
        }

        public int[] Tuple()
        {
            List<int> extents = [];
            Expect('(');
            while (!Take(')'))
            {
                int start = _at;
                while (_at < text.Length && char.IsAsciiDigit(text[_at])) _at++;
                if (!int.TryParse(text.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture, out int extent))
                    throw new FormatException($"an extent from 0 to {int.MaxValue} expected at position {start} of the header");
                if (extents.Count == MaxRank) throw new FormatException($"more than {MaxRank} dimensions");
                extents.Add(extent);
                Take('L');
                if (Take(',')) continue;
                Expect(')');
                break;
            }
            return [.. extents];
        }
    }
}
