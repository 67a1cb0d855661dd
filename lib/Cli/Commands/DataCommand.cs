using System.CommandLine;
using ClipNotebooks.Cli.Emoji;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Workbook.Emoji;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook data`: data sets that models are trained on.</summary>
internal static class DataCommand
{
    internal static Command Create() => new("data", $"""
        Makes data sets to train and measure on.

        Examples:
          clipbook data emoji --packages artifacts/packages --output artifacts/emoji
          clipbook data gallery --data artifacts/emoji --style noto --output artifacts/gallery

        {ExitCode.Help}
        """)
    {
        EmojiCommand(),
        GalleryCommand(),
    };

    private static Command EmojiCommand()
    {
        Option<string> packages = new("--packages")
        {
            Description = "The folder with npm's archives, as npm pack fetches them, or with the packages unpacked.",
            Required = true,
        };
        Option<string> output = new("--output")
        {
            Description = "Where to; must not hold anything.",
            DefaultValueFactory = _ => "artifacts/emoji",
        };
        Command command = new("emoji", $"""
            Draws the world's emoji as four designers draw them, with names and keywords in English and Korean: pictures with
            {EmojiDataWriter.Pixels} pixels to a side and transparency, concepts.json, and manifest.json, which has version, licence and
            SHA-256 of every source. A concept is what CLDR names in both languages and three designers or more draw; tones
            of skin, and a man's or woman's form of what has a person's, are left out. OpenMoji's pictures, and one
            keyword in five of each concept, are held out: nothing is trained on them. The same packages give the same
            bytes; nothing is fetched.

            npm fetches the packages into a folder that is there, in one line:
              {EmojiPackages.Line}

            Examples:
              clipbook data emoji --packages artifacts/packages --output artifacts/emoji

            {ExitCode.Help}
            """)
        {
            packages, output,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            string folder = parsed.GetValue(output)!;
            var manifest = await ConsoleProgress.RunAsync("drawing", 1, progress => Task.Run(
                () => EmojiDataWriter.Write(parsed.GetValue(packages)!, folder, progress, cancellation), CancellationToken.None));
            Terminal.WriteLine($"{manifest.Concepts:N0} concepts, {manifest.Pictures:N0} pictures; to train on: " +
                $"{string.Join(", ", manifest.TrainingStyles)}; held out: {manifest.HeldOutStyle}.");
            Terminal.WriteLine("Left out of CLDR's entries: " +
                string.Join("; ", manifest.Left.Select(reason => $"{reason.Value:N0} {reason.Key}")) + ".");
            Terminal.WriteLine($"Written to {folder}. Train on it: clipbook train --world emoji --data {folder}");
            return ExitCode.Success;
        });
        return command;
    }

    private static Command GalleryCommand()
    {
        Option<string> data = new("--data") { Description = "The folder that clipbook data emoji wrote.", Required = true };
        Option<string> style = new("--style") { Description = "Whose pictures.", DefaultValueFactory = _ => "noto" };
        Option<int> every = new("--every") { Description = "Every nth concept.", DefaultValueFactory = _ => 1 };
        Option<string> output = new("--output") { Description = "Where to; must not hold anything.", Required = true };
        Command command = new("gallery", $"""
            Writes one designer's emoji before white as WebP files with English names, and {EmojiGallery.NamesFile}, which has their names
            and keywords in English and Korean.

            Examples:
              clipbook data gallery --data artifacts/emoji --style noto --output artifacts/gallery
              clipbook data gallery --data artifacts/emoji --style openmoji --every 10 --output artifacts/new-style

            {ExitCode.Help}
            """)
        {
            data, style, every, output,
        };
        command.SetAction(parsed =>
        {
            string folder = parsed.GetValue(output)!;
            int step = parsed.GetValue(every);
            if (step < 1) throw new UserError($"--every {step}: 1 takes every concept, 10 every tenth.", ExitCode.Usage);
            int count = GalleryWriter.Write(EmojiData.Open(parsed.GetValue(data)!), parsed.GetValue(style)!, step, folder);
            Terminal.WriteLine($"{count:N0} pictures written to {folder}. Make them searchable: " +
                $"clipbook index {Terminal.Word(folder)} --index artifacts/emoji-index");
            return ExitCode.Success;
        });
        return command;
    }
}
