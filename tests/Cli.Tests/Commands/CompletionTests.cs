using System.Runtime.Versioning;
using ClipNotebooks.Cli.Shell;

namespace ClipNotebooks.Cli.Tests.Commands;

public sealed class CompletionTests
{
    private static async Task<string[]> SuggestedAsync(string line)
    {
        var (code, output, error) = await Clipbook.RunAsync($"[suggest:{line.Length}]", line);
        Assert.True(code == ExitCode.Success, error);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    [Fact]
    public async Task Commands_options_and_their_values_are_suggested()
    {
        Assert.Subset((await SuggestedAsync("")).ToHashSet(), new HashSet<string> { "run", "embed", "merge", "search", "completion" });
        Assert.DoesNotContain("run-lesson", await SuggestedAsync("r"));
        Assert.Contains("--shard", await SuggestedAsync("embed --sh"));
        Assert.Equal(["bash", "fish", "pwsh", "zsh"], (await SuggestedAsync("completion ")).Where(word => !word.StartsWith('-')));
        Assert.Equal(["en", "ko"], await SuggestedAsync("run --language "));
        Assert.Equal(["-?", "-h"], (await SuggestedAsync("search ")).Where(word => word.Length == 2));
        // A switch has no value to suggest: what comes next is suggested.
        Assert.Contains("--index", await SuggestedAsync("search cat --json "));
    }

    [Fact]
    public async Task Lessons_are_suggested_by_number()
    {
        Assert.Subset((await SuggestedAsync("run ")).ToHashSet(), new HashSet<string> { "00", "09", "ko/00", "ko/09" });
        Assert.Contains("ko/04", await SuggestedAsync("run ko/0"));
        Assert.Equal(["00", "01"], (await SuggestedAsync("run --only 0")).Take(2));
    }

    [Theory]
    [InlineData("search cat --index ")]
    [InlineData("embed --output ")]
    [InlineData("classify --labels @")]
    public async Task Where_a_file_is_expected_the_shell_is_left_to_name_it(string line) => Assert.Empty(await SuggestedAsync(line));

    [Theory]
    [InlineData("bash", "search --ind", "--index")]
    [InlineData("bash", "ev", "evaluate")]
    [InlineData("bash", "run 0", "00 01 02 03 04 05 06 07 08 09")]
    [InlineData("bash", "search --index pho", "")]
    [InlineData("zsh", "search --ind", "--index")]
    [InlineData("zsh", "ev", "evaluate")]
    [InlineData("zsh", "search --index pho", "files")]
    [InlineData("fish", "search --ind", "--index")]
    [InlineData("fish", "ev", "evaluate")]
    [InlineData("fish", "search --index pho", "photos/")]
    [UnsupportedOSPlatform("windows")]
    public async Task The_script_completes_in_its_shell(string shell, string typed, string expected)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || !Installed(shell), $"There is no {shell} here.");
        using TemporaryFolder folder = new();
        Directory.CreateDirectory(Path.Combine(folder.Path, "photos"));
        string script = $"#!/bin/sh\nexec '{TestProcess.DotNet}' '{typeof(Program).Assembly.Location}' \"$@\"\n";
        string clipbook = folder.Write("clipbook", script);
        File.SetUnixFileMode(clipbook, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var environment = new Dictionary<string, string?>
        {
            ["PATH"] = $"{folder.Path}:{Environment.GetEnvironmentVariable("PATH")}",
            ["HOME"] = folder.Path,
        };
        string[] arguments = [shell == "zsh" ? "-fc" : "-c", Typing(shell, typed)];
        var (_, said, error) = await TestProcess.RunAsync(shell, arguments, environment, folder.Path);
        Assert.Equal(expected, string.Join(' ', said.Split('\n', StringSplitOptions.RemoveEmptyEntries)) + error);
    }

    /// <summary>
    /// What a shell does when the Tab key is pressed; of zsh, which completes on a terminal only, the parts that its script calls are stood
    /// in for.
    /// </summary>
    private static string Typing(string shell, string typed) => shell switch
    {
        "bash" => $$"""
            eval "$(clipbook completion bash)"
            COMP_LINE='clipbook {{typed}}' COMP_POINT=${#COMP_LINE}
            COMP_WORDS=($COMP_LINE) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _clipbook
            printf '%s\n' "${COMPREPLY[@]}"
            """,
        "zsh" => $$"""
            compdef() { :; }
            compadd() { local -a given=("${(@P)2}"); given=(${(M)given:#$PREFIX*}); (( $#given )) && print -rl -- $given; }
            _files() { print files; }
            eval "$(clipbook completion zsh)"
            words=(clipbook {{typed}}) CURRENT=$#words PREFIX=$words[-1]
            _clipbook
            """,
        _ => $"clipbook completion fish | source; complete -C 'clipbook {typed}' | string replace -r '\t.*' ''",
    };

    [Theory]
    [InlineData("bash", "complete -o default -F _clipbook clipbook")]
    [InlineData("zsh", "compdef _clipbook clipbook")]
    [InlineData("fish", "complete -c clipbook")]
    [InlineData("pwsh", "Register-ArgumentCompleter -Native -CommandName clipbook")]
    public async Task Every_shell_has_its_script(string shell, string registration)
    {
        var (code, output, error) = await Clipbook.RunAsync("completion", shell);
        Assert.True(code == ExitCode.Success, error);
        Assert.Contains(registration, output, StringComparison.Ordinal);
        Assert.DoesNotContain('\r', output);
    }

    [Fact]
    public async Task Another_shell_is_wrong_usage()
    {
        var (code, _, error) = await Clipbook.RunAsync("completion", "tcsh");
        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains("'bash'", error, StringComparison.Ordinal);
    }

    private static bool Installed(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(folder => File.Exists(Path.Combine(folder, program)));
}
