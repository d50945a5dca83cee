namespace A2F.CudaEmulator.Ptx;

internal enum TokenKind
{
    End, Word, Number, Text, Symbol,
}

/// <param name="Kind">What it is.</param>
/// <param name="Text">Its characters; a word keeps its dots (<c>ld.global.u32</c>, <c>%tid.x</c>).</param>
/// <param name="Line">One-based line.</param>
internal readonly record struct Token(TokenKind Kind, string Text, int Line);

/// <summary>Splits PTX into words, numbers, strings and single-character symbols; comments vanish.</summary>
internal static class PtxLexer
{
    public static List<Token> Split(string text)
    {
        List<Token> tokens = new(text.Length / 4);
        int line = 1, at = 0;
        while (at < text.Length)
        {
            char c = text[at];
            if (c == '\n') line++;
            if (char.IsWhiteSpace(c) || c == '\0') at++;
            else if (c == '/' && Peek(text, at + 1) == '/') at = End(text, at, "\n");
            else if (c == '/' && Peek(text, at + 1) == '*')
            {
                int stop = Math.Min(text.Length, End(text, at + 2, "*/") + 2);
                line += text.AsSpan(at, stop - at).Count('\n');
                at = stop;
            }
            else if (c == '"')
            {
                int stop = Math.Min(text.Length - 1, End(text, at + 1, "\""));
                tokens.Add(new Token(TokenKind.Text, text[(at + 1)..Math.Max(at + 1, stop)], line));
                at = stop + 1;
            }
            else if (char.IsAsciiDigit(c)) at = Number(text, at, line, tokens);
            else if (IsWordStart(c)) at = Word(text, at, line, tokens);
            else
            {
                tokens.Add(new Token(TokenKind.Symbol, c.ToString(), line));
                at++;
            }
        }
        tokens.Add(new Token(TokenKind.End, "", line));
        return tokens;
    }

    private static char Peek(string text, int at) => at < text.Length ? text[at] : '\0';

    private static int End(string text, int from, string mark)
    {
        int found = text.IndexOf(mark, Math.Min(from, text.Length), StringComparison.Ordinal);
        return found < 0 ? text.Length : found;
    }

    private static bool IsWordStart(char c) => char.IsAsciiLetter(c) || c is '_' or '%' or '$' or '.';

    private static int Word(string text, int from, int line, List<Token> tokens)
    {
        int at = from + 1;
        while (at < text.Length)
        {
            char c = text[at];
            bool scope = c == ':' && Peek(text, at + 1) == ':';
            if (scope) at += 2;
            else if (char.IsAsciiLetterOrDigit(c) || c is '_' or '$' or '.') at++;
            else break;
        }
        tokens.Add(new Token(TokenKind.Word, text[from..at], line));
        return at;
    }

    private static int Number(string text, int from, int line, List<Token> tokens)
    {
        int at = from;
        bool plain = !(text[at] == '0' && Peek(text, at + 1) is 'x' or 'X' or 'f' or 'F' or 'd' or 'D' or 'b');
        while (at < text.Length)
        {
            char c = text[at];
            bool exponentSign = plain && c is '+' or '-' && text[at - 1] is 'e' or 'E' && at > from;
            if (!exponentSign && !char.IsAsciiLetterOrDigit(c) && c != '.') break;
            at++;
        }
        tokens.Add(new Token(TokenKind.Number, text[from..at], line));
        return at;
    }
}
