using DiPaCo.Cli.Output;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Report;

/// <summary>Which text each path learned from.</summary>
internal static class ShardsSection
{
    private const int MostShown = 64;
    private const int SourcesShown = 4;
    private const int TopicsShown = 8;

    /// <summary>Builds the section.</summary>
    public static HtmlBuilder Build(ReportData data)
    {
        HtmlBuilder html = new();
        html.Add($"<section><h2>Shards</h2><div class='scroll'><table class='shards'><thead><tr><th>path</th><th>documents</th><th class='bar'>tokens</th><th class='text'>most frequent sources</th>{(data.Results.Topics.IsEmpty ? new HtmlBuilder() : new HtmlBuilder().Add($"<th class='text'>most distinctive tokens</th>"))}</tr></thead><tbody>");
        long most = Math.Max(1, data.Results.Shards.Select(shard => shard.Tokens).DefaultIfEmpty(1).Max());
        foreach (ShardSummary shard in data.Results.Shards.Take(MostShown))
        {
            html.Add($"<tr><th scope='row'>{shard.Path}</th><td>{Units.Count(shard.Documents)}</td><td class='bar'><span style='width:{100.0 * shard.Tokens / most:0.#}%'></span><b>{Units.Short(shard.Tokens)}</b></td><td class='text'>{Sources(shard)}</td>{Topics(data.Results, shard)}</tr>");
        }

        html.Add($"</tbody></table></div>");
        if (data.Results.Shards.Length > MostShown)
        {
            html.Add($"<p class='note'>The first {MostShown} of {data.Results.Shards.Length} shards; results.json has all.</p>");
        }

        return html.Add($"<p class='note'>The router saw only the first tokens of each document, never its source.</p></section>");
    }

    private static HtmlBuilder Topics(RunResults results, ShardSummary shard)
    {
        HtmlBuilder html = new();
        if (results.Topics.FirstOrDefault(topics => topics.Path == shard.Path) is not { } found)
        {
            return html;
        }

        html.Add($"<td class='text'>");
        foreach (Topic topic in found.Topics.Take(TopicsShown))
        {
            html.Add($"<span class='source'>{SafeText.OneLine(topic.Token.Trim(), 24)}</span> ");
        }

        return html.Add($"</td>");
    }

    private static HtmlBuilder Sources(ShardSummary shard)
    {
        HtmlBuilder html = new();
        foreach (SourceCount source in shard.Sources.Take(SourcesShown))
        {
            double share = shard.Documents > 0 ? (double)source.Documents / shard.Documents : 0;
            html.Add($"<span class='source'>{SafeText.OneLine(source.Source, 48)} <small>{Units.Percent(share)}</small></span> ");
        }

        return html;
    }
}
