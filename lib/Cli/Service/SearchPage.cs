using System.Text;
using ClipNotebooks.Cli.Shell;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace ClipNotebooks.Cli.Service;

/// <summary>The search page, at the service's root: three files that are resources of the program.</summary>
internal static class SearchPage
{
    private static readonly (string Path, string Resource, string MediaType)[] Files =
    [
        ("/", "search.html", "text/html; charset=utf-8"),
        ("/search.js", "search.js", "text/javascript; charset=utf-8"),
        ("/search.css", "search.css", "text/css; charset=utf-8"),
    ];

    internal static void Map(IEndpointRouteBuilder app)
    {
        foreach (var (path, resource, type) in Files)
        {
            byte[] content = Encoding.UTF8.GetBytes(Resource.Text(resource));
            app.MapGet(path, () => Results.Bytes(content, type)).ExcludeFromDescription();
        }
    }
}
