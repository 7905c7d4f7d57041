#!/usr/bin/perl

# A text for each member and variant of the providers' published schemas, told
# to the other dialects: nothing is lost in silence.

use strict;
use warnings;
use Admind;
use File::Basename qw(dirname);
use Gateway;
use JSON::PP;
use Npm qw(npm_missing);
use Test::More;

my $fixtures = $ENV{FIXTURES} // '../shared/fixtures';
my $specs = $ENV{SPECS} // dirname($fixtures) . '/specs';

plan skip_all => "no published schemas: set SPECS" unless -d $specs;
if (my $why = npm_missing(18)) {
	plan skip_all => "the schemas cannot be walked: $why";
}

my $g = Gateway->new(config => "WORKERS: 1\n");
my $ad = Admind->new($g->{home}, file => $g->{file});
$ad->set_up;
my $token = $ad->call(POST => '/api/v1/tokens', { name => 'walker', role =>
    'viewer' })->{json}{token};
$g->stop;			# it does not take part

my %unused;
for my $kind (qw(request response)) {
	local %ENV = (%ENV, BASE => 'http://127.0.0.1:' . $ad->port, TOKEN =>
	    $token);
	my $said = `node t/ajv/members.mjs $specs $kind`;
	is($?, 0, "${kind}s: all were told") or next;
	my $r = decode_json($said);
	my $of = $r->{of};
	$unused{$_}++ for @{ $r->{unused} };
	for my $dialect (sort keys %$of) {
		my $d = $of->{$dialect};
		cmp_ok($d->{n}, '>', 30, "$dialect: $d->{n} ${kind}s, " .
		    "$d->{refused} times refused by name");
		for my $f (@{ $d->{found} }) {
			fail("$dialect $kind, $f->{at}") or diag join(' ',
			    @{ $f->{to} }), ': ', join(' ', @{ $f->{values} }),
			    "\n$f->{body}";
		}
	}
}

is_deeply([grep { $unused{$_} == 2 } sort keys %unused], [],
    'each known exception is met');
$ad->finish;
done_testing;
