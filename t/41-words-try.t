#!/usr/bin/perl

# proxyctl models test, keys test and bench-key: real requests to a provider, and
# to no other host.

use strict;
use warnings;
use Ctl;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Upstream;

plan skip_all => 'proxyctl is not built' unless -x ctl_program;

my %json = ('Content-Type' => 'application/json');
my $elsewhere = Upstream->new(sub { [reply => 200, \%json, '{}'] });
my $seen = 0;

sub script {
	my ($req) = @_;
	my $body = eval { Upstream::json_of($req) } // {};
	my $model = $body->{model} // '';
	my $key = ($req->{headers}{authorization} // '') =~ s/^Bearer //r;

	return [reply => 401, \%json, encode_json({ error => { message =>
	    "bad key $key", type => 'x' } })] if $model eq 'm401';
	return [reply => 429, { %json, 'Retry-After' => 7,
	    'x-ratelimit-remaining-requests' => 0 }, encode_json({ error => {
	    message => 'slow down', type => 'x' } })] if $model eq 'm429';
	return [reply => 302, { %json, Location => $elsewhere->base . '/v1' },
	    '{}'] if $model eq 'm302';
	return [reply => 200, \%json, '<html>'] if $model eq 'mhtml';
	return ['close'] if $model eq 'mcut';
	return [reply => 200, \%json, encode_json({ id => 'resp_1', object =>
	    'response', created_at => 1, status => 'completed', model =>
	    'm', output => [ { type => 'message', id => 'msg_1', status =>
	    'completed', role => 'assistant', content => [ { type =>
	    'output_text', text => 'ok', annotations => [] } ] } ], usage =>
	    { input_tokens => 1, output_tokens => 1, total_tokens => 2 } })]
	    if $req->{path} =~ /responses/;
	my @answer = answer_for($req);
	$answer[0][2]{'x-ratelimit-remaining-requests'} = 41
	    if $answer[0][0] eq 'reply';
	return @answer;
}

sub asked { return scalar grep { $_->{path} } $_[0]->requests }

my $up = Upstream->new(\&script);
my $ctl = Ctl->new;
my $key = 'sk-probe-0123456789abcdefghijklm';
for my $d (qw(openai-chat anthropic gemini openai-responses)) {
	$ctl->does("a provider of $d", qw(providers create --name), "my-$d",
	    '--dialect', $d, '--base-url', $up->base, qw(--default-model dm));
	$ctl->does('its key', qw(keys add --provider), "my-$d", '--api-key',
	    "$key-$d");
}
$ctl->does('one whose base has a version', qw(providers create --name v1
    --dialect openai-chat --base-url), $up->base . '/v1');
$ctl->does('its key', qw(keys add --provider v1 --api-key), "$key-v1");

subtest 'keys test, with the daemons down' => sub {
	my %path = ('openai-chat' => '/v1/chat/completions',
	    anthropic => '/v1/messages', 'openai-responses' => '/v1/responses',
	    gemini => '/v1beta/models/dm:generateContent');
	for my $d (sort keys %path) {
		$up->forget;
		my $k = $ctl->json('list', qw(keys list));
		my ($id) = map { $_->{id} } grep { $_->{provider} eq
		    "my-$d" } @$k;
		my $j = $ctl->json("a key of $d", qw(keys test), $id)->[0];
		ok($j->{ok}, 'works') or diag explain $j;
		is($j->{status}, 200, 'status');
		cmp_ok($j->{total_ms}, '>', 0, 'duration');
		cmp_ok($j->{output} // -1, '>', 0, 'tokens');
		my ($req) = $up->requests;
		is($req->{path} =~ s/\?.*//r, $path{$d}, 'its path');
		like(join(' ', map { $req->{headers}{$_} // '' }
		    qw(authorization x-api-key x-goog-api-key)),
		    qr/\Q$key-$d\E/, 'with the key');
		is(asked($up), 1, 'one request');
	}
	my $j = $ctl->json('another', qw(keys test 1 --model gpt-x))->[0];
	is($j->{rate_limits}{'x-ratelimit-remaining-requests'}, 41,
	    'its rate-limit headers');
	$up->forget;
	$ctl->does('a base with a version', qw(keys test 5 --model x));
	is(($up->requests)[0]{path}, '/v1/chat/completions',
	    'the version is there once');
	like($ctl->does('for people', qw(keys test 1)),
	    qr/^key 1 sk-p\*\*\*\*\S+ of my-openai-chat: 200 in \d\.\d{3} s/,
	    'a line');
	for ([ 'm401', qr/: 401 in .* s: bad key \*+$/m ],
	    [ 'm429', qr/: 429 in .* s: slow down/ ],
	    [ 'm302', qr/: 302 in .*a redirect, which is not followed/ ],
	    [ 'mhtml', qr/: 200 in .* s: \S/ ],
	    [ 'mcut', qr/no answer after .* s: \S/ ]) {
		my ($model, $re) = @$_;
		my ($r, $out, $err) = $ctl->run(qw(keys test 1 --model),
		    $model);
		is($r, 1, "$model: exit status 1");
		like($out, $re, '... and why');
		unlike($out . $err, qr/0123456789/, '... without the key');
	}
	is(asked($elsewhere), 0,
	    'no key reaches another host');
	for ([ qr/which model\? provider 'v1' has no default model/,
	      qw(keys test 5) ],
	    [ qr/there is no key '77'/, qw(keys test 77) ],
	    [ qr/--max-tokens '0': expected/, qw(keys test 1 --max-tokens
	      0) ]) {
		my ($re, @args) = @$_;
		$ctl->refused($re, "@args", @args);
	}
	my ($r, $out, $err) = $ctl->run(qw(models test dm));
	is($r, 3, 'models test without proxyd: exit status 3');
	like($err, qr/proxyd does not run in/, 'says so');
};

subtest 'bench-key' => sub {
	$up->forget;
	$ctl->refused(qr/which are charged for.*--yes is needed/s,
	    'without consent', qw(bench-key 1 --count 3));
	is(asked($up), 0, 'nothing was sent');
	my $j = $ctl->json('three requests', qw(bench-key 1 --count 3
	    --interval 0s --yes));
	is("$j->{requests} $j->{good} $j->{statuses}{200}", '3 3 3', 'all');
	cmp_ok($j->{total_ms}{p50}, '<=', $j->{total_ms}{p95}, 'quantiles');
	cmp_ok($j->{total_ms}{p95}, '<=', $j->{total_ms}{max}, 'in order');
	is($j->{rate_limits}{'x-ratelimit-remaining-requests'}, 41,
	    'rate-limit headers');
	ok(!defined $j->{cost}, 'no price is no cost');
	$ctl->does('a price', qw(prices set dm --input 1000 --output 1000));
	like($ctl->does('for people', qw(bench-key 1 --count 2 --interval 0s
	    --yes)), qr/2 requests, 2 good\n.*p50 .*tokens .* dollars\n/s,
	    'lines');
	$up->forget;
	my ($r, $out) = $ctl->run(qw(bench-key 1 --model m429 --count 5
	    --interval 0s --yes --json));
	is($r, 1, 'a rate limit: exit status 1');
	is(asked($up), 1, 'it ends at the first');
	is(decode_json($out)->{errors}{429}, 'slow down', 'and says it');
};

subtest 'models test' => sub {
	my $g = Gateway->new(args => ['-w', 2], config => <<"EOT");
PORT: 0
PROVIDERS:
  up: { dialect: anthropic, base_url: "@{[ $up->base ]}", keys: [$key-up] }
MODELS:
  - { route_key: fast, target_model: claude-x, provider: up }
EOT
	my $c = Ctl->new($g->{home});
	my $j = $c->json('a model', qw(models test fast mock-echo));
	ok($j->[0]{ok}, 'works') or diag explain $j->[0];
	ok($j->[1]{ok}, 'the mock, too');
	like($j->[0]{request_id}, qr/^req_/, 'its id in the log');
	$g->settled;
	my ($row) = grep { $_->{request_id} eq $j->[0]{request_id} } $g->rows;
	is($row->{model_sent}, 'claude-x', 'which has it');
	$c->does('a client key', qw(client-keys create --name ci));
	my $ok = 1;
	for (1 .. 3) {
		$ok &&= $c->json('the operator needs none', qw(models test
		    fast))->[0]{ok};
	}
	ok($ok, 'works');
	my ($r, $out) = $c->run(qw(models test mock-429));
	is($r, 1, 'one that fails: exit status 1');
	like($out, qr/^mock-429: 4\d\d in .*: \S/, 'and why');
	$g->finish;
};

done_testing;
