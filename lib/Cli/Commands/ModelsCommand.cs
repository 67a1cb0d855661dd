using System.CommandLine;
using System.Globalization;
using ClipNotebooks.Cli.Shell;
using ClipNotebooks.Core.Hub;
using Spectre.Console;

namespace ClipNotebooks.Cli.Commands;

/// <summary>`clipbook models`: the families of published models, and one or two of each to try.</summary>
internal static class ModelsCommand
{
    internal static Command Create()
    {
        Option<bool> json = new("--json") { Description = "Print JSON." };
        Command command = new("models", $"""
            Lists the families of published models that are read, each with a model to try: its parameters, the side of its images, the
            languages of its captions, its published zero-shot accuracy on ImageNet (top-1) with the source, and whether it is in the Hub's
            cache. A cell is empty where no source was found. Any other model of a family works by its id too. openclip_results.csv lies in
            the folder docs of OpenCLIP's repository; SigLIP 2's README is README_siglip2.md of google-research/big_vision, PE's lies in
            apps/pe of facebookresearch/perception_models, MobileCLIP is apple/ml-mobileclip, MobileCLIP2-B's
            card that of apple/MobileCLIP2-B. NaFlex takes images of any proportions; its 256 pixels are a budget of 256 patches.

            Examples:
              clipbook models
              clipbook models --json
              clipbook download google/siglip2-base-patch16-224
              clipbook classify cat.jpg --labels 고양이,개 --model google/siglip2-base-patch16-224

            {ExitCode.Help}
            """)
        {
            json,
        };
        command.SetAction(parsed =>
        {
            var models = ModelCatalog.Models.Select(model => (Model: model, IsCached: IsCached(model.Id))).ToList();
            if (parsed.GetValue(json))
            {
                Terminal.WriteJson(Output.Json(models.Select(entry => new
                {
                    family = entry.Model.Family,
                    id = entry.Model.Id,
                    parametersInMillions = entry.Model.Parameters,
                    resolution = entry.Model.Resolution,
                    languages = entry.Model.Languages,
                    imageNetTop1 = entry.Model.Top1,
                    source = entry.Model.Source,
                    isCached = entry.IsCached,
                })));
                return ExitCode.Success;
            }
            Terminal.Rich().Write(Table(models));
            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>Whether a model is completely in the Hub cache; a damaged one is not.</summary>
    private static bool IsCached(string id)
    {
        try
        {
            return new HuggingFaceHub().Find(id) is not null;
        }
        catch (HubException)
        {
            return false;
        }
    }

    private static Table Table(IEnumerable<(PublishedModel Model, bool IsCached)> models)
    {
        var table = new Table().RoundedBorder().AddColumn("family").AddColumn(new TableColumn("model").NoWrap())
            .AddColumn(new TableColumn("parameters").RightAligned()).AddColumn(new TableColumn("pixels").RightAligned())
            .AddColumn("languages")
            .AddColumn(new TableColumn("top-1").RightAligned()).AddColumn("source").AddColumn("cached");
        string family = "";
        foreach (var (model, isCached) in models)
        {
            table.AddRow(
                Markup.Escape(model.Family == family ? "" : model.Family), Markup.Escape(model.Id), Millions(model.Parameters),
                model.Resolution.ToString(CultureInfo.InvariantCulture), Markup.Escape(model.Languages),
                model.Top1 is { } top1 ? string.Create(CultureInfo.InvariantCulture, $"{top1:F1} %") : "",
                Markup.Escape(model.Source ?? ""), isCached ? "yes" : "");
            family = model.Family;
        }
        return table;
    }

    private static string Millions(double? count) =>
        count is { } millions ? string.Create(CultureInfo.InvariantCulture, $"{millions:F0} M") : "";
}
