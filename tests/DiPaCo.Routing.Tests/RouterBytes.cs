namespace DiPaCo.Routing.Tests;

internal static class RouterBytes
{
    public static byte[] Of(IRouter router)
    {
        using MemoryStream stream = new();
        RouterCodec.Write(router, stream);
        return stream.ToArray();
    }
}
