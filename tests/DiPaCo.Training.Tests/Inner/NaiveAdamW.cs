namespace DiPaCo.Training.Tests.Inner;

/// <summary>AdamW as its formulas in double precision, over one vector of parameters.</summary>
internal sealed class NaiveAdamW(double[] parameters, bool[] decays)
{
    private const double Beta1 = 0.9;
    private const double Beta2 = 0.95;
    private readonly double[] _m = new double[parameters.Length];
    private readonly double[] _v = new double[parameters.Length];
    private int _step;

    public double[] Parameters => parameters;

    public double[] FirstMoments => _m;

    public double[] SecondMoments => _v;

    public double Step(double[] gradient, double learningRate, double weightDecay, double clip)
    {
        double norm = Math.Sqrt(gradient.Sum(g => g * g));
        double scale = clip > 0 && norm > clip ? clip / norm : 1;
        _step++;
        for (int i = 0; i < parameters.Length; i++)
        {
            double g = gradient[i] * scale;
            _m[i] = (Beta1 * _m[i]) + ((1 - Beta1) * g);
            _v[i] = (Beta2 * _v[i]) + ((1 - Beta2) * g * g);
            double m = _m[i] / (1 - Math.Pow(Beta1, _step));
            double v = _v[i] / (1 - Math.Pow(Beta2, _step));
            parameters[i] -= learningRate * ((m / (Math.Sqrt(v) + 1e-8)) + (decays[i] ? weightDecay * parameters[i] : 0));
        }

        return norm;
    }
}
