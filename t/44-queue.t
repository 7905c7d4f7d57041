#!/usr/bin/perl

# Waiting for a key, over sockets and several workers: cooling, full and parked
# ones; bounds; clients that leave.  What limits a provider's key of itself:
# requests and tokens a minute, requests at once, models, expiry.

use strict;
use warnings;
use Client;
use Ctl;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Time::HiRes qw(time);
use Upstream;

my %json = ('Content-Type' => 'application/json');
my $dir = File::Temp::tempdir('queue-XXXXXX', TMPDIR => 1, CLEANUP => 1);

# A first request with a key whose name says so is rate limited, or refused.
my $up = Upstream->new(sub {
	my ($req) = @_;
	my $key = $req->{headers}{authorization} // '';
	my $body = Upstream::body_of($req);

	if (my ($name, $status, $after) = $key =~ /(key-(\d\d\d)-(\d*)\S*)/) {
		my $seen = "$dir/$name";
		if (!-e $seen || $status == 401) {
			open my $f, '>', $seen;
			return [reply => $status, { %json, $after ne '' ?
			    ('Retry-After' => $after) : () },
			    '{"error":{"message":"no"}}'];
		}
	}
	return $body =~ /slow/ ? [sleep => 1.5] : (), [reply => 200, \%json,
	    chat_body(text => 'fine')];
});
my $base = $up->base;

sub gateway {
	my (%o) = @_;
	return Gateway->new(args => ['-w', 3], config => <<"EOT");
PROVIDERS:
  cool: { dialect: openai-chat, base_url: "$base/v1", keys: [key-429-1a] }
  long: { dialect: openai-chat, base_url: "$base/v1", keys: [key-429-60] }
  absurd: { dialect: openai-chat, base_url: "$base/v1",
    keys: [key-429-9000000000] }
  dead: { dialect: openai-chat, base_url: "$base/v1", keys: [key-401-x] }
  full: { dialect: openai-chat, base_url: "$base/v1", keys: [key-full] }
  some: { dialect: openai-chat, base_url: "$base/v1", keys: [key-some-1] }
MODELS:
@{[ join '', map { "  - { route_key: $_, target_model: m, provider: $_ }\n" }
    qw(cool long absurd dead full some) ]}
RETRY_TRIES: 3
QUEUE_WAIT: $o{wait}
QUEUE_LENGTH: 2
EOT
}

