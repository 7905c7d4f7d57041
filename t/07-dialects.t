#!/usr/bin/perl

# The tables of proxyd-dialects(7) are what the code says now: "make dialects"
# writes them anew.

use strict;
use warnings;
use Test::More;

my $build = $ENV{BUILDDIR} // 'build/opt';
my $page = 'man/proxyd-dialects.7';

plan skip_all => "$build/t/dialects is not built" unless -x "$build/t/dialects";

sub slurp {
	open my $f, '<', $_[0] or die "$_[0]: $!";
	local $/;
	return scalar <$f>;
}

my $now = `$build/t/dialects $page`;
is($?, 0, 'every feature can be asked of every pair');
my @was = split /\n/, slurp($page);
my @is = split /\n/, $now;
my @differ = grep { ($was[$_] // '') ne ($is[$_] // '') }
    0 .. ($#was > $#is ? $#was : $#is);
ok(!@differ, "$page is as the code says")
    or diag map { "line @{[ $_ + 1 ]}: '@{[ $was[$_] // '' ]}', now "
    . "'@{[ $is[$_] // '' ]}'\n" } @differ[0 .. ($#differ > 5 ? 5 : $#differ)];
cmp_ok(scalar(grep { /^\.It .* Ta (?:kept|approximated|dropped|refused)/ }
    @is), '>', 100, 'and has a row a feature');
for my $word (qw(kept approximated dropped refused)) {
	ok((grep { / Ta $word\b/ } @is), "some are $word");
}
done_testing;
