using System.Text;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

/// <summary>
/// Writes a TorchScript archive of modules within modules (torch/csrc/jit/serialization: pickler.cpp, export_module.cpp): the objects in
/// data.pkl, their classes under code/.
/// </summary>
internal static class TorchScriptFile
{
    internal static byte[] Write(IReadOnlyDictionary<string, Tensor> tensors)
    {
        var code = new StringBuilder();
        var pickle = new PickleWriter().Start();
        Module([.. tensors.Select(item => (item.Key, item.Value))], "Root");
        pickle.Stop();
        return PyTorchFile.Zip(pickle, false, ("code/__torch__.py", Encoding.UTF8.GetBytes(code.ToString())),
            ("constants.pkl", [0x80, 2, (byte)')', (byte)'.']));

        // A part whose name is a number, as a sequence's, is annotated by that name: it could not stand in Python code.
        void Module((string Name, Tensor Tensor)[] members, string type)
        {
            var own = members.Where(item => !item.Name.Contains('.', StringComparison.Ordinal)).ToArray();
            var parts = members.Where(item => item.Name.Contains('.', StringComparison.Ordinal))
                .GroupBy(item => item.Name[..item.Name.IndexOf('.', StringComparison.Ordinal)]).ToArray();
            pickle.Global("__torch__", type).Raw(")").Raw(0x81).Raw("}(");
            foreach (var (name, tensor) in own) pickle.Word(name).Tensor($"{type}.{name}", tensor);
            pickle.Word("training").Raw(0x89);
            foreach (var part in parts)
            {
                pickle.Word(part.Key);
                Module([.. part.Select(item => (item.Name[(part.Key.Length + 1)..], item.Tensor))], $"{type}_{part.Key}");
            }
            pickle.Raw("ub");
            code.Append($"class {type}(Module):\n  __parameters__ = [{string.Concat(own.Select(item => $"\"{item.Name}\", "))}]\n  " +
                $"__buffers__ = []\n");
            foreach (var (name, _) in own) code.Append($"  {name} : Tensor\n");
            code.Append("  training : bool\n");
            foreach (var part in parts) code.Append(char.IsDigit(part.Key[0])
                ? $"  __annotations__[\"{part.Key}\"] = __torch__.{type}_{part.Key}\n" : $"  {part.Key} : __torch__.{type}_{part.Key}\n");
            code.Append($"  def forward(self: __torch__.{type},\n    x: Tensor) -> Tensor:\n    return x\n");
        }
    }
}
