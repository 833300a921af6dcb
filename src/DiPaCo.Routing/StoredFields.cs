using System.Globalization;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Routing;

/// <summary>The fields of a safetensors blob of this project, each checked when it is asked for.</summary>
internal sealed class StoredFields
{
    // 1 GiB of 32-bit numbers: far above any router, far below what would exhaust memory.
    private const long MostElements = 1 << 28;

    private readonly SafeTensorsReader _reader;

    /// <summary>Wraps an open file.</summary>
    /// <exception cref="SafeTensorsException">The file says that it is something else.</exception>
    public StoredFields(SafeTensorsReader reader, string format)
    {
        _reader = reader;
        string found = Text(FeatureCodec.FormatKey);
        if (found != format)
        {
            throw Bad($"it is '{found}' where '{format}' was expected");
        }
    }

    public string Text(string key) => _reader.Metadata.FirstOrDefault(pair => pair.Key == key).Value ?? throw Bad($"it has no field '{key}'");

    public long Integer(string key) =>
        long.TryParse(Text(key), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw Bad($"its field '{key}' is '{Text(key)}' where an integer was expected");

    public int Integer(string key, int minimum, int maximum) =>
        Integer(key) is long value && value >= minimum && value <= maximum
            ? (int)value
            : throw Bad($"its field '{key}' is {Integer(key)} where {minimum} to {maximum} was expected");

    public StoredTensor Tensor(string name, TensorDType dtype, int dimensions)
    {
        StoredTensor tensor = _reader.Find(name);
        return tensor.Spec.DType == dtype && tensor.Spec.Shape.Length == dimensions
            ? tensor
            : throw Bad($"its tensor '{name}' is {tensor.Spec} where {dimensions} dimensions of {dtype} were expected");
    }

    /// <summary>A tensor of finite numbers of the given shape; −1 stands for any size.</summary>
    public float[] Floats(string name, params ReadOnlySpan<long> shape)
    {
        float[] values = Read<float>(name, TensorDType.F32, shape);
        return RowMath.AllFinite(values) ? values : throw Bad($"its tensor '{name}' has a number that is not finite");
    }

    public int[] Integers(string name, params ReadOnlySpan<long> shape) => Read<int>(name, TensorDType.I32, shape);

    public SafeTensorsException Bad(string reason) => new(_reader.Path, reason);

    private T[] Read<T>(string name, TensorDType dtype, ReadOnlySpan<long> shape)
        where T : unmanaged
    {
        StoredTensor tensor = Tensor(name, dtype, shape.Length);
        long elements = 1;
        for (int at = 0; at < shape.Length; at++)
        {
            long size = tensor.Spec.Shape[at];
            elements = size is >= 1 and <= MostElements ? elements * size : long.MaxValue;
            if ((shape[at] >= 0 && size != shape[at]) || elements is < 1 or > MostElements)
            {
                string expected = string.Join(" × ", shape.ToArray().Select(one => one < 0 ? "any" : one.ToString(CultureInfo.InvariantCulture)));
                throw Bad($"its tensor '{name}' is {tensor.Spec} where {expected} numbers, at most {MostElements}, were expected");
            }
        }

        T[] values = new T[elements];
        _reader.ReadInto<T>(name, values);
        return values;
    }
}
