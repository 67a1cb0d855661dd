using System.CommandLine;
using ClipNotebooks.Cli.Commands;
using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Cli.Tests.Commands;

public sealed class ProgramTests
{
    private static async Task<(int Code, string Error)> RunAsync(params string[] arguments)
    {
        StringWriter error = new();
        return (await Program.RunAsync(arguments, error), error.ToString());
    }

    [Theory]
    [InlineData("rum")]
    [InlineData("run", "no-such-lesson")]
    [InlineData("run", "--only", "x")]
    [InlineData("run", "--language", "fr")]
    [InlineData("run", "--timeout", "0")]
    [InlineData("run", "--parallel", "0")]
    [InlineData("serve", "--port", "70000")]
    [InlineData("serve", "--timeout", "-1")]
    [InlineData("serve", "no-such-lesson")]
    [InlineData("download", "clip")]
    [InlineData("download", "../clip")]
    public async Task Wrong_usage_is_2_with_a_message_and_no_stack_trace(params string[] arguments)
    {
        (int code, string error) = await RunAsync(arguments);
        Assert.Equal(ExitCode.Usage, code);
        Assert.StartsWith("clipbook: ", error);
        Assert.DoesNotContain("   at ", error);
    }

    [Fact]
    public async Task A_lesson_that_fails_is_1_and_one_that_passes_0()
    {
        using TemporaryFolder folder = new();
        string book = Path.Combine(folder.Path, "book");
        Assert.Equal(ExitCode.Failed, (await RunAsync("run", Path.Combine(folder.Path, "missing.dib"), "--output", book)).Code);
        Assert.Equal(ExitCode.Success, (await RunAsync("run", folder.Write("a.dib", "#!csharp\n1"), "--output", book)).Code);
        // The second run is of one lesson: the first one's page stays, and the map lists both.
        Assert.True(File.Exists(Path.Combine(book, "a.html")));
        Assert.True(File.Exists(Path.Combine(book, "missing.html")));
        string map = await File.ReadAllTextAsync(Path.Combine(book, "index.html"));
        Assert.Contains("<a href=\"a.html\">", map);
        Assert.Contains("<a href=\"missing.html\">", map);
    }

    [Fact]
    public void Every_commands_help_has_examples_and_exit_codes()
    {
        RootCommand root = Program.Root();
        foreach (Command command in root.Subcommands.Where(command => !command.Hidden).Append(root))
        {
            Assert.Contains("Examples:", command.Description);
            Assert.Contains(ExitCode.Help, command.Description);
        }
    }

    /// <summary>In a terminal of 80 columns a command's summary may take two lines; a page is what a reader looks through.</summary>
    [Fact]
    public void The_help_of_clipbook_is_a_page_with_one_line_for_each_command()
    {
        string help = Help();
        string[] lines = help.Split('\n');
        Assert.InRange(lines.Length, 25, 50);
        Assert.All(lines, line => Assert.InRange(line.TrimEnd().Length, 0, 120));
        foreach (Command command in Program.Root().Subcommands.Where(command => !command.Hidden))
            Assert.Single(lines, line => line.StartsWith($"  {command.Name} ", StringComparison.Ordinal)
                || line.TrimEnd() == $"  {command.Name}");
    }

    [Theory]
    [InlineData("run", "clipbook run [<lessons>...] [options]")]
    [InlineData("embed", "clipbook embed <folder> [options]")]
    public void Help_calls_the_program_and_its_arguments_by_their_names(string command, string usage)
    {
        string help = Help(command);
        Assert.Contains(usage, help);
        Assert.DoesNotContain(RootCommand.ExecutableName, help);
        Assert.DoesNotContain("00|01", help);
        Assert.Contains("Examples:", help);
        Assert.Contains("--output", help);
    }

    private static string Help(params string[] command)
    {
        using StringWriter text = new();
        Program.Root().Parse([.. command, "--help"]).Invoke(new InvocationConfiguration { Output = text });
        return text.ToString().ReplaceLineEndings("\n");
    }

