using System.Data.Common;
using System.Text.RegularExpressions;
using Npgsql;

namespace ClipNotebooks.Search.Postgres;

/// <summary>Where a store is: a server, a database and a table, parsed from one connection string.</summary>
internal sealed partial class PostgresAddress
{
    internal const string DefaultTable = "clip_images";

    private PostgresAddress(NpgsqlConnectionStringBuilder connection, string table)
    {
        if (!TableName().IsMatch(table))
            throw new ArgumentException($"\"{table}\" is no name for a table: a letter or _ and then at most 49 letters a to z, digits " +
                $"and _ are expected. A schema is chosen by \"Search Path=…\".");
        (Connection, Table) = (connection, table);
    }

    internal NpgsqlConnectionStringBuilder Connection { get; }

    /// <summary>The table's name, without quotes.</summary>
    internal string Table { get; }

    internal string Server => $"{Connection.Host}:{Connection.Port}";

    /// <summary>For messages: no password.</summary>
    public override string ToString() => $"the table {Table} of the database {Connection.Database ?? Connection.Username} on {Server}";

    internal static bool Is(string text) => text.StartsWith("postgres://", StringComparison.Ordinal)
        || text.StartsWith("postgresql://", StringComparison.Ordinal) || NamesHost().IsMatch(text);

    /// <exception cref="ArgumentException">
    /// The text is no connection string; the message does not repeat it, since it may hold a password.
    /// </exception>
    internal static PostgresAddress Parse(string text)
    {
        try
        {
            var parts = text.Contains("://", StringComparison.Ordinal) ? OfUri(new Uri(text))
                : new DbConnectionStringBuilder { ConnectionString = text };
            string table = parts.TryGetValue("Table", out object? name) ? $"{name}" : DefaultTable;
            parts.Remove("Table");
            var connection = new NpgsqlConnectionStringBuilder(parts.ConnectionString);
            if (string.IsNullOrEmpty(connection.Host)) throw new ArgumentException("it names no host.");
            return new PostgresAddress(connection, table);
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException or InvalidCastException)
        {
            throw new ArgumentException(
                $"The connection string cannot be read: {exception.Message.TrimEnd('.')}. Write " +
                    $"Host=localhost;Database=images;Username=me or postgresql://me@localhost/images, with Table=… or ?table=… for " +
                    $"another table than {DefaultTable}.", exception);
        }
    }

    private static DbConnectionStringBuilder OfUri(Uri uri)
    {
        var parts = new DbConnectionStringBuilder { ["Host"] = uri.IdnHost };
        if (uri.Port > 0) parts["Port"] = uri.Port;
        if (uri.AbsolutePath.Length > 1) parts["Database"] = Uri.UnescapeDataString(uri.AbsolutePath[1..]);
        string[] user = uri.UserInfo.Split(':', 2);
        if (user[0].Length > 0) parts["Username"] = Uri.UnescapeDataString(user[0]);
        if (user.Length > 1) parts["Password"] = Uri.UnescapeDataString(user[1]);
        foreach (string pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parameter = pair.Split('=', 2);
            string value = Uri.UnescapeDataString(parameter.ElementAtOrDefault(1) ?? "");
            // Such addresses use libpq's names; these are the ones for which Npgsql has others.
            string name = parameter[0] switch { "connect_timeout" => "Timeout", "application_name" => "Application Name", "sslrootcert" =>
                "Root Certificate", var other => other };
            parts[name] = name == "sslmode" ? value.Replace("-", "", StringComparison.Ordinal) : value;
        }
        return parts;
    }

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]{0,49}$")]
    private static partial Regex TableName();

    [GeneratedRegex(@"(^|;)\s*(Host|Server)\s*=", RegexOptions.IgnoreCase)]
    private static partial Regex NamesHost();
}
