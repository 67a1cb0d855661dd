using ClipNotebooks.Core.Text.Cleaning;

namespace ClipNotebooks.Clip.Tests.Text;

/// <summary>One text for each rule of ftfy 6.3.1's <c>fix_text</c>; what it makes of them was computed with ftfy itself.</summary>
public sealed class TextCleanerTests
{
    [Theory]
    [InlineData("a  photo\tof a Cat ", "a photo of a cat")]
    [InlineData("sÃ³ cafÃ©", "só café")]
    [InlineData("voilÃ le travail", "voilà le travail")]
    [InlineData("â€œ like this â€\uFFFD", "\" like this \uFFFD")]
    [InlineData("РџСЂРёРІРµС‚", "привет")]
    [InlineData("âœ” no problems", "✔ no problems")]
    [InlineData("x \u0092s \u0085", "x 's …")]
    [InlineData("ﬁne ŉ ǆ", "fine 'n dž")]
    [InlineData("ＬＯＵＤ　ｶﾞ", "loud ガ")]
    [InlineData("‘a’ “b”", "'a' \"b\"")]
    [InlineData("\u001B[31mred\u001B[0m", "red")]
    [InlineData("a\u0000b\uFEFFc", "abc")]
    [InlineData("e\u0301 \u1112\u1161\u11AB", "é 한")]
    [InlineData("P&EACUTE;REZ &SZLIG; &amp;amp;amp; &#59;", "pérez ss & ;")]
    [InlineData("<b> &amp;amp;amp;", "<b> &amp;")]
    [InlineData("ΟΔΟΣ ΟΔΟΣ' ΟΔΟΣ'Α", "οδος οδος' οδοσ'α")]
    [InlineData("1ºΣ Ⅷ.Σ ⓐΣ 𝐚Σ", "1ºς ⅷ.ς ⓐς 𝐚ς")]
    [InlineData("aΣº aΣⅷ aΣⓐ aΣ𝐚 aΣ_", "aσº aσⅷ aσⓐ aσ𝐚 aς_")]
    public void A_rule_is_applied(string text, string clean) => Assert.Equal(clean, TextCleaner.Clean(text));

    [Theory]
    [InlineData("naïve café, Ünïcödé")]
    [InlineData("日本語 한국어 ελληνικά")]
    [InlineData("50 € for 3 × 4 m²")]
    public void Sound_text_keeps_its_letters(string text) => Assert.Equal(text.ToLowerInvariant(), TextCleaner.Clean(text));

    [Theory]
    [InlineData("a\u0305\u0301")]
    [InlineData("\u1113\u1161")]
    [InlineData("\u1100\u1176")]
    [InlineData("\uAC00\u11A7")]
    [InlineData("\uAC00\u11C3")]
    public void What_does_not_compose_stays_apart(string text) => Assert.Equal(text, TextCleaner.Clean(text));

    [Fact]
    public void Underscores_become_spaces_and_the_case_stays() =>
        Assert.Equal("A b c", TextCleaner.Clean(" A_b\tc ", TextCleaning.WhitespaceUnderscore));

    /// <summary>Beyond the reference's rows: characters that HTML has not, and letters that are two in one.</summary>
    [Theory]
    [InlineData("<a&#9;b&#11;c&#14;d&#31;e", "<a bcde")]
    [InlineData("<a&#xFDD0;b&#xFDEF;c&#xFFFE;d&#x10FFFF;e", "<abcde")]
    [InlineData("<&#xDFFF;&#159;", "<\uFFFDÿ")]
    [InlineData("ĲǱǲǳǄǇǉǊǋǌﬀﬄﬅﬆ x\uFFE3", "ijdzdzdzdžljljnjnjnjffffl\u017Ftst x \u0304")]
    public void Rare_characters_are_cleaned_as_ftfy_and_html_do(string text, string expected) =>
        Assert.Equal(expected, TextCleaner.Clean(text).ToLowerInvariant());
}
