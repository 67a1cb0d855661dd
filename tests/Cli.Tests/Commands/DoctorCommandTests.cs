using ClipNotebooks.Cli.Commands;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Hub;

namespace ClipNotebooks.Cli.Tests.Commands;

public sealed class DoctorCommandTests
{
    private const string Storage = "User/globalStorage/ms-dotnettools.dotnet-interactive-vscode";

    [Fact]
    public void A_row_that_fails_at_what_it_looks_at_says_so_and_ends_no_other()
    {
        Finding row = Diagnosis.Row("model", fatal: true, () => throw new HubException("HF_ENDPOINT is no address."));
        Assert.Equal(("model", "HF_ENDPOINT is no address.", true), (row.Subject, row.State, row.Fatal));
        Assert.NotNull(row.Cure);
    }

    [Theory]
    [InlineData("home/.config/Code")]
    [InlineData("home/.config/Code - Insiders")]
    [InlineData("home/.config/VSCodium")]
    [InlineData("home/.local/share/code-server")]
    [InlineData("home/.vscode-server/data")]
    [InlineData("home/.vscode-server-insiders/data")]
    [InlineData("home/.vscode-remote/data")]
    [InlineData("home/.vscodium-server/data")]
    [InlineData("home/Library/Application Support/Code")]
    [InlineData("home/Library/Application Support/Code - Insiders")]
    [InlineData("home/Library/Application Support/VSCodium")]
    [InlineData("appdata/Code")]
    [InlineData("appdata/Code - Insiders")]
    [InlineData("appdata/VSCodium")]
    [InlineData("xdg/code-server")]
    public void A_manifest_where_the_extension_does_not_look_is_found_and_moved(string editor)
    {
        using TemporaryFolder folder = new();
        string manifest = folder.Write($"{editor}/{Storage}/dotnet-tools.json", "{\"tools\":{}}");
        string storage = Path.GetFullPath(Path.GetDirectoryName(manifest)!);
        string broken = Assert.Single(Broken(folder));
        Assert.Equal(storage, Path.GetFullPath(broken));
        Assert.Contains(broken, EditorStorage.ByHand(broken), StringComparison.Ordinal);
        EditorStorage.Mend(broken);
        Assert.False(File.Exists(manifest));
        Assert.Equal("{\"tools\":{}}", File.ReadAllText(Path.Combine(storage, ".config", "dotnet-tools.json")));
        Assert.Empty(Broken(folder));
    }

    [Fact]
    public void A_sound_manifest_is_left_alone()
    {
        using TemporaryFolder folder = new();
        folder.Write($"home/.config/Code/{Storage}/.config/dotnet-tools.json", "sound");
        folder.Write($"home/.config/Code/{Storage}/dotnet-tools.json", "a second one, which nothing reads");
        Assert.Empty(Broken(folder));
    }

    [Fact]
    public void What_cannot_be_mended_in_one_editor_keeps_no_other_from_it()
    {
        using TemporaryFolder folder = new();
        folder.Write($"home/.config/Code/{Storage}/dotnet-tools.json", "{}");
        folder.Write($"home/.config/Code/{Storage}/.config", "a file");
        folder.Write($"home/.config/VSCodium/{Storage}/dotnet-tools.json", "{}");
        string said = Assert.Throws<UserError>(() => DoctorCommand.Mend(Broken(folder))).Message;
        Assert.Contains(".config is a file, where the extension looks for a folder", said, StringComparison.Ordinal);
        Assert.Contains("By hand: move the file", said, StringComparison.Ordinal);
        Assert.Contains("Code", Assert.Single(Broken(folder)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_line_to_do_it_by_hand_does_it()
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("runs the line in sh");
        using TemporaryFolder folder = new();
        folder.Write($"home/Library/Application Support/Code/{Storage}/dotnet-tools.json", "{}");
        using var shell = System.Diagnostics.Process.Start("sh", ["-c", EditorStorage.ByHand(Assert.Single(Broken(folder)))]);
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, shell.ExitCode);
        Assert.Empty(Broken(folder));
    }

    [Theory]
    [InlineData(false, "cpu", 0, "cpu", null)]
    [InlineData(true, "cpu", 0, "the build selected TorchBackend=cpu", "-p:TorchBackend=cuda")]
    [InlineData(true, "cuda", 0, "libtorch sees no device", "nvidia-smi")]
    [InlineData(true, "cuda", 2, "cuda, 2 device(s); the build selected TorchBackend=cuda", null)]
    [InlineData(false, "cuda", 0, "no NVIDIA driver is here", "-p:TorchBackend=cpu")]
    public void The_device_is_said_with_what_the_build_selected(bool driver, string selected, int devices, string state, string? cure)
    {
        Finding finding = Diagnosis.Device(driver, selected, devices);
        Assert.Contains(state, finding.State, StringComparison.Ordinal);
        Assert.Contains(cure ?? "", finding.Cure ?? "", StringComparison.Ordinal);
        Assert.Equal(cure is null, finding.Cure is null);
    }

    private static IReadOnlyList<string> Broken(TemporaryFolder folder) =>
        EditorStorage.Broken(Path.Combine(folder.Path, "home"), Path.Combine(folder.Path, "appdata"), Path.Combine(folder.Path, "xdg"));
}
