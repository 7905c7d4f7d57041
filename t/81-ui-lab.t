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

sub piece {
	return [chunk => 'data: ' . encode_json({ id => 'c', object =>
	    'chat.completion.chunk', created => 1, model => 'm', choices => [{
	    index => 0, delta => { content => $_[0] }, finish_reason =>
	    $_[1] }] }) . "\n\n"];
}

my $up = Upstream->new(sub {
	my ($rq) = @_;
	return [head => 200, { 'Content-Type' => 'text/event-stream' }],
	    piece('fi'), [sleep => 0.05], piece('ne'), piece('', 'stop'),
	    [chunk => "data: [DONE]\n\n"], ['last']
	    if Upstream::body_of($rq) =~ /fine or not/;
	return [head => 200, { 'Content-Type' => 'text/event-stream' }],
	    piece('word ' x 40), ['hang'];
});
my $g = Gateway->new(config => <<"EOT");
LOG_BODIES: all
PROVIDERS:
  stalls: { dialect: openai-chat, base_url: "${\$up->base}" }
  answers: { dialect: openai-chat, base_url: "${\$up->base}" }
API_KEY_POOLS:
  answers: [sk-browser-test-0002]
  stalls: [sk-browser-test-0001]
MODELS:
  - { route_key: never-ends, target_model: m, provider: stalls }
  - { route_key: told-anew, target_model: m, provider: answers }
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
	'two dialects' => sub {
		my $r = Client->new($g->port)->request(POST => '/v1/messages',
		    { 'x-api-key' => $key, 'User-Agent' => '<b>agent' }, {
		    model => 'told-anew', max_tokens => 20, top_k => 3,
		    stream => JSON::PP::true, messages => [{ role => 'user',
		    content => "it's <img src=x onerror=hacked=1> fine or " .
		    'not' }] })->response;
		like($r->{body}, qr/"ne"/, 'answered');
		$g->wait_for(sub { !glob "$g->{home}/capture/*" });
		$g->settled },
	told => sub {
		my $curl = $_[0] =~ s/YOUR-CLIENT-KEY/$key/r;
		my $out = qx(($curl) 2>/dev/null);
		like($out, qr/fi.*ne/s, 'a command of the log') or
		    diag $curl },
	key => sub { $key = $_[0] },
	run => sub { my $out = qx(($_[0]) 2>/dev/null);
	    like($out, qr/Hello!/, 'the text for the shell') or diag $_[0] },
	'stop proxyd' => sub { $g->stop },
	'start proxyd' => sub { $g->start });
$ad->finish;
$g->finish;
done_testing;
