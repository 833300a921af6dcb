namespace DiPaCo.Core.Configuration;

/// <summary>The top level of a file, section by section.</summary>
internal static class RunSection
{
    private const int LongestName = 100;

    public static RunConfig Read(SectionReader top, string filledName)
    {
        string name = top.Text(
            "name", filledName, IsName, $"1 to {LongestName} letters, digits, dots, dashes and underscores, beginning with a letter or digit",
            "Name of the run, and of its folder under runs/.")!;
        ModelSize size = top.Word("size", ModelSize.Small, "The dial: fills in whatever this file does not state.");
        SizeTable filled = new(size);
        long seed = top.Long("seed", 1, new Bounds(0, long.MaxValue), "Seed of everything that is drawn by chance.");
        string device = top.Text("device", "auto", text => DeviceRequest.TryParse(text, out _), "auto, cpu, cuda, or cuda:n", "auto, cpu, cuda or cuda:n. Free to change while a run is in progress.")!;
        int threads = top.Count("threads", 0, new Bounds(0, 4_096), "Threads of one worker; 0: all cores. Free to change while a run is in progress.");
        DataOptions data = DataSection.Read(top.Section("data"), filled);
        TokenizerOptions tokenizer = TokenizerSection.Read(top.Section("tokenizer"), filled);
        TransformerOptions transformer = TransformerSection.Read(top.Section("transformer"), filled);
        TopologyOptions topology = TopologySection.Read(top.Section("topology"), filled);
        RecipeOptions recipe = RecipeSection.Read(top.Section("recipe"), filled);
        RunConfig config = new()
        {
            Name = name,
            Size = size,
            Seed = seed,
            Device = device,
            Threads = threads,
            Data = data,
            Tokenizer = tokenizer,
            Transformer = transformer,
            Topology = topology,
            Recipe = recipe,
            Routing = RoutingSection.Read(top.Section("routing")),
            Discriminative = DiscriminativeSection.Read(top.Section("discriminative"), recipe),
            Inner = InnerSection.Read(top.Section("inner"), filled, recipe),
            Outer = OuterSection.Read(top.Section("outer"), filled),
            Evaluation = EvaluationSection.Read(top.Section("evaluation"), filled),
        };
        top.Finish();
        return config;
    }

    /// <summary>Whether that is a name for a run: one that is a harmless folder name on every system.</summary>
    public static bool IsName(string text) =>
        text.Length is > 0 and <= LongestName
        && text.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '-' or '_')
        && char.IsAsciiLetterOrDigit(text[0]) && text[^1] != '.';
}