    [Fact]
    public void The_doctor_names_what_a_model_lacks_and_a_truncated_one()
    {
        using TemporaryFolder folder = new();
        Finding missing = Diagnosis.Model(null, folder.Path);
        Assert.True(missing.Fatal);
        Assert.Contains("holds no model: model.safetensors, ", missing.State);
        folder.Write("config.json", "{\"model_type\": \"clip\"}");
        folder.Write("model.safetensors", "version https://git-lfs.github.com/spec/v1");
        Assert.Contains("Git LFS pointer", Diagnosis.Model(null, folder.Path).State);
        File.WriteAllBytes(Path.Combine(folder.Path, "model.safetensors"), [2, 0, 0, 0, 0, 0, 0, 0, .. "{}"u8]);
        Assert.Contains("lacks preprocessor_config.json", Diagnosis.Model(null, folder.Path).State);
        foreach (string file in new[] { "vocab.json", "merges.txt", "preprocessor_config.json" }) folder.Write(file, "{}");
        Assert.False(Diagnosis.Model(null, folder.Path).Fatal);
    }

    [Fact]
    public void The_doctor_finds_a_half_fetched_model()
    {
        using TemporaryFolder folder = new();
        string snapshot = Directory.CreateDirectory(Path.Combine(folder.Path, "models--acme--tiny", "snapshots",
            "0123456789abcdef")).FullName;
        Assert.Null(Diagnosis.HubCache(folder.Path).Cure);
        string blobs = Directory.CreateDirectory(Path.Combine(folder.Path, "models--acme--tiny", "blobs")).FullName;
        File.WriteAllText(Path.Combine(blobs, "abc.incomplete"), "half");
        Assert.Contains("acme/tiny (1 of its files has arrived in part)", Diagnosis.HubCache(folder.Path).State);
        Assert.Contains("clipbook download acme/tiny", Diagnosis.HubCache(folder.Path).Cure);
        if (OperatingSystem.IsWindows()) return;
        File.CreateSymbolicLink(Path.Combine(snapshot, "model.safetensors"), "../../blobs/gone");
        Assert.Contains("acme/tiny (the content of model.safetensors is gone)", Diagnosis.HubCache(folder.Path).State);
        // All but the weights has come; other libraries' models are none of its business.
        File.Delete(Path.Combine(snapshot, "model.safetensors"));
        File.Delete(Path.Combine(blobs, "abc.incomplete"));
        string Written(string name, string text) => folder.Write(Path.Combine("models--acme--tiny/snapshots/0123456789abcdef", name), text);
        Written("config.json", "{\"model_type\": \"bert\"}");
        Assert.Null(Diagnosis.HubCache(folder.Path).Cure);
        Written("config.json", "{\"model_type\": \"clip\", \"vision_config\": {}}");
        Assert.Contains("acme/tiny (its weights are not there)", Diagnosis.HubCache(folder.Path).State);
        string index = Written("model.safetensors.index.json", "{\"weight_map\": {\"a\": \"1.safetensors\", \"b\": \"2.safetensors\"}}");
        Written("1.safetensors", "1");
        Assert.Contains("acme/tiny (1 of its 2 files of weights are not there)", Diagnosis.HubCache(folder.Path).State);
        File.Delete(index);
        Written("model.safetensors", "cut");
        Assert.Contains("acme/tiny (model.safetensors is damaged or cut short)", Diagnosis.HubCache(folder.Path).State);
        File.WriteAllBytes(Path.Combine(snapshot, "model.safetensors"), [2, 0, 0, 0, 0, 0, 0, 0, .. "{}"u8]);
        Assert.Null(Diagnosis.HubCache(folder.Path).Cure);
        // A model in shards, of which one is missing.
        folder.Write("config.json", "{\"model_type\": \"clip\"}");
        folder.Write("model.safetensors.index.json", "{\"weight_map\": {\"a\": \"model-1.safetensors\"}}");
        Assert.Contains("model-1.safetensors", Diagnosis.Model(null, folder.Path).State);
    }
}
