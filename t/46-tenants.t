#!/usr/bin/perl

# Tenants over real sockets and several workers: client keys, what they may,
# rates, places, budgets; what a killed worker held comes back; what was spent
# survives a restart.

use strict;
use warnings;
use Admind;
use Client;
use Ctl;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Time::HiRes qw(time sleep);
use Upstream;

my $T = JSON::PP::true;
my $up = Upstream->new(sub {
	my ($rq) = @_;
	my $body = Upstream::body_of($rq);
	my ($in) = $body =~ /in (\d+)/;
	my ($out) = $body =~ /out (\d+)/;
	my $usage = { prompt_tokens => ($in // 10) + 0, completion_tokens =>
	    ($out // 5) + 0, total_tokens => ($in // 10) + ($out // 5) };

	return [reply => 500, { 'Content-Type' => 'application/json' },
	    '{"error":{"message":"broken","type":"x"}}']
	    if $body =~ /break/;
	return [reply => 200, { 'Content-Type' => 'application/json' },
	    encode_json({ object => 'list', model => 'big', data => [ {
	    object => 'embedding', index => 0, embedding => [ 0.5 ] } ],
	    usage => { prompt_tokens => 20, total_tokens => 20 } })]
	    if $rq->{path} =~ /embeddings/;
	return ['hang'] if $body =~ /hang/;
	return [head => 200, { 'Content-Type' => 'text/event-stream' }],
	    [chunk => 'data: {"id":"c","object":"chat.completion.chunk",' .
	    '"created":1,"model":"m","choices":[{"index":0,"delta":' .
	    '{"role":"assistant","content":"' . 'word ' x 40 . '"},' .
	    '"finish_reason":null}]}' . "\n\n"], ['close']
	    if $body =~ /no usage/;
	return $body =~ /slow/ ? [sleep => 0.4] : (), [reply => 200,
	    { 'Content-Type' => 'application/json' }, encode_json({ id => 'c',
	    object => 'chat.completion', created => 1, model => 'm',
	    choices => [{ index => 0, message => { role => 'assistant',
	    content => 'fine' }, finish_reason => 'stop' }],
	    usage => $usage })];
});

my $g = Gateway->new(args => ['-w', 4], config => <<"EOT");
PROVIDERS:
  up:
    dialect: openai-chat
    base_url: ${\$up->base}
    default_model: m
API_KEY_POOLS:
  up: [sk-shared-0001, sk-of-a-tenant-0002]
PREFERRED_PROVIDER: up
RETRY_TRIES: 1
MODELS:
  - {route_key: cheap, target_model: m, provider: up}
  - {route_key: dear, target_model: big, provider: up}
EOT
my $ad = Admind->new($g->{home}, file => $g->{file});
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
		my @c = map { Client->new($g->port) } 1 .. 12;
		$_->request(GET => '/healthz') for @c;
		for (@c) {
			my $j = Client::json($_->response);
			$seen{$j->{worker}} = $j->{generation};
		}
		return keys %seen == 4 && !grep {
		    $_ < $row->{generation} } values %seen;
	}), 'workers see it');
}

sub new_key {
	my (%o) = @_;
	my $j = rest(POST => '/client-keys', { %o });
	return ($j->{key}, $j->{id});
}

