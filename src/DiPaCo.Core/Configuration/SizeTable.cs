using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>
/// What the dial <c>size</c> stands for. Values that are equal at every size are the defaults of the option records;
/// values that follow from others (heads from the width, feed-forward from the activation) are computed by the sections.
/// </summary>
public sealed class SizeTable(ModelSize size)
{
    // The two CPU sizes are measured in minutes and see each token of their small corpus once or twice: short sequences,
    // small batches, high learning rates. The paper's column is Table 4 and section 4 of the paper.

    //                                                 tiny   small  medium   large    paper

    /// <summary>Entries of a trained vocabulary.</summary>
    public int Vocabulary => Of(/*                 */ 2_048,  4_096,  8_192, 32_000,  32_000);

    /// <summary>Width D of the residual stream.</summary>
    public int Width => Of(/*                      */   128,    192,    256,    512,     896);

    /// <summary>Width of all heads together; the paper's 16 heads of 64 are wider than its residual stream.</summary>
    public int AttentionWidth => Of(/*             */   128,    192,    256,    512,   1_024);

    /// <summary>Width of one head.</summary>
    public int HeadWidth => Of(/*                  */    32,     32,     32,     64,      64);

    /// <summary>Kind of feed-forward; GELU with a fourfold width gives the paper's numbers of parameters.</summary>
    public Activation Activation => Of(
        Core.Activation.SwiGlu, Core.Activation.SwiGlu, Core.Activation.SwiGlu, Core.Activation.SwiGlu, Core.Activation.Gelu);

    /// <summary>Tokens T of a sequence.</summary>
    public int SequenceLength => Of(/*             */   128,    256,    512,  1_024,   1_024);

    /// <summary>Blocks of a path.</summary>
    public int Blocks => Of(/*                     */     4,      6,      6,     12,      12);

    /// <summary>Levels, all with the same number of blocks.</summary>
    public int Levels => Of(/*                     */     2,      2,      2,      2,       2);

    /// <summary>Experts K of each level.</summary>
    public int Experts => Of(/*                    */     2,      2,      4,      8,      16);

    /// <summary>Blocks of each level that every path has for itself (the paper's blocks 0, 5, 6, 11).</summary>
    public ImmutableArray<int> PrivateBlocks => Of<ImmutableArray<int>>([], [], [], [0, 5], [0, 5]);

    /// <summary>Where the embedding belongs. A common one ties all paths together and costs most of the gain of routing.</summary>
    public Sharing Embedding => Of(Sharing.Private, Sharing.Private, Sharing.Private, Sharing.Private, Sharing.Private);

    /// <summary>Where the final norm (and an untied output matrix) belongs.</summary>
    public Sharing Head => Of(Sharing.Private, Sharing.Private, Sharing.Private, Sharing.Private, Sharing.Private);

    /// <summary>Steps of the base model.</summary>
    public int BaseSteps => Of(/*                  */   100,    300,  1_000,  4_000,  24_000);

    /// <summary>Phases T.</summary>
    public int Phases => Of(/*                     */     4,      6,     10,     60,     427);

    /// <summary>Inner steps τ. Paper: (88,000 − 24,000) / 150 phases.</summary>
    public int InnerSteps => Of(/*                 */    25,     50,    100,    100,     150);

    /// <summary>Sequences of one step.</summary>
    public int BatchSequences => Of(/*             */    16,      8,      8,    128,     512);

    /// <summary>Sequences computed at once.</summary>
    public int MicroBatchSequences => Of(/*        */    16,      8,      8,     16,      16);

    /// <summary>Peak learning rate of the base model.</summary>
    public double BaseLearningRate => Of(/*        */ 1.5e-3,   2e-3,   1e-3,   6e-4,    4e-4);

    /// <summary>Peak learning rate of the paths.</summary>
    public double LearningRate => Of(/*            */  2e-3,   1e-3,   1e-3,   6e-4,    4e-4);

    /// <summary>Warm-up of the base stage.</summary>
    public int BaseWarmupSteps => Of(/*            */    10,     30,    100,    400,   1_000);

    /// <summary>Warm-up after the fork.</summary>
    public int WarmupSteps => Of(/*                */    10,     30,    100,    400,   1_000);

    /// <summary>Rescaling of the outer gradient (paper §2.7); an average of two to eight deltas takes the plain step.</summary>
    public OuterRescaling Rescaling => Of(
        OuterRescaling.None, OuterRescaling.None, OuterRescaling.None, OuterRescaling.None, OuterRescaling.SquareRoot);

    /// <summary>
    /// Contributions that are folded together while others are on their way (<see cref="OuterOptimizerOptions.FoldPaths"/>). A fold reads and writes 8 bytes a
    /// parameter for sums beside what it reads of contributions, so it is of use only where a module has hundreds of paths: one that all paths of the paper share.
    /// </summary>
    public int FoldPaths => Of(/*                  */     0,      0,      0,      0,      64);

    /// <summary>Share of the originals for validation.</summary>
    public double ValidationShare => Of(/*         */  0.02,   0.02,   0.01,  0.001,   0.001);

    /// <summary>Share of the originals for the final evaluation: a small corpus needs a larger one to tell models apart.</summary>
    public double TestShare => Of(/*               */  0.05,   0.05,   0.02,  0.002,   0.002);

    /// <summary>
    /// Test documents that are scored at most; 0: all. Every model of the table scores them, which without an end would take a
    /// quarter of a tiny run's time; the models are compared on the same documents, so few are enough to tell them apart.
    /// </summary>
    public int MaxDocuments => Of(/*              */   128,    256,      0,      0,       0);

    /// <summary>Validation documents that are scored at most after a phase; 0: all.</summary>
    public int MaxValidationDocuments => Of(/*    */    64,    128,    256,    256,     256);

    /// <summary>Router documents that the token router learns from; 0: all. With the sizes' paths, documents of twice a sequence still have room.</summary>
    public int MaxTokenRouterDocuments => Of(/*   */     0,      0,      0,  2_000,     500);

    /// <summary>Phases between two evaluations.</summary>
    public int EveryPhases => Of(/*                */     1,      1,      1,      5,      25);

    private T Of<T>(T tiny, T small, T medium, T large, T paper) => size switch
    {
        ModelSize.Tiny => tiny,
        ModelSize.Small => small,
        ModelSize.Medium => medium,
        ModelSize.Large => large,
        ModelSize.Paper => paper,
        _ => throw new InvalidOperationException($"{size} is not a size."),
    };
}
