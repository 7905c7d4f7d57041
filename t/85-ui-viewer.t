#!/usr/bin/perl

# Who may only look, in a real browser (t/ui/viewer.mjs): every page is shown,
# none asks for what is refused, and none has a button that would be.

use strict;
use warnings;
use utf8;
use Admind;
use Browser qw(browser_missing browser_run);
use Client;
use Gateway;
use Test::More;

if (my $why = browser_missing()) {
	plan skip_all => $why;
}

my $g = Gateway->new(config => "API_KEY_POOLS:\n" .
    "  openai: [sk-browser-test-0001]\n");
my $ad = Admind->new($g->{home}, file => $g->{file});
Client->new($g->port)->request(POST => '/v1/messages', {}, { model =>
    'mock-echo', max_tokens => 20, messages => [{ role => 'user', content =>
    'hello' }] })->response for 1 .. 3;
$g->wait_for(sub { my ($r) = $g->sql('SELECT count(*) AS n FROM requests');
    $r->{n} == 3 });
browser_run('viewer.mjs', $ad);
$ad->finish;
$g->finish;
done_testing;
