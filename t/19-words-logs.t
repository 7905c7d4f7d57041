#!/usr/bin/perl

# proxyctl stats and logs: sums, filters, a request in full, and rows as they
# end.

use strict;
use warnings;
use Client;
use Ctl;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Time::HiRes qw(time sleep);
use Upstream;

plan skip_all => 'proxyctl is not built' unless -x ctl_program;

my $up = Upstream->new(sub {
	my ($req) = @_;
	my $model = Upstream::json_of($req)->{model};
	return [reply => 400, { 'Content-Type' => 'application/json' },
	    "{\"error\":{\"message\":\"no \e[31mred\e[0m thing\",\"type\":\"x\"}}"
	    =~ s/\e/\\u001b/gr] if $model =~ /bad/;
	return answer_for($req);
});
my $base = $up->base;
my $g = Gateway->new(args => ['-w', 2], config => <<"EOT");
PROVIDERS:
  one: { dialect: openai-chat, base_url: "$base/v1", keys: [sk-one-aaaaaaaaaaaaaaaaaaaa] }
  two: { dialect: anthropic, base_url: "$base", keys: [sk-two-bbbbbbbbbbbbbbbbbbbb] }
MODELS:
  - { route_key: m1, target_model: m1, provider: one }
  - { route_key: m2, target_model: m2, provider: two }
  - { route_key: bad, target_model: bad, provider: one }
EOT
my $ctl = Ctl->new($g->{home});
$ctl->does('a price', qw(prices set m1 --input 1000 --output 1000));
my $key = $ctl->json('a client key', qw(client-keys create --name ci))->{key};

sub ask {
	my ($model) = @_;
	return Client->once($g->port, POST => '/v1/chat/completions',
	    { Authorization => "Bearer $key" }, { model => $model, messages =>
	    [ { role => 'user', content => 'hi there' } ] })->{status};
}
my $t0 = time;
1 while ask('m1') != 200 && time - $t0 < 5 && sleep 0.02;
$ctl->does('a tenant', qw(tenants create --name team));
$ctl->does('of it', qw(client-keys update ci --tenant team));
sleep 0.02 while ask('m1') == 200 && time - $t0 < 5 &&
    !grep { $_->{tenant} eq 'team' } $g->rows;
is(ask('m2'), 200, 'another provider') for 1 .. 3;
is(ask('bad'), 400, 'one that fails') for 1 .. 2;
$g->settled;
my ($n) = map { $_->{n} } $g->sql('SELECT count(*) AS n FROM requests');

subtest 'stats' => sub {
	my $j = $ctl->json('requests', qw(stats requests));
	is($j->{all}{requests}, $n, 'all of them');
	my $sum = 0;
	$sum += $_->{requests} for @{ $j->{rows} };
	is($sum, $n, 'over time');
	is($j->{step}, 3600, 'by the hour, for a day');
	$j = $ctl->json('models', qw(stats models --since 1h));
	my %m = map { $_->{name} => $_ } @{ $j->{rows} };
	is($m{'two/m2'}{requests}, 3, 'requests of a model');
	is($m{'one/bad'}{errors}, 2, 'errors of one');
	cmp_ok($m{'one/m1'}{cost}, '>', 0, 'cost of one');
	is($m{'two/m2'}{unpriced}, 3, 'what has no price');
	$j = $ctl->json('providers', qw(stats providers));
	is(join(' ', sort map { $_->{name} } @{ $j->{rows} } ), do {
	    my %p = map { $_->{provider} => 1 } $g->rows;
	    join ' ', sort grep { length } keys %p }, 'providers');
	$j = $ctl->json('keys', qw(stats keys));
	like($j->{rows}[0]{name}, qr/^(one|two) sk-\S+ \(id \d+\)$/,
	    'keys have names');
	$j = $ctl->json('tenants', qw(stats tenants --by hour));
	is($j->{rows}[0]{name}, 'team', 'tenants, too');
	ok($j->{rows}[0]{start} % 3600 == 0, 'and a time');
	is($ctl->json('client keys', qw(stats client-keys))->{rows}[0]{name},
	    'ci', 'and client keys');
	is_deeply($ctl->json('another time', qw(stats requests --since
	    2020-01-01 --until 2020-02-01))->{rows}, [], 'has none');
	like($ctl->does('as a table', qw(stats requests --since
	    2020-01-01T00:00Z --until 2020-02-01)),
	    qr/^no requests in that time$/, 'which is said');
	like($ctl->does('as a table', qw(stats models)),
	    qr/^two\/m2 +3 +0 +\d+ +\d+ +\d+ +0\.00 +3 +\d+/m, 'has lines');
	for ([ qr/--by 'week': expected minute\|hour/, qw(stats requests --by
	      week) ],
	    [ qr/--by minute: minutes are kept for 3 days/, qw(stats requests
	      --by minute --since 7d) ],
	    [ qr/--since '7 d': expected a time ago/, qw(stats models --since),
	      '7 d' ],
	    [ qr/--since must be before --until/, qw(stats models --since 1h
	      --until 2h) ],
	    [ qr/stats: unknown command 'model', did you mean 'models'/,
	      qw(stats model) ]) {
		my ($re, @args) = @$_;
		$ctl->refused($re, "@args", @args);
	}
};

