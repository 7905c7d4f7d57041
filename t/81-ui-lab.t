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

my $up = Upstream->new(sub {
	return [head => 200, { 'Content-Type' => 'text/event-stream' }],
	    [chunk => 'data: ' . encode_json({ id => 'c', object =>
	    'chat.completion.chunk', created => 1, model => 'm', choices => [{
	    index => 0, delta => { content => 'word ' x 40 }, finish_reason =>
	    undef }] }) . "\n\n"], ['hang'];
});
my $g = Gateway->new(config => <<"EOT");
LOG_BODIES: all
PROVIDERS:
  stalls: { dialect: openai-chat, base_url: "${\$up->base}" }
API_KEY_POOLS:
  stalls: [sk-browser-test-0001]
MODELS:
  - { route_key: never-ends, target_model: m, provider: stalls }
EOT
my $ad = Admind->new($g->{home}, file => $g->{file});

sub asks {
	my ($agent, %h) = @_;
	my $r = Client->new($g->port)->request(POST => '/v1/messages', {
	    'User-Agent' => $agent, %h }, { model => 'mock-echo',
	    max_tokens => 20, messages => [{ role => 'user',
	    content => 'hello' }] })->response;
	return $r->{status};
}

my ($slow, $key);
$ENV{PROXYD} = $g->url('');
browser_run('lab.mjs', $ad,
	'claude asks' => sub { is(asks('claude-cli/2.1.330 (external, cli)'),
	    200, 'a client asks') },
	'codex is refused' => sub { $g->wait_for(sub {
	    asks('codex_exec/0.169.0', 'x-api-key' => 'sk-x') == 401 }) },
	'a slow one' => sub {
		$slow = Client->new($g->port)->request(POST => '/v1/messages',
		    { 'User-Agent' => '<img src=x onerror=hacked=1>',
		    'x-api-key' => $key }, { model => 'never-ends',
		    max_tokens => 20, stream => JSON::PP::true, messages =>
		    [{ role => 'user', content => 'hello' }] }) },
	'it was ended' => sub { like($slow->response->{body},
	    qr/cancelled by the operator/, 'the client was told') },
	key => sub { $key = $_[0] },
	run => sub { my $out = qx(($_[0]) 2>/dev/null);
	    like($out, qr/Hello!/, 'the text for the shell') or diag $_[0] },
	'stop proxyd' => sub { $g->stop },
	'start proxyd' => sub { $g->start });
$ad->finish;
$g->finish;
done_testing;
