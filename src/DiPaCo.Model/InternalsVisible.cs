using System.Runtime.CompilerServices;

// The optimizer works on a path's flat buffers with the kernels that belong to them.
[assembly: InternalsVisibleTo("DiPaCo.Training")]
[assembly: InternalsVisibleTo("DiPaCo.Training.Tests")]

// Profiles time each operation of a step.
[assembly: InternalsVisibleTo("DiPaCo.Benchmarks")]

// Inference computes with the same vector mathematics as training.
[assembly: InternalsVisibleTo("DiPaCo.Serving")]
[assembly: InternalsVisibleTo("DiPaCo.Serving.Tests")]
