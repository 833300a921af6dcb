namespace DiPaCo.Data;

/// <summary>A token that text never becomes by itself: whoever writes its text in a document gets the letters.</summary>
/// <param name="Content">The text by which templates name it.</param>
/// <param name="Id">Its id.</param>
/// <param name="TakesSpaceBefore">Whether white space before it is part of it.</param>
/// <param name="TakesSpaceBehind">Whether white space behind it is part of it.</param>
public sealed record SpecialToken(string Content, int Id, bool TakesSpaceBefore = false, bool TakesSpaceBehind = false);
