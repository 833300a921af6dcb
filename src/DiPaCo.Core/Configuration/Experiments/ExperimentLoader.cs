using System.Collections.Immutable;
using System.Globalization;

namespace DiPaCo.Core.Configuration;

/// <summary>
/// Reads an experiment's file: <c>name</c>, <c>seeds</c>, <c>base</c> (a run's configuration) and <c>rows</c>, each with a <c>name</c> and,
/// under <c>with</c>, what it changes. As strict as a run's configuration; all errors name the line of this file.
/// </summary>
public static class ExperimentLoader
{
    private const int MostRows = 1_000;
    private const int MostSeeds = 100;

    private static readonly ImmutableArray<string> Keys = ["name", "seeds", "base", "rows"];
    private static readonly ImmutableArray<string> RowKeys = ["name", "seeds", "with"];

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file; relative data paths in it are relative to its folder.</param>
    /// <param name="dataPaths">Texts in the place of the file's, relative to the working directory; empty leaves the file's.</param>
    /// <exception cref="ConfigurationException">The file cannot be read, or something in it is wrong.</exception>
    public static Experiment Load(string path, ImmutableArray<string> dataPaths) => Parse(RunConfigLoader.LoadText(path), path, dataPaths);

    /// <summary>Reads a text.</summary>
    /// <param name="text">The YAML.</param>
    /// <param name="fileName">Named in errors; without its extension the name of an experiment that states none.</param>
    /// <param name="dataPaths">Texts in the place of the file's.</param>
    /// <exception cref="ConfigurationException">Something in the text is wrong.</exception>
    public static Experiment Parse(string text, string fileName, ImmutableArray<string> dataPaths)
    {
        ErrorList errors = new(fileName);
        if (!YamlCharacters.Check(text, errors))
        {
            throw errors.ToException();
        }

        YamlMapping top = YamlReader.Read(text, errors);
        Reader reader = new(fileName, errors, new ConfigOverrides { DataPaths = dataPaths });
        Experiment experiment = reader.Read(top);
        return errors.IsEmpty ? experiment : throw errors.ToException();
    }

    private sealed class Reader(string fileName, ErrorList errors, ConfigOverrides overrides)
    {
        public Experiment Read(YamlMapping top)
        {
            CheckKeys(top, Keys, "");
            string stem = Path.GetFileNameWithoutExtension(fileName);
            string name = Name(top, "", RunSection.IsName(stem) ? stem : "experiment");
            ImmutableArray<long> seeds = Seeds(top, "", [1]);
            YamlMapping basis = Section(top, "base", "base") ?? new YamlMapping([], top.Line, top.Column);
            if (basis.Find("name") is { } stated)
            {
                errors.Add(stated.Line, stated.Column, "base.name", "the rows have names; leave this one out.");
            }

            if (top.Find("rows")?.Value is not YamlSequence { Items.Length: > 0 and <= MostRows } rows)
            {
                YamlEntry? entry = top.Find("rows");
                errors.Add(entry?.Line ?? top.Line, entry?.Column ?? top.Column, "rows", $"expected a list of 1 to {MostRows:N0} rows such as '- {{ name: dense, with: {{ … }} }}'.");
                return new Experiment(name, []);
            }

            return new Experiment(name, Rows(rows, basis, seeds));
        }

        private ImmutableArray<ExperimentRow> Rows(YamlSequence rows, YamlMapping basis, ImmutableArray<long> seeds)
        {
            HashSet<string> names = new(StringComparer.OrdinalIgnoreCase);
            ImmutableArray<ExperimentRow>.Builder read = ImmutableArray.CreateBuilder<ExperimentRow>();
            for (int i = 0; i < rows.Items.Length; i++)
            {
                string path = string.Create(CultureInfo.InvariantCulture, $"rows[{i}]");
                if (rows.Items[i] is not YamlMapping row)
                {
                    errors.Add(rows.Items[i].Line, rows.Items[i].Column, path, $"found {rows.Items[i].Found}, expected keys such as '{{ name: dense, with: {{ … }} }}'.");
                    continue;
                }

                CheckKeys(row, RowKeys, path);
                string name = Name(row, path, "");
                if (!names.Add(name) && name.Length > 0)
                {
                    errors.Add(row.Line, row.Column, $"{path}.name", $"there is a row '{name}' already; expected a name of its own.");
                }

                YamlMapping own = Section(row, "with", $"{path}.with") ?? new YamlMapping([], row.Line, row.Column);
                YamlMapping changed = Merge(basis, own);
                read.Add(new ExperimentRow(name, [.. Seeds(row, path, seeds).Select(seed => Run(changed, own, name, seed, path)).OfType<LoadedConfig>()]));
            }

            return read.ToImmutable();
        }

