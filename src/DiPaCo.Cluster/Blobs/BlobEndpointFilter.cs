using DiPaCo.Runtime.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace DiPaCo.Cluster.Blobs;

/// <summary>Turns what a store or a connection throws into an answer. Paths of the server go into its log only.</summary>
internal sealed class BlobEndpointFilter(ILogger<BlobEndpointFilter> logger) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (MissingBlobException e)
        {
            return BlobProblem.Missing(e.Hash);
        }
        catch (DamagedBlobException e)
        {
            BlobEndpointLog.Damaged(logger, e.File, e.Expected, e.Found);
            return BlobProblem.Damaged(e.Expected, e.Found);
        }
        catch (BlobMismatchException e)
        {
            BlobEndpointLog.Mismatch(logger, e.Expected, e.Found);
            return BlobProblem.Mismatch(e.Expected, e.Found);
        }
        catch (TooManyUploadsException e)
        {
            BlobEndpointLog.TooManyUploads(logger, e.Message);
            return BlobProblem.Full(e.Message);
        }
        catch (StorageException e)
        {
            BlobEndpointLog.StorageRefused(logger, e.Message);
            return BlobProblem.Storage();
        }
        catch (BadHttpRequestException e)
        {
            return BlobProblem.BadRequest(e.StatusCode);
        }
        catch (IOException)
        {
            // The connection: what the disk throws has become a StorageException.
            return BlobProblem.BadRequest(StatusCodes.Status400BadRequest);
        }
    }
}
