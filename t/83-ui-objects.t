#!/usr/bin/perl

# The pages Keys, Providers, Tenants, Users and Prices in a real browser
# (t/ui/objects.mjs): added, pasted, switched off and on, tried with one real
# request, changed by somebody else meanwhile, deleted.

use strict;
use warnings;
use utf8;
use Admind;
use Browser qw(browser_missing browser_run);
use Gateway;
use Scripts;
use Test::More;
use Upstream;

if (my $why = browser_missing()) {
	plan skip_all => $why;
}

my $up = Upstream->new(sub { answer_for($_[0]) });
my $g = Gateway->new(config => "API_KEY_POOLS:\n" .
    "  openai: [sk-browser-test-0001]\n");
my $ad = Admind->new($g->{home}, file => $g->{file});

local $ENV{PROVIDER} = $up->base;
browser_run('objects.mjs', $ad,
	'known' => sub { ok($g->known, 'the workers know it') },
	'asked' => sub {
		my @k = map { $_->{headers}{authorization} } grep {
		    $_->{event} eq 'request' } $up->requests;
		is_deeply(\@k, ['Bearer sk-pasted-value-001'],
		    'one request, with that key');
	});
$ad->finish;
$g->finish;
done_testing;
