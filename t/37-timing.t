#!/usr/bin/perl

# Where the time of a request went, in its row: waiting for a key, connecting to
# the provider, to the first byte, in all; by the own HTTP/1.1 and by libcurl.

use strict;
use warnings;
use Admind;
use Client;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Upstream;

my $up = Upstream->new(sub {
	my ($rq) = @_;
	return ((Upstream::body_of($rq) =~ /slow/ ? [sleep => 0.4] : ()),
	    answer_for($rq));
});
my $proxy = Upstream->new(sub { answer_for($_[0]) });
my ($base, $far) = ($up->base, $proxy->base);
my $g = Gateway->new(args => ['-w', 1], config => <<"EOT");
QUEUE_WAIT: 5s
PROVIDERS:
  near: { dialect: openai-chat, base_url: "$base/v1", keyless: true }
  far: { dialect: openai-chat, base_url: "http://far.invalid/v1",
    keyless: true, proxy: "$far" }
  one: { dialect: openai-chat, base_url: "$base/v1",
    keys: [sk-the-only-key-01] }
  none: { dialect: openai-chat, base_url: "http://127.0.0.1:1/v1",
    keyless: true }
MODELS:
  - { route_key: near, target_model: m, provider: near }
  - { route_key: far, target_model: m, provider: far }
  - { route_key: one, target_model: m, provider: one }
  - { route_key: none, target_model: m, provider: none }
EOT
my $ad = Admind->new($g->{home}, file => $g->{file});
$ad->set_up;

sub begin {
	my ($model, $text) = @_;
	return Client->new($g->port)->request(POST => '/v1/chat/completions',
	    { 'Content-Type' => 'application/json' }, encode_json({ model =>
	    $model, messages => [ { role => 'user', content => $text //
	    'x' } ] }));
}

# The rows since, oldest first, as REST has them.
my $seen = 0;

sub rows {
	my ($n) = @_;
	my @rows;
	ok($g->wait_for(sub {
		@rows = @{ $ad->call(GET => '/api/v1/logs')->{json}{rows} };
		return @rows == $seen + $n;
	}), 'logged');
	$seen += $n;
	return reverse @rows[0 .. $n - 1];
}

for my $model (qw(near far)) {
	is(begin($model)->response->{status}, 200, $model) for 1 .. 2;
	my ($first, $second) = rows(2);
	cmp_ok($first->{connect_us}, '>', 0, 'a new connection takes time');
	cmp_ok($first->{connect_us}, '<=', $first->{ttfb_us},
	    '... before the first byte');
	is($second->{connect_us}, 0, 'a kept one none');
	is($_->{queue_us}, 0, 'nothing waited for a key') for $first, $second;
}
begin('none')->response;
begin('mock-echo')->response;
my @r = rows(2);
is($r[0]{connect_us}, -1, 'no connection could be had');
is($r[1]{connect_us}, -1, 'none is needed');

subtest 'the queue' => sub {
	my ($key) = grep { $_->{provider} eq 'one' }
	    @{ $ad->call(GET => '/api/v1/keys')->{json}{keys} };
	is($ad->call(PATCH => "/api/v1/keys/$key->{id}", { max_concurrent =>
	    1 })->{status}, 200, 'one at a time');
	ok($g->known, 'known');
	my $slow = begin('one', 'slow');
	ok($g->wait_for(sub { grep { $_->{model_asked} eq 'one' }
	    @{ $ad->call(GET => '/api/v1/requests')->{json}{requests} } }),
	    'one is at work');
	my $next = begin('one');
	is($_->response->{status}, 200, 'answered') for $slow, $next;
	my ($one, $two) = sort { $a->{queue_us} <=> $b->{queue_us} } rows(2);
	is($one->{queue_us}, 0, 'the first has not waited');
	cmp_ok($two->{queue_us}, '>', 10_000, 'the second has');
	cmp_ok($two->{queue_us}, '<', $two->{total_us}, '... as long as it '
	    . 'took the first');
};
my ($csv) = $ad->call(GET => '/api/v1/logs/export?format=csv&limit=1')
    ->{body} =~ /^(.*)\n/;
like($csv, qr/,queue_us,connect_us/, 'in the file, too');
$ad->finish;
$g->finish;
done_testing;
