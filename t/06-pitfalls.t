#!/usr/bin/perl

# Each bug by which gateways like this one are known has a test of that number:
# on streams 1 to 14, the state of reasoning to 25, tools and schemas to 37,
# caches and tokens to 41.

use strict;
use warnings;
use Test::More;

# What cannot be tested, as the function that it concerns is not here.
my %absent = (
);

my %found;
for my $file (grep { $_ ne $0 } glob('t/*.t t/unit/*.c')) {
	open my $f, '<', $file or die "$file: $!";
	while (<$f>) {
		$found{ $1 + 0 }{$file} = 1 while /pitfalls?[- ](\d+)\b/g;
		# Rows of tables whose name is put together.
		$found{ $1 + 0 }{$file} = 1 if $file =~ /pitfalls\.c$/ &&
		    /^\t\{ (\d+), "/;
	}
	close $f;
}
for (1 .. 41) {
	if ($absent{$_}) {
		ok(!$found{$_}, "$_ is not here yet: $absent{$_}")
		    or diag "it is tested in @{[ sort keys %{ $found{$_} } ]}: "
		    . 'take it off the list';
		next;
	}
	ok($found{$_}, "$_ has a test") or next;
	note join ' ', sort keys %{ $found{$_} };
}
done_testing;
