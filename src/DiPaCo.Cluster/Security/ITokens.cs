using System.Collections.Immutable;

namespace DiPaCo.Cluster;

/// <summary>The tokens that open a silo. Of a token its hash is kept, so that what is kept opens nothing; a plain hash is enough, because nobody can guess 256 random bits.</summary>
public interface ITokens
{
    /// <summary>Makes a token. It is shown once and cannot be found out later.</summary>
    /// <param name="role">What it allows.</param>
    /// <param name="lifetime">How long.</param>
    /// <exception cref="Core.DiPaCoException">It cannot be kept.</exception>
    (string Token, TokenRecord Record) Create(TokenRole role, TimeSpan lifetime);

    /// <summary>Ends a token; returns whether there was one of that name.</summary>
    bool Revoke(string id);

    /// <summary>All tokens that have not expired.</summary>
    ImmutableArray<TokenRecord> List();

    /// <summary>What a token allows.</summary>
    /// <param name="token">The token.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>Null: it is unknown or has expired; the reason says which.</returns>
    /// <exception cref="Core.DiPaCoException">Where tokens are kept cannot be read.</exception>
    ValueTask<(TokenRecord? Record, string Reason)> FindAsync(string token, CancellationToken cancellationToken);
}