sub send_it {
	my ($g, $model, $text, %more) = @_;
	return Client->new($g->port)->request(POST => '/v1/chat/completions',
	    {}, json_text({ model => $model, max_tokens => 9, messages => [ {
	    role => 'user', content => $text // 'x' } ], %more }));
}
sub ask { send_it(@_)->response }

sub set_key {
	my ($g, $mask, $set) = @_;
	$g->sql("UPDATE keys SET $set WHERE provider_id = (SELECT id FROM " .
	    "providers WHERE name = '$mask')");
	$g->sql('UPDATE meta SET generation = generation + 1');
	my ($row) = $g->sql('SELECT generation FROM meta');
	my %seen;
	ok($g->wait_for(sub {
		my @c = map { Client->new($g->port) } 1 .. 9;
		$_->request(GET => '/healthz') for @c;
		for (@c) {
			my $j = Client::json($_->response);
			$seen{$j->{worker}} = $j->{generation};
		}
		return keys %seen == 3 && !grep {
		    $_ < $row->{generation} } values %seen;
	}), "set $set");
}

subtest 'without a queue' => sub {
	my $g = gateway(wait => '0s');
	is(ask($g, 'long')->{status}, 429, 'limited');
	my $t0 = time;
	my $r = ask($g, 'long');
	is($r->{status}, 429, 'its key rests');
	ok($r->{headers}{'retry-after'} >= 58 && $r->{headers}{'retry-after'}
	    <= 60, "come again in $r->{headers}{'retry-after'} s");
	is(ask($g, 'dead')->{status}, 401, 'refused');
	$r = ask($g, 'dead');
	is($r->{status}, 429, 'its key is parked');
	ok($r->{headers}{'retry-after'} > 590 && $r->{headers}{'retry-after'}
	    <= 600, 'until it is checked again');
	$r = ask($g, 'absurd');
	is($r->{status}, 429, 'a provider that says: in three centuries');
	cmp_ok($r->{headers}{'retry-after'}, '<=', 300, 'is not believed');
	is($g->status->{stat}{queued}, 0, 'nobody waited');
	$g->finish('no queue');
};

unlink glob "$dir/*";
my $g = gateway(wait => '20s');
my $ctl = Ctl->new($g->{home});
subtest 'a key that cools' => sub {
	my $t0 = time;
	is(ask($g, 'cool')->{status}, 200, 'is waited for');
	cmp_ok(time - $t0, '>=', 0.9, 'as long as its provider said');
	is($g->status->{stat}{queued}, 1, 'counted');
	$t0 = time;
	my $r = ask($g, 'long');
	is($r->{status}, 429, 'one that cools too long is not');
	is($r->{headers}{'retry-after'}, 60, 'and the time is told');
	cmp_ok(time - $t0, '<', 2, 'at once');
	is(ask($g, 'dead')->{status}, 401, 'nor is');
	is(ask($g, 'dead')->{status}, 429, 'a parked one');
};

subtest 'a key that is full' => sub {
	set_key($g, 'full', 'max_concurrent = 1');
	my @c = (send_it($g, 'full', 'slow'));
	ok($g->wait_for(sub { grep { $_->{inflight} }
	    @{ $g->status->{worker} } }), 'one is under way');
	push @c, map { send_it($g, 'full', 'slow') } 1 .. 2;
	ok($g->wait_for(sub { $g->status->{stat}{queued} >= 3 }), 'two wait');
	is(ask($g, 'full')->{status}, 429, 'a third is too many');
	is($g->status->{stat}{queue_full}, 1, 'counted');
	is_deeply([ map { $_->response->{status} } @c ], [200, 200, 200],
	    'those are served');
};

# One is under way in a worker where another waits; in the other worker one waits
# for longer.
subtest 'in order over workers' => sub {
	my (%c, $here, $there);
	ok($g->wait_for(sub {
		my @new = map { Client->new($g->port) } 1 .. 9;
		$_->request(GET => '/healthz') for @new;
		push @{ $c{ Client::json($_->response)->{worker} } }, $_
		    for @new;
		($here, $there) = grep { @{ $c{$_} } >= 2 } sort keys %c;
		return defined $there;
	}), 'connections to two workers');
	my $say = sub {
		my ($c, $text) = @_;
		my $n = $g->status->{stat}{queued};
		$c->request(POST => '/v1/chat/completions', {}, json_text({
		    model => 'full', max_tokens => 9, messages => [ { role =>
		    'user', content => $text } ] }));
		ok($g->wait_for(sub { $g->status->{stat}{queued} > $n ||
		    $text =~ /slow/ && grep { $_->{inflight} }
		    @{ $g->status->{worker} } }), $text);
	};
	my @c = ($c{$here}[0], $c{$there}[0], $c{$here}[1]);
	$say->($c[0], 'slow in order 1');
	$say->($c[1], 'in order 2');
	select undef, undef, undef, 0.2;	# that much later it is
	$say->($c[2], 'in order 3');
	is_deeply([ map { $_->response->{status} } @c ], [200, 200, 200],
	    'all are served');
	is_deeply([ map { Upstream::body_of($_) =~ /in order (\d)/ ? $1 : () }
	    grep { $_->{event} eq 'request' } $up->requests ], [1, 2, 3],
	    'who waited longer in another worker was first');
};

subtest 'a client that leaves' => sub {
	my $one = send_it($g, 'full', 'slow');
	ok($g->wait_for(sub { grep { $_->{inflight} }
	    @{ $g->status->{worker} } }), 'one is under way');
	my $before = $g->status->{stat}{queued};
	my $gone = send_it($g, 'full', 'slow gone');
	ok($g->wait_for(sub { $g->status->{stat}{queued} > $before }),
	    'one waits');
	undef $gone;
	is($one->response->{status}, 200, 'the first is served');
	ok($g->settled, 'settled');
	is(scalar(grep { $_->{event} eq 'request' && Upstream::body_of($_) =~
	    /gone/ } $up->requests), 0,
	    'the other never goes out');
	my ($row) = $g->rows("close = 'client left'");
	ok($row, 'and its row says so');
};

subtest 'limits of a key' => sub {
	set_key($g, 'some', 'rpm = 2');
	my @s = map { ask($g, 'some')->{status} } 1 .. 2;
	is("@s", '200 200', 'rpm: its minute');
	my $r = ask($g, 'some');
	is($r->{status}, 429, 'and no more, whichever worker');
	ok($r->{headers}{'retry-after'} >= 26 && $r->{headers}{'retry-after'}
	    <= 30, 'until the next has room');
	set_key($g, 'some', "rpm = 0, models = '[\"n-*\"]'");
	$r = ask($g, 'some');
	is($r->{status}, 401, 'models: not for this one');
	like($r->{body}, qr/no key/, 'there is no key for it');
	set_key($g, 'some', "models = '[\"n-*\",\"m\"]'");
	is(ask($g, 'some')->{status}, 200, 'another pattern fits');
	set_key($g, 'some', 'tpm = 1000');
	is(ask($g, 'some', 'word ' x 900)->{status}, 200, 'tpm: one fits');
	$r = ask($g, 'some', 'word ' x 900);
	is($r->{status}, 429, 'the next does not');
	set_key($g, 'some', 'tpm = 0, expires_us = 1000000');
	is(ask($g, 'some')->{status}, 401, 'expired');
	set_key($g, 'some', "expires_us = 0, enabled = 0, disabled_by = " .
	    "'eve', disabled_why = 'it leaked'");
	is(ask($g, 'some')->{status}, 401, 'disabled');
};

subtest 'states of keys' => sub {
	my $text = $ctl->does('status', 'status');
	like($text, qr/^key \d+ +some \S+: disabled, by eve: it leaked$/m,
	    'disabled: by whom, and why');
	like($text, qr/^key \d+ +dead \S+: parked, for \d+ min, the provider answered 401$/m,
	    'parked, with its reason');
	like($text, qr/^key \d+ +long \S+: cooling, for \d+ s, rate limit$/m,
	    'cooling');
	like($text, qr/^ +m: cooling, for \d+ s$/m, 'and for which model');
	$g->sql("UPDATE keys SET enabled = 1, expires_us = 1000000 WHERE
	    disabled_by = 'eve'");
	like($ctl->does('status', 'status'), qr/^key \d+ +some \S+: expired$/m,
	    'expired');
	like($text, qr/^key \d+ +full \S+: active$/m, 'active');
};

$g->finish;
done_testing;
