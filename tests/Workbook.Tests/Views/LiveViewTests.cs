using ClipNotebooks.Workbook.Views;

namespace ClipNotebooks.Workbook.Tests.Views;

public sealed class LiveViewTests
{
    private sealed class Words(string words) : IView
    {
        public string ToHtml() => $"<p>{words}</p>";

        public string ToText() => words;
    }

    public sealed class Shown
    {
        public List<object> Values { get; } = [];

        public void Update(object value) => Values.Add(value);
    }

    public sealed class Context
    {
        internal Shown? Last { get; set; }
    }

    /// <summary>What the view looks for by name beside the notebook kernel's context.</summary>
    public static class Extensions
    {
        public static Shown Display(Context context, object value, params string[] mimeTypes)
        {
            ArgumentNullException.ThrowIfNull(context);
            Assert.Empty(mimeTypes);
            return context.Last = new Shown { Values = { value } };
        }
    }

    [Fact]
    public void Under_clipbook_each_state_replaces_the_last_in_its_place()
    {
        List<object?> states = [];
        AppContext.SetData("ClipNotebooks.Display", (Func<object?, Action<object?>>)(value =>
        {
            states.Add(value);
            return next => states[^1] = next;
        }));
        try
        {
            Words second = new("second");
            LiveView.Show(new Words("first")).Update(second);
            Assert.Equal([second], states);
        }
        finally
        {
            AppContext.SetData("ClipNotebooks.Display", null);
        }
    }

    [Fact]
    public void In_a_console_each_state_is_written_below_the_last()
    {
        var console = Console.Out;
        using var written = new StringWriter();
        Console.SetOut(written);
        try
        {
            LiveView.Show(new Words("first")).Update(new Words("second"));
        }
        finally
        {
            Console.SetOut(console);
        }
        Assert.Equal($"first{Environment.NewLine}second{Environment.NewLine}", written.ToString());
    }

    [Fact]
    public void In_an_editor_the_kernels_context_displays_and_what_it_returns_updates()
    {
        var context = new Context();
        Words first = new("first"), second = new("second");
        LiveView.Displayed(typeof(Extensions), context, first)!(second);
        Assert.Equal([first, second], context.Last!.Values);
    }
}