sub lines { return map { decode_json($_) } split /\n/, $_[0] }

subtest 'logs' => sub {
	my @rows = lines($ctl->does('as JSON', qw(logs --json --limit 1000)));
	is(scalar @rows, $n, 'each has a line');
	my @times = map { $_->{time} } @rows;
	is_deeply(\@times, [ sort @times ], 'the latest last');
	is(scalar lines($ctl->does('the latest', qw(logs --json --limit 2))),
	    2, 'as many as are asked for');
	my $count = sub {
		my ($want, @f) = @_;
		my @got = lines($ctl->does("@f", qw(logs --json --limit 1000),
		    map { ('--filter', $_) } @f));
		is(scalar @got, $want, "$want of @f");
	};
	$count->(2, 'status=400');
	$count->(2, 'status=4xx', 'provider=one');
	$count->(2, 'status=error');
	$count->(0, 'status=400', 'provider=two');
	$count->(3, 'sent=m2');
	$count->(3, 'model=m2', 'translated=yes');
	$count->(2, 'error=RED');
	$count->(2, 'failed=yes');
	$count->(0, 'stream=yes');
	$count->(0, 'min_ms=100000');
	$count->(scalar(grep { $_->{tenant} eq 'team' } @rows), 'tenant=team');
	$count->(scalar(grep { $_->{client_key_id} } @rows), 'client_key=ci');
	$count->(3, 'key=2');
	$count->(0, 'dialect=gemini');
	my $out = $ctl->does('for people', qw(logs --filter status=400));
	unlike($out, qr/\e/, 'no control reaches a terminal');
	like($out, qr/^\d{4}-\d\d-\d\d\ \d\d:\d\d:\d\d\ \ 400\ .*one\/bad\ .*no\ .*red/mx, 'a line');
	my ($bad) = grep { $_->{status} == 400 } @rows;
	$out = $ctl->does('one', 'logs', $bad->{request_id});
	like($out, qr/^request_id +\Q$bad->{request_id}\E$/m, 'its id');
	like($out, qr/^attempt 1\n.*^status +400$/ms, 'its attempts');
	is($ctl->json('one as JSON', 'logs', $bad->{request_id})->{id},
	    $bad->{id}, 'the same');
	for ([ qr/there is no request 'req_x'/, qw(logs req_x) ],
	    [ qr/there is no 'statu', did you mean 'status'/, qw(logs --filter
	      statu=1) ],
	    [ qr/expected name=value, name one of status, provider/,
	      qw(logs --filter xyzzy) ],
	    [ qr/expected a status such as/, qw(logs --filter status=6xx) ],
	    [ qr/expected a status such as/, qw(logs --filter status=abc) ],
	    [ qr/expected yes or no/, qw(logs --filter failed=maybe) ],
	    [ qr/expected milliseconds/, qw(logs --filter min_ms=-1) ],
	    [ qr/there is no such tenant/, qw(logs --filter tenant=x) ],
	    [ qr/there is no such key, or several/, qw(logs --filter
	      key=sk-x) ],
	    [ qr/--limit '0': expected a whole number from 1/, qw(logs --limit
	      0) ]) {
		my ($re, @args) = @$_;
		$ctl->refused($re, "@args", @args);
	}
};

subtest 'logs as they end' => sub {
	open my $p, '-|', ctl_program, '--home', $ctl->home, qw(logs --follow
	    --json --limit 1 --filter provider=two) or die;
	my $first = decode_json(scalar <$p>);
	is($first->{model_sent}, 'm2', 'the latest one at once');
	is(ask('m1'), 200, 'one that the filter keeps back');
	my $t0 = time;
	is(ask('m2'), 200, 'one that it lets through');
	my $next = decode_json(scalar <$p>);
	cmp_ok($next->{id}, '>', $first->{id}, 'is there');
	is($next->{model_sent}, 'm2', 'and no other');
	cmp_ok(time - $t0, '<', 2, 'soon');
	close $p;		# waits for its end: its reader is gone
	pass('and ends with its reader');
};

$g->finish;
done_testing;
