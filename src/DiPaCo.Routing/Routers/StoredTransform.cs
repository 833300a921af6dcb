using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Routing;

/// <summary>What every router of features stores: <c>shift</c> [d], <c>scale</c> [d], and the length of the prefix.</summary>
internal static class StoredTransform
{
    private const string ShiftName = "shift";
    private const string ScaleName = "scale";

    public static KeyValuePair<string, string> Prefix(IRouter router) =>
        new(FeatureCodec.PrefixKey, router.PrefixTokens.ToString(CultureInfo.InvariantCulture));

    public static int ReadPrefix(StoredFields fields) => fields.Integer(FeatureCodec.PrefixKey, 1, int.MaxValue);

    public static IReadOnlyList<(TensorSpec Spec, float[] Values)> Tensors(FeatureTransform transform) =>
    [
        (new TensorSpec(ShiftName, TensorDType.F32, transform.Width), transform.Shift.ToArray()),
        (new TensorSpec(ScaleName, TensorDType.F32, transform.Width), transform.Scale.ToArray()),
    ];

    /// <exception cref="DiPaCoException">The features are wider than accepted, or a number is not finite.</exception>
    public static FeatureTransform Read(StoredFields fields)
    {
        float[] shift = fields.Floats(ShiftName, -1);
        if (shift.Length > FeatureMatrix.MaximumWidth)
        {
            throw fields.Bad($"its features are {shift.Length} wide where at most {FeatureMatrix.MaximumWidth} was expected");
        }

        return new FeatureTransform(shift, fields.Floats(ScaleName, shift.Length));
    }
}
