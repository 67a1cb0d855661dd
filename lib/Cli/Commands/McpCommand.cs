using System.CommandLine;
using ClipNotebooks.Cli.Service;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Inference;
using ClipNotebooks.Search;
using ClipNotebooks.Search.Postgres;
using ClipNotebooks.Workbook;
using ModelContextProtocol.Server;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook mcp`: search and classification as tools of an assistant, over the standard streams.</summary>
internal static class McpCommand
{
    internal static Command Create()
    {
        Option<string?> index = new("--index") { Description = "The index that is searched: a folder, or PostgreSQL's connection " +
            "string." };
        Option<string[]> images = new("--images") { Description = "A folder whose pictures may be opened, besides those of the index; " +
            "may be given several times." };
        var model = PreparedEncoder.ModelOption();
        var precision = PreparedEncoder.Option();
        Command command = new("mcp", $$"""
            Gives an assistant that speaks the Model Context Protocol the tools search_images and classify_image. It is the assistant's
            program that starts it, with its standard input and output for the protocol; it ends when the input does and what was asked is
            answered. Pictures are opened in the index's folder and in those of --images alone, and nothing is changed.

            Examples:
              clipbook mcp --index artifacts/photos-index
              clipbook mcp --images photos --model openai/clip-vit-base-patch32

            In an assistant's configuration:
              "mcpServers": { "clipbook": { "command": "clipbook", "args": ["mcp", "--index", "/home/me/photos-index"] } }

            {{ExitCode.Help}}
            """)
        {
            index, images, model, precision,
        };
        command.SetAction((parsed, token) =>
        {
            string? place = parsed.GetValue(index);
            string[] folders = parsed.GetValue(images) ?? [];
            if (place is null && folders.Length == 0) throw new UserError(
                "There is nothing to search or to open: give an index with --index, a folder of pictures with --images, or both.",
                ExitCode.Usage);
            if (place is not null && !PgVectorImageStore.IsConnectionString(place) && !ImageSearchIndex.Exists(place)) throw new UserError(
                $"{place} holds no index. Make one: clipbook index FOLDER --index {Terminal.Word(place)}");
            return RunAsync(place, folders, parsed.GetValue(model) ?? Lesson.Model, parsed.GetValue(precision), token);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        string? place, string[] folders, string model, Clip.Inference.Precision precision, CancellationToken token)
    {
        // Standard output carries the protocol; any other line on it would end the connection.
        Console.SetOut(Console.Error);
        var (opened, _) = PreparedEncoder.OpenForIndex(model, precision);
        using var encoder = opened;
        using var index = place is null ? null : ImageStores.Open(place, encoder);
        var allowed = new AllowedFolders(index?.Root is { } root && Directory.Exists(root) ? [root, .. folders] : folders);
        await using BatchingEncoder clip = new(encoder);
        using Classes classes = new(encoder);
        AnsweredStreams streams = new(Console.OpenStandardInput(), Console.OpenStandardOutput());
        await using StreamServerTransport transport = new(streams.Input, streams.Output, "clipbook");
        await using var server = McpServer.Create(transport, new()
        {
            ServerInfo = new() { Name = "clipbook", Version = typeof(McpCommand).Assembly.GetName().Version!.ToString(3) },
            ServerInstructions = index is null ? "classify_image says which of your labels a picture shows."
                : $"search_images finds among {index.Count:N0} pictures; classify_image says which of your labels one shows.",
            ToolCollection = new AssistantTools(clip, classes, index, allowed).Tools(),
        });
        await server.RunAsync(token);
        return ExitCode.Success;
    }
}
