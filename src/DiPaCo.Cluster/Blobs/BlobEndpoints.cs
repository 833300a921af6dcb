using DiPaCo.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace DiPaCo.Cluster.Blobs;

/// <summary>
/// Blobs over HTTP. Reading has ranges; an upload can be broken off anywhere and goes on where it was; the bytes are hashed
/// before they count. Every refusal is a problem document that says what was expected.
/// </summary>
public static class BlobEndpoints
{
    private const string Root = "/blobs";
    private const string Blob = "/{hash}";

    /// <summary>Maps reading and uploading, for workers.</summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="store">Where blobs are.</param>
    /// <param name="uploads">Where they are until they are complete.</param>
    /// <param name="options">The limits.</param>
    public static RouteGroupBuilder MapBlobs(this IEndpointRouteBuilder endpoints, IBlobStore store, BlobUploads uploads, BlobEndpointOptions options)
    {
        var handlers = new BlobHandlers(store, uploads, options);
        RouteGroupBuilder blobs = Group(endpoints);
        blobs.MapMethods(Blob, [HttpMethods.Head], handlers.HeadAsync);
        blobs.MapGet(Blob, handlers.GetAsync);
        blobs.MapPut(Blob, handlers.PutAsync);
        blobs.Map(Blob, BlobProblem.BadMethod);
        blobs.Map("/{**elsewhere}", BlobProblem.NoSuchPlace);
        return blobs;
    }

    /// <summary>Maps listing and deleting, for silos and administrators.</summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="store">Where blobs are.</param>
    /// <param name="uploads">Where they are until they are complete.</param>
    /// <param name="options">The limits.</param>
    public static RouteGroupBuilder MapBlobAdministration(this IEndpointRouteBuilder endpoints, IBlobStore store, BlobUploads uploads, BlobEndpointOptions options)
    {
        var handlers = new BlobHandlers(store, uploads, options);
        RouteGroupBuilder blobs = Group(endpoints);
        blobs.MapGet("/", handlers.List);
        blobs.MapDelete(Blob, handlers.DeleteAsync);
        return blobs;
    }

    private static RouteGroupBuilder Group(IEndpointRouteBuilder endpoints)
    {
        RouteGroupBuilder group = endpoints.MapGroup(Root);
        group.AddEndpointFilter<RouteGroupBuilder, BlobEndpointFilter>();
        return group;
    }
}