        /// <summary>A run; null where its configuration has errors, which are then on the list with the row's name.</summary>
        private LoadedConfig? Run(YamlMapping content, YamlMapping changes, string row, long seed, string path)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"{(row.Length > 0 ? row : "row")}-seed{seed}");
            content = overrides.ApplyTo(content, fileName) ?? content;
            content = With(content, "name", name);
            content = With(content, "seed", seed.ToString(CultureInfo.InvariantCulture));
            ErrorList own = new(fileName);
            try
            {
                return RunConfigLoader.Read(content, fileName, name, own, judged: changes);
            }
            catch (ConfigurationException exception)
            {
                foreach (ConfigurationError error in exception.Errors)
                {
                    if (!errors.Has(error.Line, error.Column, error.Problem))
                    {
                        errors.Add(error.Line, error.Column, error.Key, $"{error.Problem} (row '{(row.Length > 0 ? row : path)}')");
                    }
                }

                return null;
            }
        }

        private void CheckKeys(YamlMapping mapping, ImmutableArray<string> known, string path)
        {
            foreach (YamlEntry entry in mapping.Entries.Where(entry => !known.Contains(entry.Key)))
            {
                string hint = NearestKey.To(entry.Key, known) is { } nearest ? $"Did you mean '{nearest}'?" : $"The keys here are: {string.Join(", ", known)}.";
                errors.Add(entry.Line, entry.Column, KeyPath.Of(path, entry.Key), $"unknown key (found {entry.Value.Found}). {hint}");
            }
        }

        private string Name(YamlMapping mapping, string path, string filled)
        {
            YamlEntry? entry = mapping.Find("name");
            if (entry is null && filled.Length > 0)
            {
                return filled;
            }

            if (entry?.Value is YamlScalar scalar && RunSection.IsName(scalar.Text) && scalar.Text.Length <= 80)
            {
                return scalar.Text;
            }

            errors.Add(
                entry?.Value.Line ?? mapping.Line, entry?.Value.Column ?? mapping.Column, KeyPath.Of(path, "name"),
                $"found {entry?.Value.Found ?? "nothing"}, expected a name of at most 80 letters, digits, dots, dashes and underscores.");
            return "";
        }

        private ImmutableArray<long> Seeds(YamlMapping mapping, string path, ImmutableArray<long> filled)
        {
            if (mapping.Find("seeds") is not { } entry)
            {
                return filled;
            }

            string expected = $"a list of 1 to {MostSeeds} whole numbers such as [1, 2], each once";
            HashSet<long> seeds = [];
            bool valid = entry.Value is YamlSequence { Items.Length: > 0 and <= MostSeeds } list
                && list.Items.All(item => item is YamlScalar { IsPlain: true } scalar && NumberText.TryWhole(scalar.Text, out long seed) && seed >= 0 && seeds.Add(seed));
            if (!valid)
            {
                errors.Add(entry.Value.Line, entry.Value.Column, KeyPath.Of(path, "seeds"), $"found {entry.Value.Found}, expected {expected}.");
                return filled;
            }

            return [.. seeds];
        }

        private YamlMapping? Section(YamlMapping mapping, string key, string path)
        {
            YamlEntry? entry = mapping.Find(key);
            if (entry?.Value is not (null or YamlMapping or YamlScalar { IsEmpty: true }))
            {
                errors.Add(entry.Value.Line, entry.Value.Column, path, $"found {entry.Value.Found}, expected the keys of a run's configuration, indented below it.");
            }

            YamlMapping? section = entry?.Value as YamlMapping;
            if (section?.Find("seed") is { } seed)
            {
                errors.Add(seed.Line, seed.Column, $"{path}.seed", "give the experiment, or the row, 'seeds: [1, 2]' instead.");
            }

            return section;
        }
    }

    /// <summary>The keys of both; where both have one, sections are merged and other values are the second's.</summary>
    private static YamlMapping Merge(YamlMapping basis, YamlMapping? changes)
    {
        foreach (YamlEntry change in changes?.Entries ?? [])
        {
            YamlEntry? stated = basis.Find(change.Key);
            YamlEntry merged = stated?.Value is YamlMapping a && change.Value is YamlMapping b ? change with { Value = Merge(a, b) } : change;
            basis = basis with { Entries = stated is null ? basis.Entries.Add(merged) : basis.Entries.Replace(stated, merged) };
        }

        return basis;
    }

    private static YamlMapping With(YamlMapping mapping, string key, string text) =>
        Merge(mapping, new YamlMapping([new YamlEntry(key, new YamlScalar(text, IsPlain: true, mapping.Line, mapping.Column), mapping.Line, mapping.Column)], mapping.Line, mapping.Column));
}
