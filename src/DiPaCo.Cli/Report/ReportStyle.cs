namespace DiPaCo.Cli.Report;

/// <summary>The report's style sheet: system fonts, light and dark, readable from a phone to a wide screen, and on paper.</summary>
internal static class ReportStyle
{
    /// <summary>The sheet. Its own text only, so nothing in it needs escaping.</summary>
    public static HtmlBuilder Sheet { get; } = Build();

    private static HtmlBuilder Build()
    {
        HtmlBuilder css = new();
        css.Add($$$"""
            :root{--bg:#fff;--panel:#f6f7f9;--ink:#15181e;--soft:#5b6472;--line:#e2e5ea;--bar:#dbe6fb;--ours:#bcd2f8;--accent:#2563eb}
            @media(prefers-color-scheme:dark){:root{--bg:#101216;--panel:#181b21;--ink:#e8eaee;--soft:#98a1b0;--line:#2a2e37;--bar:#1f2d47;--ours:#2b4373;--accent:#60a5fa}}
            *{box-sizing:border-box}
            body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;font-variant-numeric:tabular-nums}
            main{max-width:1000px;margin:0 auto;padding:48px 24px 64px}
            h1{font-size:2.2rem;line-height:1.15;margin:.1em 0 .35em;letter-spacing:-.02em;overflow-wrap:anywhere}
            h2{font-size:1.15rem;margin:0 0 .8em;letter-spacing:-.01em}
            section{margin-top:48px}
            .kicker{margin:0;color:var(--accent);font-weight:600;font-size:.85rem}
            .lead{font-size:1.2rem;line-height:1.45;margin:0 0 1.4em;max-width:46em}
            .note,.none{color:var(--soft);font-size:.88rem;margin:.7em 0 0;max-width:62em}
            .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:0}
            .tiles div{background:var(--panel);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
            dt{color:var(--soft);font-size:.85rem}
            dd{margin:0}
            .tiles dd{font-size:1.25rem;font-weight:650;letter-spacing:-.01em;line-height:1.3}
            .tiles dd.note{font-size:.85rem;font-weight:400;letter-spacing:0;margin-top:.15em}
            .digest{color:var(--soft);font-size:.85rem;margin:1.2em 0 0;overflow-wrap:anywhere}
            code,pre{font:.85em/1.5 ui-monospace,"Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
            .scroll,.chart{overflow-x:auto}
            table{border-collapse:collapse;width:100%;font-size:.92rem}
            th,td{text-align:right;padding:8px 0 8px 18px;border-bottom:1px solid var(--line);white-space:nowrap;vertical-align:middle}
            thead th{color:var(--soft);font-weight:500;font-size:.82rem;vertical-align:bottom;white-space:normal;line-height:1.25}
            th:first-child{text-align:left;padding-left:0}
            tbody th{font-weight:500}
            .ours th,.ours b{font-weight:700}
            td.bar{min-width:150px;position:relative}
            td.bar span{position:absolute;left:18px;top:50%;height:26px;transform:translateY(-50%);max-width:calc(100% - 18px);background:var(--bar);border-radius:4px}
            .ours td.bar span{background:var(--ours)}
            td.bar b{position:relative;font-weight:600;padding-right:8px}
            .text{text-align:left;white-space:normal}
            .shards .text{width:55%;min-width:300px}
            .source{display:inline-block;background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:1px 8px;margin:2px 4px 2px 0;white-space:nowrap}
            .source small{color:var(--soft)}
            .time th{width:9em}
            .chart svg{display:block;width:100%;min-width:560px;height:auto}
            .grid{stroke:var(--line)}.mark{stroke:var(--soft);stroke-dasharray:3 4}
            .tick,.axis{fill:var(--soft);font-size:12.5px}
            polyline{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
            polyline.faint{stroke-width:1;opacity:.3}
            .legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 20px;margin:.6em 0 0;padding:0 0 0 8px;font-size:.88rem}
            .legend i{display:inline-block;width:14px;height:4px;border-radius:2px;margin-right:7px;vertical-align:middle}
            .heat rect{stroke:var(--line);stroke-width:.5}.warm{fill:#2563eb}.cold{fill:#b45309}.heat svg{margin:0}
            .samples{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:16px}
            figure{margin:0;background:var(--panel);border:1px solid var(--line);border-radius:10px;padding:14px 18px}
            figcaption{color:var(--soft);font-size:.88rem;margin-bottom:.6em;overflow-wrap:anywhere}
            figcaption b{color:var(--ink)}
            blockquote{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
            .prompt{color:var(--soft)}
            .facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:10px 24px;margin:0}
            summary{cursor:pointer;color:var(--accent)}
            pre{background:var(--panel);border:1px solid var(--line);border-radius:10px;padding:16px 18px;overflow-x:auto}
            @media(max-width:560px){main{padding:28px 16px 40px}h1{font-size:1.8rem}.lead{font-size:1.08rem}.tiles{grid-template-columns:1fr 1fr}}
            @media print{details>*{display:block}section{break-inside:avoid}}

            """);
        for (int i = 0; i < Palette.Count; i++)
        {
            css.Add($$$""".c{{{i}}}{stroke:{{{Palette.Light[i]}}};}circle.c{{{i}}}{fill:{{{Palette.Light[i]}}};}.b{{{i}}}{background:{{{Palette.Light[i]}}};}""");
        }

        css.Add($$$"""@media(prefers-color-scheme:dark){""");
        for (int i = 0; i < Palette.Count; i++)
        {
            css.Add($$$""".c{{{i}}}{stroke:{{{Palette.Dark[i]}}};}circle.c{{{i}}}{fill:{{{Palette.Dark[i]}}};}.b{{{i}}}{background:{{{Palette.Dark[i]}}};}""");
        }

        return css.Add($$$"""}""");
    }
}
