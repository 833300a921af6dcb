using System.Globalization;
using DiPaCo.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace DiPaCo.Cluster.Blobs;

/// <summary>The answers that say what is wrong, each with a stable type, as problem details (RFC 9457).</summary>
internal static class BlobProblem
{
    /// <summary>What every type begins with.</summary>
    public const string TypePrefix = "urn:dipaco:blob:";

    /// <summary>The type of <see cref="Damaged"/>.</summary>
    public const string DamagedType = TypePrefix + "damaged";

    /// <summary>The type of <see cref="Mismatch"/>.</summary>
    public const string MismatchType = TypePrefix + "mismatch";

    /// <summary>The member that names the hash that bytes really have.</summary>
    public const string FoundMember = "found";

    public static IResult BadHash() =>
        Of(StatusCodes.Status400BadRequest, "bad-hash", "The name after /blobs/ is not a blob's: expected 64 lower-case hexadecimal digits, a SHA-256.");

    public static IResult BadHeader(string header, string expected) =>
        Of(StatusCodes.Status400BadRequest, "bad-header", $"The header {header} is not understood: expected {expected}.");

    public static IResult Missing(BlobHash hash) =>
        Of(StatusCodes.Status404NotFound, "missing", $"The blob {hash} is not here.");

    public static IResult NoSuchPlace() =>
        Of(StatusCodes.Status404NotFound, "no-such-place", "There is nothing at this address: a blob is at /blobs/ and its 64 lower-case hexadecimal digits.");

    public static IResult BadMethod() =>
        Of(StatusCodes.Status405MethodNotAllowed, "bad-method", "A blob can be read with GET and HEAD and uploaded with PUT.");

    public static IResult LengthRequired() =>
        Of(StatusCodes.Status411LengthRequired, "length-required", "An upload needs a Content-Length: the size is checked before anything is read.");

    public static IResult TooLarge(long announced, long maximum) =>
        Of(StatusCodes.Status413PayloadTooLarge, "too-large", string.Create(CultureInfo.InvariantCulture, $"The blob is announced with {announced} bytes, at most {maximum} are taken. Raise the server's limit for blobs if it is right."));

    public static IResult WrongOffset(long offset) =>
        Of(StatusCodes.Status409Conflict, "wrong-offset", string.Create(CultureInfo.InvariantCulture, $"The server has {offset} bytes of this upload; go on from there."));

    public static IResult TakenOver() =>
        Of(StatusCodes.Status409Conflict, "taken-over", "A newer request goes on with this upload.");

    public static IResult RangeBeyond(long length) =>
        Of(StatusCodes.Status416RangeNotSatisfiable, "range", string.Create(CultureInfo.InvariantCulture, $"The range begins behind the blob's end: it has {length} bytes."));

    public static IResult Mismatch(BlobHash expected, BlobHash found) => TypedResults.Problem(
        $"The bytes that came have the SHA-256 {found}, announced was {expected}. Nothing was kept; send them again from the start.",
        statusCode: StatusCodes.Status422UnprocessableEntity,
        type: MismatchType,
        extensions: [new(FoundMember, found.Hex)]);

    public static IResult Damaged(BlobHash hash, BlobHash found) => TypedResults.Problem(
        $"The blob {hash} is damaged in the server's store: its bytes have the SHA-256 {found}.",
        statusCode: StatusCodes.Status500InternalServerError,
        type: DamagedType,
        extensions: [new(FoundMember, found.Hex)]);

    public static IResult Full(string reason) => Of(StatusCodes.Status507InsufficientStorage, "full", reason);

    public static IResult Storage() =>
        Of(StatusCodes.Status507InsufficientStorage, "storage", "The server's store refused. Its log says why; the upload can go on afterwards.");

    public static IResult BadRequest(int status) => status switch
    {
        StatusCodes.Status408RequestTimeout => Of(status, "too-slow", "The body came too slowly. What has come is kept; ask for the offset and go on from there."),
        StatusCodes.Status413PayloadTooLarge => Of(status, "too-large", "The body is larger than the server takes."),
        _ => Of(status, "cut", "The body ended before its announced length. What has come is kept; ask for the offset and go on from there."),
    };

    private static ProblemHttpResult Of(int status, string type, string detail) => TypedResults.Problem(detail, statusCode: status, type: TypePrefix + type);
}
