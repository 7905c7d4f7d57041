#!/usr/bin/perl

# Everything that a translation writes, requests for providers, answers and
# each event for clients, against the providers' published schemas.

use strict;
use warnings;
use File::Basename qw(dirname);
use File::Temp 'tempdir';
use JSON::PP;
use Npm qw(npm_missing npm_install);
use Test::More;

my $dir = $ENV{BUILDDIR} // 'build/opt';
my $fixtures = $ENV{FIXTURES} // '../shared/fixtures';
my $specs = $ENV{SPECS} // dirname($fixtures) . '/specs';
my $ajv = dirname($dir) . '/ajv';
my $tmp = tempdir(CLEANUP => 1);

plan skip_all => "no published schemas: set SPECS" unless -d $specs;
plan skip_all => "no recorded exchanges: set FIXTURES" unless -d $fixtures;
if (my $why = npm_missing(18) // npm_install('t/ajv', $ajv)) {
	plan skip_all => "the validator cannot be run: $why";
}

$ENV{TRIP_OUTPUTS} = "$tmp/outputs";
system("$dir/t/roundtrip.t >$tmp/said 2>&1");
is($?, 0, 'everything is translated');
my $said = `node $ajv/check.mjs $specs $tmp/outputs 2>&1`;
is($?, 0, 'everything is looked at') or BAIL_OUT($said);

my $groups = decode_json($said);
my $all = 0;
for my $name (sort keys %$groups) {
	my $g = $groups->{$name};

	$all += $g->{n};
	is($g->{bad}, 0, "$name: $g->{n}, $g->{excused} known deviations")
	    or diag map { "$_ (" . scalar(@{$g->{said}{$_}})
	    . ", $g->{said}{$_}[0])\n" } sort keys %{$g->{said}};
}
cmp_ok($all, '>', 10_000, "$all texts were validated");
done_testing;