sub ask {
	my ($key, $text, %more) = @_;
	my $path = delete $more{path} // '/v1/chat/completions';
	my $h = delete $more{headers} // ($key ? { Authorization =>
	    "Bearer $key" } : {});
	return Client->new($g->port)->request(POST => $path, $h, {
	    model => 'cheap', max_tokens => 10, messages => [{ role => 'user',
	    content => $text // 'hi' }], %more })->response;
}

# Sends many at once and then reads them all.
sub at_once {
	my ($n, $key, $text, %more) = @_;
	my @c = map { Client->new($g->port) } 1 .. $n;
	$_->request(POST => '/v1/chat/completions', { Authorization =>
	    "Bearer $key" }, { model => 'cheap', max_tokens => 10, messages =>
	    [{ role => 'user', content => $text }], %more }) for @c;
	return map { $_->response } @c;
}

my ($first, $first_id);
subtest 'keys' => sub {
	is(ask(undef)->{status}, 200, 'none is defined: this machine may');
	($first, $first_id) = new_key(name => 'first');
	like($first, qr/^sk-proxy-\w{24}$/, 'shown once');
	applied();
	is(ask(undef)->{status}, 401, 'one is defined: every request needs one');
	is(ask('sk-whatever')->{status}, 401, 'and a good one');
	is(ask($first)->{status}, 200, 'as a bearer');
	is(ask(undef, 'hi', headers => { 'x-api-key' => $first },
	    path => '/v1/messages')->{status}, 200, 'as x-api-key');
	is(ask(undef, 'hi', headers => { 'x-api-key' => 'x', Authorization =>
	    "Bearer $first" }, path => '/v1/messages')->{status}, 200,
	    'beside another');
	my $gem = { contents => [{ parts => [{ text => 'hi' }] }] };
	my $p = '/v1beta/models/cheap:generateContent';
	is(Client->once($g->port, POST => $p, { 'x-goog-api-key' => $first },
	    $gem)->{status}, 200, 'as x-goog-api-key');
	is(Client->once($g->port, POST => "$p?key=$first", {}, $gem)
	    ->{status}, 200, 'in the query');
	my $r = ask('sk-proxy-' . 'x' x 24, 'hi', path => '/v1/messages');
	is($r->{status}, 401, 'an invented one');
	is(Client::json($r)->{error}{type}, 'authentication_error',
	    "in the client's envelope");
	is(Client->once($g->port, GET => '/healthz')->{status}, 200,
	    'health is open');
	is(Client->once($g->port, GET => '/v1/models')->{status}, 401,
	    'models are not');
	is(Client->once($g->port, GET => '/v1/api-keys/stats')->{status}, 401,
	    'nor statistics');
	my ($row) = $g->sql("SELECT count(*) AS n FROM client_keys WHERE
	    hash LIKE '%" . substr($first, 9) . "%' OR mask = '$first'");
	is($row->{n}, 0, 'the database does not have it');
	unlike($g->log_text, qr/\Q$first\E/, 'nor has the log');
};

subtest 'changed, disabled, expired' => sub {
	my ($key, $id) = new_key(name => 'rotates');
	my $next = rest(POST => "/client-keys/$id/rotate",
	    { grace_s => 3600 })->{key};
	applied();
	is(ask($key)->{status}, 200, 'the old one in its grace');
	is(ask($next)->{status}, 200, 'the new one');
	rest(POST => "/client-keys/$id/rotate", { grace_s => 0 });
	applied();
	is(ask($next)->{status}, 401, 'without grace: at once');
	my ($off, $off_id) = new_key(name => 'off', enabled =>
	    JSON::PP::false);
	my ($late, $late_id) = new_key(name => 'late', days => 1);
	my $t = rest(POST => '/tenants', { name => 'resting', enabled =>
	    JSON::PP::false });
	my ($rest) = new_key(name => 'of a resting one', tenant_id =>
	    $t->{id});
	$g->sql("UPDATE client_keys SET expires_us = 1 WHERE id = $late_id");
	rest(PATCH => "/client-keys/$off_id", { note => 'x' });
	applied();
	is(ask($_->[0])->{status}, 401, $_->[1]) for [$off, 'disabled'],
	    [$late, 'expired'], [$rest, 'its tenant is disabled'];
	rest(DELETE => "/client-keys/$off_id");
	is($ad->call(DELETE => "/api/v1/client-keys/$off_id")->{status}, 404,
	    'deleted once');
};

subtest 'models' => sub {
	my $t = rest(POST => '/tenants', { name => 'narrow', models =>
	    ['cheap', 'mock-*'] });
	my ($key) = new_key(name => 'narrow', tenant_id => $t->{id});
	applied();
	is(ask($key)->{status}, 200, 'one that it may');
	my $r = ask($key, 'hi', model => 'dear');
	is($r->{status}, 403, 'one that it may not');
	like(Client::json($r)->{error}{message}, qr/dear/, 'named');
	my $list = Client::json(Client->once($g->port, GET => '/v1/models',
	    { Authorization => "Bearer $key" }));
	my @ids = map { $_->{id} } @{ $list->{data} };
	ok((grep { $_ eq 'cheap' } @ids) && !grep({ $_ eq 'dear' } @ids),
	    'and only those are listed');
	my ($row) = $g->sql("SELECT tenant, tenant_id, cost FROM requests
	    WHERE model_asked = 'dear' ORDER BY id DESC LIMIT 1");
	$g->wait_for(sub { ($row) = $g->sql("SELECT tenant, tenant_id, cost
	    FROM requests WHERE model_asked = 'dear' AND status = 403"); $row });
	is($row->{tenant}, 'narrow', 'in the log');
	is($row->{cost}, 0, 'it cost nothing');
};

subtest 'a key of its own' => sub {
	my $t = rest(POST => '/tenants', { name => 'owner' });
	my ($key) = new_key(name => 'owner', tenant_id => $t->{id});
	$g->sql("UPDATE keys SET tenant_id = $t->{id} WHERE mask LIKE
	    '%002'");
	rest(PATCH => "/tenants/$t->{id}", { note => 'has a key' });
	applied();
	my $before = $up->requests;
	ask($key) for 1 .. 4;
	ask($first) for 1 .. 4;
	my @used = map { $_->{headers}{authorization} }
	    ($up->requests)[$before .. $before + 7];
	is_deeply(\@used, [('Bearer sk-of-a-tenant-0002') x 4,
	    ('Bearer sk-shared-0001') x 4], 'is used by it alone');
	my $stats = sub {
		my $r = Client->once($g->port, GET => '/v1/api-keys/stats', {
		    Authorization => "Bearer $_[0]" });
		return join ' ', sort keys %{ Client::json($r)->{up} };
	};
	my $other = rest(POST => '/tenants', { name => 'neighbour' });
	my ($theirs) = new_key(name => 'neighbour', tenant_id =>
	    $other->{id});
	applied();
	like($stats->($key), qr/^\S*\*002$/, 'and seen in its statistics');
	like($stats->($_), qr/^\S*\*01$/, 'not in those of others')
	    for $first, $theirs;
};

subtest 'rates' => sub {
	my ($key) = new_key(name => 'slow', rpm => 20);
	my ($tok) = new_key(name => 'few tokens', tpm => 600);
	applied();
	my $t0 = time;
	my @r = at_once(14, $key, 'hi');
	my $in = grep { $_->{status} == 200 } @r;
	ok($in >= 10 && $in <= 10 + (time - $t0) / 3,
	    "ten at once, over all workers: $in");
	my ($no) = grep { $_->{status} == 429 } @r;
	cmp_ok($no->{headers}{'retry-after'}, '>=', 1, 'told when to come');
	is($no->{headers}{'x-ratelimit-limit-requests'}, 20, 'the limit');
	is($no->{headers}{'x-ratelimit-remaining-requests'}, 0, 'what is left');
	my $a;
	$g->wait_for(sub { ($a = ask($key, 'hi', path => '/v1/messages'))
	    ->{status} == 429 });
	is(Client::json($a)->{error}{type}, 'rate_limit_error',
	    'in the other envelope');
	is($a->{headers}{'anthropic-ratelimit-requests-limit'}, 20,
	    'and headers');
	is(ask($tok, 'in 500 out 500')->{status}, 200, 'many tokens');
	is(ask($tok)->{status}, 429, 'then it waits');
};

subtest 'who is refused spends nothing' => sub {
	my $t = rest(POST => '/tenants', { name => 'strict', rpm => 1 });
	my ($key) = new_key(name => 'of strict', rpm => 5, tenant_id =>
	    $t->{id});
	applied();
	is(ask($key)->{status}, 200, 'one is let in');
	is(scalar(grep { ask($key)->{status} == 429 } 1 .. 8), 8,
	    'the tenant has no more');
	rest(PATCH => "/tenants/$t->{id}", { rpm => 0 });
	applied();
	my $in = grep { ask($key)->{status} == 200 } 1 .. 4;
	is($in, 4, 'the key still has what it had');
};

subtest 'places' => sub {
	my ($key) = new_key(name => 'three places', concurrent => 3);
	applied();
	my @r = at_once(8, $key, 'slow');
	my $in = grep { $_->{status} == 200 } @r;
	ok($in >= 1 && $in <= 3, "at most 3 of 8 at a time: $in");
	is(ask($key)->{status}, 200, 'and then again');
};

sub spent {
	my ($id) = @_;
	my ($r) = $g->sql("SELECT coalesce(sum(cost), 0) AS c FROM requests
	    WHERE client_key_id = $id");
	return $r->{c};
}

subtest 'one after the other' => sub {
	my ($key) = new_key(name => 'one place', concurrent => 1);
	applied();
	my %n;
	for (1 .. 400) {
		my %more = $_ % 2 ? () : (stream => $T);
		$n{ ask($key, 'hi', %more)->{status} }++;
	}
	is_deeply(\%n, { 200 => 400 },
	    'who has an answer may ask again at once, of any worker');
};

sub settle {
	$g->wait_for(sub {
		my $st = $g->status;
		return !grep({ $_->{inflight} } @{ $st->{worker} }) &&
		    $st->{stat}{rows} == $st->{stat}{requests};
	});
}

# What was reserved for it is given back, which is after its answer has come.
sub settled_ask {
	my $r = ask(@_);
	settle();
	return $r;
}

my ($bkey, $bid);
subtest 'budgets' => sub {
	my ($un) = new_key(name => 'unpriced', budget_day => 1);
	applied();
	my $r = ask($un);
	is($r->{status}, 402, 'no price: no budget can be held');
	like(Client::json($r)->{error}{message}, qr/'m'.*has no price/,
	    'which is said');
	# A dollar a token of output: ten are reserved, five are used.
	rest(PUT => '/prices', { provider => 'up', model => 'm', input => 0,
	    output => 1000000 });
	($bkey, $bid) = new_key(name => 'rich', budget_total => 60);
	applied();
	my @r = at_once(30, $bkey, 'slow');
	my $in = grep { $_->{status} == 200 } @r;
	is($in, 6, '30 at once: as many as the budget has room for');
	is(scalar(grep { $_->{status} == 402 } @r), 24, 'the others: 402');
	settle();
	is(spent($bid), 30_000_000, 'what they cost is in the log');
	@r = map { settled_ask($bkey) } 1 .. 12;
	$in = grep { $_->{status} == 200 } @r;
	settle();
	is($in, 5, 'until there is no room for another');
	is(spent($bid), 55_000_000, 'nothing is overrun');
	is(ask($bkey, 'break')->{status}, 402, 'nor for one that would fail');
};

subtest 'counts and embeddings' => sub {
	# A dollar a token of input.
	rest(PUT => '/prices', { provider => 'up', model => 'big', input =>
	    1000000, output => 1000000 });
	my ($key, $id) = new_key(name => 'counts', budget_total => 50);
	applied();
	for my $path ('/v1/messages/count_tokens',
	    '/v1beta/models/dear:countTokens') {
		my $r = ask($key, 'word ' x 200, path => $path, model =>
		    'dear', contents => [ { parts => [ { text => 'word ' x
		    200 } ] } ]);
		is($r->{status}, 200, 'a count is not held to a budget') or
		    diag $r->{body};
	}
	settle();
	is(spent($id), 0, 'and costs nothing');
	my @r = map { settled_ask($key, 'x', path => '/v1/embeddings', model =>
	    'dear', input => 'word ' x 15) } 1 .. 4;
	is("@{[ map { $_->{status} } @r ]}", '200 200 402 402',
	    'embeddings are, by their own tokens');
	settle();
	is(spent($id), 40_000_000, 'and cost what the provider says');
};

subtest 'several answers' => sub {
	my ($key) = new_key(name => 'several', budget_total => 35);
	applied();
	is(ask($key, 'hi', n => 4)->{status}, 402,
	    'four times ten are more than there is');
	is(ask($key, 'hi', n => 3)->{status}, 200, 'three times are not');
};

subtest 'what cannot be known' => sub {
	my ($key, $id) = new_key(name => 'guessed', budget_total => 100);
	applied();
	ask($key, 'no usage', stream => $T);
	ask($key, 'break');
	settle();
	my @rows = $g->sql("SELECT cost, cost_guess, status FROM requests
	    WHERE client_key_id = $id ORDER BY time_us");
	ok($rows[0]{cost} > 0 && $rows[0]{cost_guess}, 'a stream that broke '
	    . 'off is charged by its bytes, and says so');
	is($rows[1]{cost}, 0, 'an error is not charged');
	ask($key, 'in 99999999999999999999 out 9999999999999');
	settle();
	is(ask($key)->{status}, 402, 'an absurd usage is charged, too');
};

subtest 'killed workers' => sub {
	my ($key, $id) = new_key(name => 'killed', budget_total => 50,
	    concurrent => 20);
	applied();
	my @c = map { Client->new($g->port) } 1 .. 5;
	$_->request(POST => '/v1/chat/completions', { Authorization =>
	    "Bearer $key" }, { model => 'cheap', max_tokens => 10, messages =>
	    [{ role => 'user', content => 'hang' }] }) for @c;
	ok($g->wait_for(sub { my $n = 0;
	    $n += $_->{inflight} for @{ $g->status->{worker} }; $n == 5 }),
	    'all of it is reserved');
	is(ask($key)->{status}, 402, 'so there is no room');
	$g->{allow} = qr/was killed by signal 9/;
	$g->{crashed} = 1;
	my @old = map { $_->{pid} } @{ $g->status->{worker} };
	kill 'KILL', @old;
	ok($g->wait_for(sub { my @w = @{ $g->status->{worker} };
	    @w == 4 && !grep { my $w = $_; !$w->{pid} ||
	    $w->{state} ne 'running' || grep { $w->{pid} == $_ } @old } @w }),
	    'others come');
	is(ask($key)->{status}, 200, 'what they held is free again');
	$g->wait_for(sub { spent($id) > 0 });
	is(spent($id), 5_000_000, 'what was settled is exact');
	my @r = at_once(10, $key, 'slow');
	is(scalar(grep { $_->{status} == 200 } @r), 4, 'and so is what is left');
};

subtest 'restart' => sub {
	is(ask($bkey)->{status}, 402, 'spent');
	$g->stop;
	$g->start;
	is(ask($bkey)->{status}, 402, 'and still spent afterwards');
	my ($r) = grep { $_->{name} eq 'rich' }
	    @{ rest(GET => '/client-keys')->{client_keys} };
	rest(PATCH => "/client-keys/$bid", { budget_total => 100 });
	applied();
	is(ask($bkey)->{status}, 200, 'until the budget is raised');
};

# By proxyctl prices reprice, in what runs.
subtest 're-priced' => sub {
	my ($key, $id) = new_key(name => 'repriced', budget_day => 30,
	    tenant_id => rest(POST => '/tenants', { name => 'repriced',
	    budget_total => 1000 })->{id});
	applied();
	is(settled_ask($key)->{status}, 200, 'served') for 1 .. 5;
	is(ask($key)->{status}, 402, 'the budget is spent');
	my $ctl = Ctl->new($g->{home});
	my $dry = sub {
		my ($r, $out) = $ctl->feed(json_text({ model => 'cheap', max_tokens
		    => 10, messages => [ { role => 'user', content => 'x' } ]
		    }), qw(route --json --client-key repriced));
		return decode_json($out);
	};
	my ($of) = @{ $dry->()->{limits} };
	is("$of->{spent_day} @{[ $dry->()->{error}{status} ]}", '25000000 402',
	    'which the dry run knows');
	rest(PUT => '/prices', { provider => 'up', model => 'm', input => 0,
	    output => 100000 });
	applied();
	is(($ctl->feed('', qw(prices reprice)))[0], 0, 're-priced');
	my ($of_tenant);
	ok($g->wait_for(sub { ($of, $of_tenant) = @{ $dry->()->{limits} };
	    $of->{spent_day} == 2500000 && $of_tenant->{spent_total} ==
	    2500000 }), 'a day and a total have what the log has') or diag
	    explain [ $of, $of_tenant ];
	is(ask($key)->{status}, 200, 'there is room again, without a restart');
	settle();
	rest(PUT => '/prices', { provider => 'up', model => 'm', input => 0,
	    output => 1000000 });
	applied();
	is(($ctl->feed('', qw(prices reprice)))[0], 0, 're-priced back');
	ok($g->wait_for(sub { $dry->()->{limits}[0]{spent_day} == 30000000 }),
	    'and what was asked meanwhile, too');
	$g->stop;
	$g->start;
	is($dry->()->{limits}[0]{spent_day}, 30000000, 'also anew');
};

$ad->finish;
$g->finish;
done_testing;
