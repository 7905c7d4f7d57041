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

sub asks {
	my ($agent, %h) = @_;
	my $r = Client->new($g->port)->request(POST => '/v1/messages', {
	    'User-Agent' => $agent, %h }, { model => 'mock-echo',
	    max_tokens => 20, messages => [{ role => 'user',
	    content => 'hello' }] })->response;
	return $r->{status};
}

$ENV{PROXYD} = $g->url('');
browser_run('lab.mjs', $ad,
	'claude asks' => sub { is(asks('claude-cli/2.1.330 (external, cli)'),
	    200, 'a client asks') },
	'codex is refused' => sub { $g->wait_for(sub {
	    asks('codex_exec/0.169.0', 'x-api-key' => 'sk-x') == 401 }) },
	run => sub { my $out = qx(($_[0]) 2>/dev/null);
	    like($out, qr/Hello!/, 'the text for the shell') or diag $_[0] },
	'stop proxyd' => sub { $g->stop },
	'start proxyd' => sub { $g->start });
$ad->finish;
$g->finish;
done_testing;
