#!/usr/bin/perl

# Every fuzz entry point over its corpus: no crash, no assertion, no sanitizer.

use strict;
use warnings;
use Test::More;

my $dir = $ENV{BUILDDIR} // 'build/opt';

for my $source (sort glob 't/fuzz/*.c') {
	my ($name) = $source =~ m{([^/]+)\.c$};
	my $program = "$dir/t/replay-$name";
	my $corpus = "t/fuzz/corpus/$name";

	ok(-x $program, "$name: is built") or next;
	my @files = glob "$corpus/*";
	ok(@files > 0, "$name: has a corpus") or next;
	my $said = `$program $corpus 2>&1`;
	is($?, 0, "$name: exit status") or diag $said;
	like($said, qr/^@{[scalar @files]} files$/m, "$name: each file was "
	    . 'read');
}

done_testing;
