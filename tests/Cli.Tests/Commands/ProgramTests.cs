using System.CommandLine;
using ClipNotebooks.Cli.Commands;

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
        Assert.True(File.Exists(Path.Combine(book, "a.html")));
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

    [Fact]
    public void The_doctor_names_what_a_model_lacks_and_a_truncated_one()
    {
        using TemporaryFolder folder = new();
        Finding missing = Diagnosis.Model(null, folder.Path);
        Assert.True(missing.Fatal);
        Assert.Contains("lacks config.json, model.safetensors", missing.State);
        foreach (string file in new[] { "config.json", "vocab.json", "merges.txt", "preprocessor_config.json" })
            folder.Write(file, "{}");
        folder.Write("model.safetensors", "version https://git-lfs.github.com/spec/v1");
        Assert.Contains("Git LFS pointer", Diagnosis.Model(null, folder.Path).State);
        File.WriteAllBytes(Path.Combine(folder.Path, "model.safetensors"), [2, 0, 0, 0, 0, 0, 0, 0, .. "{}"u8]);
        Assert.False(Diagnosis.Model(null, folder.Path).Fatal);
    }
}
