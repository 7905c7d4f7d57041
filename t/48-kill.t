#!/usr/bin/perl

# Workers that are killed under load: budgets, what is in flight and rows are
# exact.  A provider that is switched off, or deleted, while it is in use.
# Fail-over to a dearer target; what the log tells of rules and conversations.

use strict;
use warnings;
use Admind;
use Client;
use Ctl;
use Gateway;
use JSON::PP;
use POSIX ();
use Scripts;
use Test::More;
use Time::HiRes qw(time sleep);
use Upstream;

my %json = ('Content-Type' => 'application/json');
my $dir = File::Temp::tempdir('kill-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $up = Upstream->new(sub {
	my ($rq) = @_;
	my $body = Upstream::body_of($rq);
	return [reply => 503, \%json, '{"error":{"message":"ill"}}']
	    if $body =~ /"cheap-ill"/;
	return [head => 200, { 'Content-Type' => 'text/event-stream' }],
	    [chunk => 'data: {"id":"c","object":"chat.completion.chunk",' .
	    '"created":1,"model":"m","choices":[{"index":0,"delta":' .
	    '{"role":"assistant","content":"one "},"finish_reason":null}]}' .
	    "\n\n"], (map { [sleep => 0.2], [chunk => 'data: {"id":"c",' .
	    '"object":"chat.completion.chunk","created":1,"model":"m",' .
	    '"choices":[{"index":0,"delta":{"content":"more "},' .
	    '"finish_reason":null}]}' . "\n\n"] } 1 .. 10), [chunk =>
	    'data: {"id":"c","object":"chat.completion.chunk","created":1,' .
	    '"model":"m","choices":[{"index":0,"delta":{},"finish_reason":' .
	    "\"stop\"}]}\n\ndata: [DONE]\n\n"], ['last']
	    if $body =~ /long stream/;
	return [reply => 200, \%json, '{"id":"c","object":"chat.completion",' .
	    '"created":1,"model":"m","choices":[{"index":0,"message":{"role":' .
	    '"assistant","content":"fine"},"finish_reason":"stop"}],"usage":' .
	    '{"prompt_tokens":-5,"completion_tokens":-1e30,"total_tokens":' .
	    '9e99}}'] if $body =~ /usage below nothing/;
	return [reply => 200, \%json, encode_json({ id => 'c', object =>
	    'chat.completion', created => 1, model => 'm', choices => [ {
	    index => 0, message => { role => 'assistant', content => 'fine' },
	    finish_reason => 'stop' } ], usage => { prompt_tokens => 10,
	    completion_tokens => 5, total_tokens => 15 } })];
});
my $g = Gateway->new(args => ['-w', 3], config => <<"EOT",
PROVIDERS:
  up: { dialect: openai-chat, base_url: ${\$up->base}, keyless: true }
  off: { dialect: openai-chat, base_url: ${\$up->base}, keyless: true }
RETRY_TRIES: 2
MODELS:
  - {route_key: m, target_model: m, provider: up}
  - {route_key: off, target_model: m, provider: off}
EOT
    allow => qr/was killed by signal 9/);
my $ad = Admind->new($g->{home}, file => $g->{file});
my $ctl = Ctl->new($g->{home});
$ad->set_up;

sub rest {
	my ($method, $path, $body) = @_;
	my $r = $ad->call($method => "/api/v1$path", $body);
	like($r->{status}, qr/^20\d$/, "$method $path") or diag $r->{body};
	return $r->{json};
}

# Waits until every worker has the newest configuration.
sub applied {
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
	}), 'workers see it');
}

sub send_it {
	my ($key, %more) = @_;
	return Client->new($g->port)->request(POST => '/v1/chat/completions',
	    { Authorization => "Bearer $key" }, json_text({ model => 'm',
	    max_tokens => 10, messages => [ { role => 'user', content =>
	    'hi' } ], %more }));
}

# What an account has, as the dry run tells it.
sub account {
	my ($name) = @_;
	my ($r, $out) = $ctl->feed('{"model":"m","messages":[{"role":"user",' .
	    '"content":"x"}]}', 'route', '--json', '--client-key', $name);
	return (grep { $_->{of} eq 'client key' }
	    @{ decode_json($out)->{limits} })[0];
}

rest(PUT => '/prices', { provider => 'up', model => 'm', input => 1000000,
    output => 1000000 });
rest(PUT => '/prices', { provider => 'up', model => 'cheap-ill', input => 1,
    output => 1 });
