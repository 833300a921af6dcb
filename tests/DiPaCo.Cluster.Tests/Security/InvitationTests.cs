using CsCheck;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Cluster.Tests.Security;

public sealed class InvitationTests
{
    private static readonly Invitation Sample = new(
        [new Uri("https://10.0.0.7:7420/"), new Uri("https://silo.example/")], new string('a', 64), "secret-token");

    [Fact]
    public void AnInvitation_ComesBackFromItsText()
    {
        Invitation read = Invitation.Read($"  {Sample.Write()}\n");

        Assert.Equal(Sample.Addresses, read.Addresses);
        Assert.Equal(Sample.Certificate, read.Certificate);
        Assert.Equal(Sample.Token, read.Token);
    }

    [Fact]
    public void TheTextOfAnInvitationForPeople_DoesNotShowTheToken() =>
        Assert.DoesNotContain(Sample.Token, $"{Sample}", StringComparison.Ordinal);

    [Fact]
    public void WhateverIsChangedInAnInvitation_ItIsAnotherOneOrAClearErrorWithoutTheToken()
    {
        string text = Sample.Write();
        Gen.Select(Gen.Int[0, text.Length - 1], Gen.Char[' ', '~'], Gen.Bool).Sample((at, c, cut) =>
        {
            string mutated = cut ? text[..at] : $"{text[..at]}{c}{text[(at + 1)..]}";
            try
            {
                Invitation.Read(mutated);
            }
            catch (DiPaCoException exception)
            {
                Assert.DoesNotContain(Sample.Token, exception.ToString(), StringComparison.Ordinal);
            }
        }, iter: 2000);
    }
}
