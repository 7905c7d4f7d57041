#!/usr/bin/perl

# What wants attention on the dashboard, in a real browser
# (t/ui/attention.mjs): a key that its provider refused and the button that
# mends it, a provider whose circuit is open, a budget that is nearly spent;
# a request in flight that is ended; and what the log says, in Chinese.

use strict;
use warnings;
use utf8;
use Admind;
use Browser qw(browser_missing browser_run);
use Client;
use Gateway;
use Scripts;
use Test::More;
use Upstream;

if (my $why = browser_missing()) {
	plan skip_all => $why;
}

my $up = Upstream->new(sub {
	return [reply => 401, { 'Content-Type' => 'application/json' },
	    '{"error":{"message":"this key is not ours"}}']
	    if ($_[0]{headers}{authorization} // '') =~ /refused/;
	return ['hang'] if Upstream::body_of($_[0]) =~ /never said/;
	return answer_for($_[0]);
});
my $base = $up->base;
my $g = Gateway->new(config => <<"EOT");
PROVIDERS:
  refusing: { dialect: openai-chat, base_url: "$base/v1",
    keys: [ sk-refused-key-0001 ] }
  down: { dialect: openai-chat, base_url: "http://127.0.0.1:1/v1",
    keyless: true }
  well: { dialect: openai-chat, base_url: "$base/v1", keyless: true }
RETRY_TRIES: 1
BREAKER_SHARE: 50
BREAKER_LEAST: 4
BREAKER_REST: 300s
MODELS:
  - { route_key: r, target_model: r, provider: refusing }
  - { route_key: d, target_model: d, provider: down }
  - { route_key: w, target_model: w, provider: well }
EOT
my $ad = Admind->new($g->{home}, file => $g->{file});

sub ask {
	my ($model, @head) = @_;
	return Client->new($g->port)->request(POST => '/v1/chat/completions',
	    { @head }, { model => $model, max_tokens => 5, messages => [{ role => 'user',
	    content => 'hello' }] })->response;
}

isnt(ask('r')->{status}, 200, 'the key is refused');
ask('d') for 1 .. 6;
is(Client->new($g->port)->request(POST => '/v1/messages', {}, { model => 'w',
    max_tokens => 5, top_k => 4, messages => [{ role => 'user', content =>
    'hello' }] })->response->{status}, 200, 'one that loses something');
$g->settled;
my $hung;
browser_run('attention.mjs', $ad,
	hang => sub {
		$hung = Client->new($g->port)->request(POST =>
		    '/v1/chat/completions', { 'User-Agent' => 'patient/1' }, {
		    model => 'w', messages => [{ role => 'user', content =>
		    'never said' }] });
	},
	ended => sub { is($hung->response->{status}, 499, 'it is told') },
	spend => sub {
		my ($key) = @_;
		ok($g->known, 'the workers know the key');
		is(ask('w', Authorization => "Bearer $key")->{status}, 200,
		    'money is spent');
		$g->settled;
	});
is_deeply([$g->sql("SELECT path FROM requests WHERE path LIKE '%/models'")],
    [], 'looking at the pages asks proxyd nothing');
$ad->finish;
$g->finish;
done_testing;