rest(PUT => '/prices', { provider => 'up', model => 'dear', input => 1000000,
    output => 1000000 });
rest(PUT => '/prices', { provider => 'off', model => 'm', input => 0,
    output => 0 });
my $loaded = rest(POST => '/client-keys', { name => 'loaded', concurrent =>
    50, budget_total => 1000000 });
my $poor = rest(POST => '/client-keys', { name => 'poor', budget_total =>
    150 });
$g->sql("INSERT INTO rules (pos, name, match, targets, strategy, affinity)
    VALUES (1, 'not-this', '{\"model\":\"dearer\",\"stream\":true}', " .
    "'[{\"provider\":\"up\"}]', 'ordered', 1), (2, 'dearer', " .
    "'{\"model\":\"dearer\"}', '[{\"provider\":\"up\",\"model\":" .
    "\"cheap-ill\"},{\"provider\":\"up\",\"model\":\"dear\"}]', " .
    "'ordered', 1)");
$g->sql('UPDATE meta SET generation = generation + 1');
applied();

subtest 'killed under load' => sub {
	my @pid;
	for (1 .. 4) {
		my $pid = fork // die;
		if (!$pid) {
			until (-e "$dir/stop") {
				eval { local $SIG{ALRM} = sub { die };
				    alarm 5; send_it($loaded->{key})->response;
				    alarm 0 };
			}
			POSIX::_exit(0);
		}
		push @pid, $pid;
	}
	my %killed;
	for my $i (1 .. 6) {
		my $rows = $g->status->{stat}{rows};
		ok($g->wait_for(sub { $g->status->{stat}{rows} > $rows + 20 },
		    30), 'under load');
		my ($w) = grep { $_->{pid} && $_->{state} eq 'running' &&
		    !$killed{$_->{pid}} } @{ $g->status->{worker} };
		$killed{$w->{pid}} = 1;
		kill 'KILL', $w->{pid};
		ok($g->wait_for(sub { !grep { $_->{pid} == $w->{pid} }
		    @{ $g->status->{worker} } }, 30), 'one is killed');
	}
	open my $f, '>', "$dir/stop";
	waitpid $_, 0 for @pid;
	$g->{crashed} = 1;
	ok($g->wait_for(sub { !grep { $_->{inflight} }
	    @{ $g->status->{worker} } }), 'in the end nothing is in flight');
	my $sum = sub { $g->sql('SELECT count(*) AS n, count(DISTINCT
	    request_id) AS ids, coalesce(sum(cost), 0) AS cost FROM requests
	    WHERE client_key_id = ' . $loaded->{id}) };
	my ($before, $r) = (-1);
	$g->wait_for(sub { ($r) = $sum->(); my $same = $r->{n} == $before;
	    $before = $r->{n}; sleep 0.3; $same });
	is($r->{ids}, $r->{n}, "each of $r->{n} requests has one row");
	my $a = account('loaded');
	is($a->{spent_total}, $r->{cost}, 'the budget is what the rows cost');
	is($a->{in_flight}, 0, 'no place is held');
	is(send_it($loaded->{key})->response->{status}, 200, 'it goes on');
};

subtest 'a dearer target' => sub {
	is(send_it($poor->{key}, model => 'dearer', max_tokens => 5)
	    ->response->{status}, 200, 'has room in the budget');
	my $spent = account('poor')->{spent_total};
	my $r = send_it($poor->{key}, model => 'dearer', max_tokens => 200)
	    ->response;
	is($r->{status}, 503, 'or is not asked, when the first fails');
	is(scalar(grep { $_->{event} eq 'request' && Upstream::body_of($_) =~
	    /"dear"/ } $up->requests), 1, 'it was asked once');
	ok($g->wait_for(sub { $g->rows("model_asked = 'dearer'") == 2 }),
	    'both are in the log');
	my ($row) = $g->rows("model_asked = 'dearer'");
	is_deeply(decode_json($row->{trace_json}), [ { rule => 'not-this',
	    why => 'stream' }, { rule => 'dearer' } ], 'with their rules');
	send_it($loaded->{key}, messages => [ { role => 'user', content =>
	    'a' }, { role => 'assistant', content => 'b' }, { role => 'user',
	    content => 'c' } ], user => "s$_")->response for 1 .. 2;
	my @s;
	ok($g->wait_for(sub { @s = $g->sql("SELECT DISTINCT session FROM
	    requests WHERE session <> ''"); @s }), 'a conversation');
	like($s[0]{session}, qr/^[0-9a-f]{16}$/, 'has a name');
};

subtest 'usage that cannot be' => sub {
	my $before = account('loaded')->{spent_total};
	is(send_it($loaded->{key}, messages => [ { role => 'user', content =>
	    'usage below nothing' } ])->response->{status}, 200, 'is served');
	my $row;
	ok($g->wait_for(sub { ($row) = (sort { $b->{time_us} <=>
	    $a->{time_us} } $g->rows)[0]; $row && $row->{status} == 200 &&
	    account('loaded')->{in_flight} == 0 }), 'in the log');
	cmp_ok($row->{cost}, '>', 0, 'is never free');
	ok($row->{input} >= -1 && $row->{output} >= -1, 'nor below nothing');
	cmp_ok(account('loaded')->{spent_total}, '>', $before,
	    'and gives nothing back');
};

subtest 'a provider that is switched off' => sub {
	my $c = send_it($loaded->{key}, model => 'off', stream => \1,
	    messages => [ { role => 'user', content => 'long stream' } ]);
	ok($g->wait_for(sub { grep { $_->{inflight} }
	    @{ $g->status->{worker} } }), 'a stream is under way');
	$g->sql("UPDATE providers SET enabled = 0 WHERE name = 'off'");
	$g->sql('UPDATE meta SET generation = generation + 1');
	applied();
	is(send_it($loaded->{key}, model => 'off')->response->{status}, 404,
	    'it gets no new request');
	like($ctl->does('status', 'status'), qr/^provider off: disabled$/m,
	    'which status tells');
	my $r = $c->response;
	is($r->{status}, 200, 'what runs goes on');
	is(() = $r->{body} =~ /more /g, 10, 'to its end');
	like($r->{body}, qr/\[DONE\]\s*$/, 'and is whole');
	$g->sql("UPDATE providers SET enabled = 1 WHERE name = 'off'");
	$g->sql('UPDATE meta SET generation = generation + 1');
	applied();
	$c = send_it($loaded->{key}, model => 'off', stream => \1,
	    messages => [ { role => 'user', content => 'long stream' } ]);
	ok($g->wait_for(sub { grep { $_->{inflight} }
	    @{ $g->status->{worker} } }), 'again');
	$g->sql("UPDATE providers SET source = 'gone' WHERE name = 'off'");
	$g->sql('UPDATE meta SET generation = generation + 1');
	applied();
	is(send_it($loaded->{key}, model => 'off')->response->{status}, 404,
	    'deleted');
	is(() = $c->response->{body} =~ /more /g, 10, 'what runs goes on');
	ok($g->wait_for(sub { $g->rows("provider = 'off' AND status = 200") ==
	    2 }), 'and both are in the log');
};

# Its accounts are read when it begins, and others still owe.
subtest 'an upgrade' => sub {
	my $c = send_it($loaded->{key}, stream => \1, messages => [ { role =>
	    'user', content => 'long stream' } ]);
	ok($g->wait_for(sub { grep { $_->{inflight} }
	    @{ $g->status->{worker} } }), 'a stream is under way');
	my $before = account('loaded')->{spent_total};
	my $old = $g->{pid};
	is(($g->control('upgrade'))[0], 'ok', 'a new master serves');
	is(account('loaded')->{spent_total}, $before, 'with what was spent');
	is(() = $c->response->{body} =~ /more /g, 10, 'the stream goes on');
	my $cost = sub { ($g->sql('SELECT sum(cost) AS c FROM requests WHERE
	    client_key_id = ' . $loaded->{id}))[0]{c} };
	ok($g->wait_for(sub { $cost->() > $before }), 'it is in the log');
	ok($g->wait_for(sub { account('loaded')->{spent_total} == $cost->() }),
	    'and in the accounts of the new one') or diag
	    account('loaded')->{spent_total} . ' ' . $cost->();
	is(send_it($loaded->{key})->response->{status}, 200, 'which goes on');
	ok($g->wait_for(sub { account('loaded')->{spent_total} == $cost->() &&
	    $cost->() > $before + 1 }), 'and counts once');
	$g->wait_for(sub { waitpid($old, 1) == $old });
	# Nobody's child: it is told to stop, and not waited for by its id.
	my $new = $g->status->{pid};
	$g->control('stop');
	ok($g->wait_for(sub { !kill 0, $new }), 'and stops when told');
	@$g{qw(pid exit)} = (0, 0);
};

$ad->finish;
$g->finish;
done_testing;
