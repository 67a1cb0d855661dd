using Mono.Cecil;

namespace ClipNotebooks.Cli.Tests;

/// <summary>
/// Who uses whom, read from the compiled libraries: a room is a namespace, and it uses another where one of its types names a type of the
/// other's in a base, a member, an attribute or an instruction.
/// </summary>
internal sealed class RoomGraph
{
    private const string Prefix = "ClipNotebooks.";

    private readonly SortedDictionary<string, SortedDictionary<string, SortedSet<string>>> _rooms = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, SortedDictionary<string, SortedSet<string>>> _packages = new(StringComparer.Ordinal);

    private RoomGraph()
    {
    }

    /// <summary>Each room, such as <c>Clip/Models</c>, with the rooms that it uses and the types by which it does.</summary>
    internal IReadOnlyDictionary<string, SortedDictionary<string, SortedSet<string>>> Rooms => _rooms;

    /// <summary>Each room with the assemblies of others that it uses, and its types that do.</summary>
    internal IReadOnlyDictionary<string, SortedDictionary<string, SortedSet<string>>> Packages => _packages;

    /// <param name="assemblies">The libraries' files.</param>
    internal static RoomGraph Read(IEnumerable<string> assemblies)
    {
        var graph = new RoomGraph();
        foreach (string path in assemblies)
        {
            using var module = ModuleDefinition.ReadModule(path);
            foreach (var type in module.GetTypes())
            {
                if (Room(type) is not { } room) continue;
                graph._rooms.TryAdd(room, new(StringComparer.Ordinal));
                graph._packages.TryAdd(room, new(StringComparer.Ordinal));
                foreach (var used in Uses(type))
                {
                    if (Room(used) is { } other)
                    {
                        if (other != room) Add(graph._rooms[room], other, $"{Outer(type).Name} uses {Outer(used).Name}");
                    }
                    else if (Outer(used).Scope is AssemblyNameReference { Name: var name } && !IsSystem(name))
                    {
                        Add(graph._packages[room], name, Outer(type).Name);
                    }
                }
            }
        }
        return graph;
    }

    private static bool IsSystem(string assembly) =>
        assembly is "System" or "netstandard" or "mscorlib" or "Microsoft.Win32.Primitives"
        || assembly.StartsWith("System.", StringComparison.Ordinal) && assembly != "System.CommandLine";

    private static void Add(SortedDictionary<string, SortedSet<string>> map, string key, string what)
    {
        if (!map.TryGetValue(key, out var set)) map[key] = set = new(StringComparer.Ordinal);
        set.Add(what);
    }

    private static TypeReference Outer(TypeReference type)
    {
        while (type.DeclaringType is { } outer) type = outer;
        return type;
    }

    private static string? Room(TypeReference type) => Outer(type).Namespace is { } name
        && name.StartsWith(Prefix, StringComparison.Ordinal)
        ? name[Prefix.Length..].Replace('.', '/') : null;

    private static List<TypeReference> Uses(TypeDefinition type)
    {
        List<TypeReference> found = [];
        Named(type.BaseType);
        Attributes(type);
        foreach (var implemented in type.Interfaces) Named(implemented.InterfaceType);
        foreach (var constraint in type.GenericParameters.SelectMany(parameter => parameter.Constraints)) Named(constraint.ConstraintType);
        foreach (var field in type.Fields)
        {
            Named(field.FieldType);
            Attributes(field);
        }
        foreach (var method in type.Methods)
        {
            Named(method.ReturnType);
            Attributes(method);
            foreach (var parameter in method.Parameters) Named(parameter.ParameterType);
            if (!method.HasBody) continue;
            foreach (var variable in method.Body.Variables) Named(variable.VariableType);
            foreach (var handler in method.Body.ExceptionHandlers) Named(handler.CatchType);
            foreach (var instruction in method.Body.Instructions) Operand(instruction.Operand);
        }
        return found;

        void Named(TypeReference? named)
        {
            switch (named)
            {
                case null or GenericParameter: break;
                case GenericInstanceType generic:
                    Named(generic.ElementType);
                    foreach (var argument in generic.GenericArguments) Named(argument);
                    break;
                case TypeSpecification shaped: Named(shaped.ElementType); break;
                default: found.Add(named); break;
            }
        }

        void Attributes(ICustomAttributeProvider provider)
        {
            foreach (var attribute in provider.CustomAttributes)
            {
                Named(attribute.AttributeType);
                foreach (var value in attribute.ConstructorArguments.Select(argument => argument.Value).OfType<TypeReference>()) Named(
                    value);
            }
        }

        void Operand(object? operand)
        {
            switch (operand)
            {
                case TypeReference named: Named(named); break;
                case FieldReference field:
                    Named(field.DeclaringType);
                    Named(field.FieldType);
                    break;
                case MethodReference method:
                    Named(method.DeclaringType);
                    foreach (var argument in (method as GenericInstanceMethod)?.GenericArguments ?? []) Named(argument);
                    break;
            }
        }
    }
}
