using System.Text.Json;
using System.Text.RegularExpressions;

namespace ClipNotebooks.Notebooks.Tests.Export;

/// <summary>The rules of nbformat's schema 4.5 for what is written here: keys that must be there and no other, their types, ids.</summary>
internal static partial class NotebookRules
{
    private static readonly Dictionary<string, string[]> OutputKeys = new()
    {
        ["stream"] = ["name", "output_type", "text"],
        ["display_data"] = ["data", "metadata", "output_type"],
        ["execute_result"] = ["data", "execution_count", "metadata", "output_type"],
        ["error"] = ["ename", "evalue", "output_type", "traceback"],
    };

    internal static string[] Broken(JsonElement notebook)
    {
        List<string> broken = [];
        Keys(notebook, "the notebook", ["cells", "metadata", "nbformat", "nbformat_minor"], broken);
        if (broken.Count > 0)
            return [.. broken];
        if ((notebook.GetProperty("nbformat").GetInt32(), notebook.GetProperty("nbformat_minor").GetInt32()) != (4, 5))
            broken.Add("the version is not 4.5");
        JsonElement metadata = notebook.GetProperty("metadata");
        if (metadata.GetProperty("kernelspec").GetProperty("name").GetString() != ".net-csharp"
            || metadata.GetProperty("kernelspec").GetProperty("display_name").ValueKind != JsonValueKind.String
            || metadata.GetProperty("language_info").GetProperty("name").ValueKind != JsonValueKind.String)
            broken.Add("the kernel is not named");
        HashSet<string> ids = [];
        foreach (JsonElement cell in notebook.GetProperty("cells").EnumerateArray())
        {
            string type = cell.GetProperty("cell_type").GetString()!,
                id = cell.TryGetProperty("id", out JsonElement given) ? given.GetString()! : "";
            if (!Id().IsMatch(id) || !ids.Add(id))
                broken.Add($"\"{id}\" is no id, or a second one");
            string[] keys = ["cell_type", "id", "metadata", "source"];
            Keys(cell, id, type == "code" ? [.. keys, "execution_count", "outputs"] : keys, broken);
            Multiline(cell.GetProperty("source"), id, broken);
            if (cell.GetProperty("metadata").ValueKind != JsonValueKind.Object)
                broken.Add($"{id}: metadata is no object");
            if (type == "code")
                Code(cell, id, broken);
        }
        return [.. broken];
    }

    private static void Code(JsonElement cell, string id, List<string> broken)
    {
        JsonElement count = cell.GetProperty("execution_count");
        if (count.ValueKind != JsonValueKind.Null && !(count.TryGetInt32(out int value) && value >= 0))
            broken.Add($"{id}: execution_count is {count}");
        foreach (JsonElement output in cell.GetProperty("outputs").EnumerateArray())
        {
            string type = output.GetProperty("output_type").GetString()!;
            Keys(output, $"{id}: {type}", OutputKeys.GetValueOrDefault(type, []), broken);
            if (type == "stream")
                Multiline(output.GetProperty("text"), id, broken);
            if (type is "display_data" or "execute_result")
                foreach (JsonProperty form in output.GetProperty("data").EnumerateObject())
                    Multiline(form.Value, $"{id}: {form.Name}", broken);
            if (type == "error" && output.GetProperty("traceback").EnumerateArray().Any(line => line.ValueKind != JsonValueKind.String))
                broken.Add($"{id}: the traceback is not of strings");
        }
    }

    private static void Keys(JsonElement value, string what, string[] expected, List<string> broken)
    {
        string[] keys = [.. value.EnumerateObject().Select(property => property.Name)];
        if (!keys.Order().SequenceEqual(expected.Order()))
            broken.Add($"{what} has the keys {string.Join(", ", keys)}; {string.Join(", ", expected)} are expected");
    }

    private static void Multiline(JsonElement text, string what, List<string> broken)
    {
        if (text.ValueKind == JsonValueKind.String)
            return;
        string[] lines = [.. text.EnumerateArray().Select(line => line.GetString()!)];
        if (lines.SkipLast(1).Any(line => !line.EndsWith('\n')) || lines.Any(line => line.Length == 0))
            broken.Add($"{what}: lines without their line feed");
    }

    [GeneratedRegex("^[a-zA-Z0-9-_]{1,64}$")]
    private static partial Regex Id();
}
