namespace ClipNotebooks.Workbook.Views;

/// <summary>
/// Ground and ink of a heat map's cell. Values of one sign go from white to blue; where both signs occur 0 is white, negative values turn blue and positive ones red.
/// </summary>
internal sealed class HeatColors(double smallest, double largest)
{
    private readonly bool _bothSigns = smallest < 0 && largest > 0;

    public string Style(double value)
    {
        double strength = _bothSigns ? Math.Abs(value) / Math.Max(-smallest, largest) : largest > smallest ? (value - smallest) / (largest - smallest) : 0;
        if (!double.IsFinite(strength)) return "background:#888;color:#fff";
        var (r, g, b) = _bothSigns && value > 0 ? (178, 24, 43) : (33, 102, 172);
        int Mix(int full) => (int)Math.Round(255 + ((full - 255) * strength));
        return $"background:rgb({Mix(r)},{Mix(g)},{Mix(b)});color:{(strength > 0.55 ? "#fff" : "#111")}";
    }
}
