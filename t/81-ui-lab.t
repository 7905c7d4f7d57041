#!/usr/bin/perl

# The pages to try things out, in a real browser (t/ui/lab.mjs): translation lab,
# playground, set-up of clients, requests in flight, one request in the log.

use strict;
use warnings;
use utf8;
use Admind;
use Browser qw(browser_missing browser_run);
use Client;
use Gateway;
use JSON::PP;
use Test::More;
use Upstream;

if (my $why = browser_missing()) {
	plan skip_all => $why;
}

my $g = Gateway->new(config => "LOG_BODIES: all\nAPI_KEY_POOLS:\n" .
    "  openai: [sk-browser-test-0001]\n");
my $ad = Admind->new($g->{home}, file => $g->{file});

browser_run('lab.mjs', $ad,
	'stop proxyd' => sub { $g->stop },
	'start proxyd' => sub { $g->start });
$ad->finish;
$g->finish;
done_testing;
