using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>
/// Whether the losses of documents under every path will have room. The tasks that make them come in the middle of a run or at its end, when no key of it can be
/// changed any more; how many losses there will be is known as soon as the text is there.
/// </summary>
/// <param name="config">The run.</param>
/// <param name="corpus">Its tokens; not owned.</param>
/// <param name="paths">Number of paths.</param>
internal sealed class ScoringLimits(RunConfig config, TokenCorpus corpus, int paths)
{
    private readonly EvaluationOptions _evaluation = config.Evaluation;
    private readonly DiscriminativeOptions _discriminative = config.Discriminative;

    /// <summary>Refuses a run that would have to stop for want of room.</summary>
    /// <exception cref="DiPaCoException">There would be too many losses; the key is named, with the largest value that is possible.</exception>
    public void Check()
    {
        if (!_discriminative.AfterPhases.IsEmpty)
        {
            if (_discriminative.Candidates is > 0 and int candidates && candidates < paths)
            {
                CandidateLosses.ThrowIfTooMany(Chosen(Split.Router, _discriminative.MaxDocuments).Length, candidates);
            }
            else
            {
                Check("discriminative.max_documents", Split.Router, _discriminative.MaxDocuments, cell: 0);
            }
        }

        if (_evaluation.UsesTokenRouter())
        {
            Check("evaluation.max_token_router_documents", Split.Router, _evaluation.MaxTokenRouterDocuments, cell: 1);
        }

        if (_evaluation.ScoresEveryPath())
        {
            Check("evaluation.max_documents", Split.Test, _evaluation.MaxDocuments, _evaluation.LossCell());
        }
    }

    private void Check(string key, Split split, int most, int cell)
    {
        DocumentId[] documents = Chosen(split, most);
        int possible = 0;
        long losses = 0;
        foreach (DocumentId id in documents)
        {
            losses += (1 + LossMatrix.CellsOf(corpus[id].TokenCount - config.Routing.PrefixTokens, cell)) * paths;
            possible += losses <= LossMatrix.MostElements ? 1 : 0;
        }

        if (losses > LossMatrix.MostElements)
        {
            string remedy = possible > 0 ? string.Create(CultureInfo.InvariantCulture, $"{key} of 1 to {possible:N0}, or fewer paths (topology)") : "fewer paths (topology), or shorter documents";
            throw new DiPaCoException(string.Create(
                CultureInfo.InvariantCulture,
                $"{key} is {most:N0}: the {split.ToString().ToLowerInvariant()} split's {documents.Length:N0} documents would have {losses:N0} losses under {paths:N0} paths, {Unit(cell)}, and {LossMatrix.MostElements:N0} are possible. Expected {remedy}."));
        }
    }

    private static string Unit(int cell) => cell switch
    {
        0 => "document by document",
        1 => "token by token",
        _ => string.Create(CultureInfo.InvariantCulture, $"every {cell} tokens"),
    };

    /// <summary>The documents that will be scored, in the order of their ranks.</summary>
    private DocumentId[] Chosen(Split split, int most)
    {
        DocumentId[] all = [.. HeldOutRank.Documents(corpus, split, config.Routing.PrefixTokens, HeldOutRank.All).OrderBy(id => HeldOutRank.Of(corpus[id]))];
        return all[..(int)HeldOutTask.Choose([.. all.Select(id => HeldOutRank.Of(corpus[id]))], most).Documents];
    }
}
