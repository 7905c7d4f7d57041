#!/usr/bin/perl

# The pages Models and Routes in a real browser (t/ui/routes.mjs): every field of
# a rule, its errors where they belong, order by keyboard and by dragging, the dry
# run, a test call, what somebody else changed meanwhile.

use strict;
use warnings;
use Admind;
use Browser qw(browser_missing browser_run);
use Gateway;
use Test::More;

if (my $why = browser_missing()) {
	plan skip_all => $why;
}

my $g = Gateway->new(config => <<"EOT");
API_KEY_POOLS:
  openai: [sk-browser-test-0001, sk-browser-test-0002]
MODELS:
  - { route_key: filed, target_model: mock-echo, provider: mock }
RETRY_TRIES: 1
EOT
my $ad = Admind->new($g->{home}, file => $g->{file});
browser_run('routes.mjs', $ad, known => sub { $g->known });
$ad->finish;
$g->finish;
done_testing;
