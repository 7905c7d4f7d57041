#!/usr/bin/perl

# The operator's requests: proved by the token that only the control socket
# gives, of no tenant, to a target and key of his choice; sent for a signed-in
# administrator by the management server, streams as they come.

use strict;
use warnings;
use Admind;
use Client;
use Gateway;
use IO::Socket::INET;
use JSON::PP;
use Test::More;
use Upstream;

my $sse = { 'Content-Type' => 'text/event-stream' };

sub chunk {
	return [chunk => 'data: ' . encode_json({ id => 'c', object =>
	    'chat.completion.chunk', created => 1, model => 'm', choices => [
	    { index => 0, delta => { content => $_[0] }, finish_reason =>
	    $_[1] } ] }) . "\n\n"];
}

my $up = Upstream->new(sub {
	my ($rq) = @_;
	my $body = Upstream::body_of($rq);
	my $bad = ($rq->{headers}{authorization} // '') =~ /revoked/;

	return [head => 200, $sse], chunk('first'), ['hang']
	    if $body =~ /wait for me/;
	return [head => 200, $sse], (map { chunk('x' x 8000) } 1 .. 500),
	    chunk('', 'stop'), [chunk => "data: [DONE]\n\n"], ['last']
	    if $body =~ /very long/;
	return $bad ? [reply => 401, { 'Content-Type' => 'application/json' },
	    '{"error":{"message":"no","type":"x"}}'] :
	    [reply => 200, { 'Content-Type' => 'application/json' },
	    encode_json({ id => 'c', object => 'chat.completion',
	    created => 1, model => 'm', choices => [{ index => 0,
	    message => { role => 'assistant', content => 'fine' },
	    finish_reason => 'stop' }], usage => { prompt_tokens => 1,
	    completion_tokens => 1, total_tokens => 2 } })];
});
my $g = Gateway->new(args => ['-w', 1],
    allow => qr/was killed by signal 9/, config => <<"EOT");
PROVIDERS:
  one:
    dialect: openai-chat
    base_url: ${\$up->base}
    default_model: m1
  two:
    dialect: openai-chat
    base_url: ${\$up->base}
    default_model: m2
API_KEY_POOLS:
  one: [sk-one-good-0001, sk-one-revoked-0002]
  two: [sk-two-good-0003]
PREFERRED_PROVIDER: one
LOG_BODIES: all
EOT
my $ad = Admind->new($g->{home}, file => $g->{file});
$ad->set_up;

my ($token) = map { /^token (\S+)/ } $g->control('operator');
my %op = ('x-proxyd-operator' => $token);
my $ask = { model => 'any', messages => [{ role => 'user',
    content => 'hi' }] };

sub direct {
	my ($h, $body, %o) = @_;
	my $c = Client->new($g->port, %o);
	return $c->request(POST => $o{path} // '/v1/chat/completions', $h,
	    $body // $ask)->response;
}

sub last_row { $g->settled; return ($g->rows)[-1] }

subtest 'proved by the token alone' => sub {
	like($token, qr/^\w{24}$/, 'it is random');
	my $r = $ad->call(POST => '/api/v1/client-keys', { name => 'app' });
	is($r->{status}, 200, 'a client key is defined') or diag $r->{body};
	ok($g->wait_for(sub { direct({})->{status} == 401 }),
	    'and now needed');
	$r = direct({ %op });
	is($r->{status}, 200, 'but not by the operator') or diag $r->{body};
	is(last_row()->{client}, 'operator', 'his row says so');
	is(last_row()->{tenant}, '', 'it is of no tenant');
	for ([ 'another token' => { 'x-proxyd-operator' => 'x' x 24 } ],
	    [ 'a shorter one' => { 'x-proxyd-operator' =>
	    substr($token, 0, 23) } ], [ 'an empty one' =>
	    { 'x-proxyd-operator' => '' } ],
	    [ 'from a page' => { %op, Origin => 'http://localhost' } ],
	    [ 'through a proxy' => { %op, 'X-Forwarded-For' => '::1' } ],
	    [ 'through another' => { %op, Forwarded => 'for=x' } ],
	    [ 'a target without token' => { 'x-proxyd-target' => 'two/x' } ],
	    [ 'a key without token' => { 'x-proxyd-key' => 1 } ]) {
		my ($name, $h) = @$_;
		$r = direct($h);
		is($r->{status}, 401, "$name: refused");
		unlike($r->{body}, qr/\Q$token/, "$name: not told");
	}
	my $c = Client->new($g->port);
	$c->send("GET /v1/models HTTP/1.1\r\nHost: localhost\r\n" .
	    "x-proxyd-operator: $token\r\nx-proxyd-operator: $token\r\n\r\n");
	is($c->response->{status}, 401, 'twice: refused');
	my $key = $ad->call(POST => '/api/v1/client-keys', { name => 'b' })
	    ->{json}{key};
	ok($g->wait_for(sub { direct({ Authorization => "Bearer $key" })
	    ->{status} == 200 }), 'a client key serves');
	is(direct({ Authorization => "Bearer $key",
	    'x-proxyd-target' => 'two/x' })->{status}, 401,
	    'and its holder chooses no target');
};

subtest 'not from another machine' => sub {
	my $open = Gateway->new(config => "HOST: 0.0.0.0\n" .
	    "ALLOW_ANONYMOUS: true\n", args => ['-w', 1]);
	my $out = IO::Socket::INET->new(Proto => 'udp', PeerAddr =>
	    '192.0.2.1', PeerPort => 9);
	my $addr = $out ? $out->sockhost : '127.0.0.1';
	my ($t) = map { /^token (\S+)/ } $open->control('operator');
	isnt($t, $token, 'each daemon has a token of its own');
	SKIP: {
		skip 'no address but loopback', 1 if $addr =~ /^127\./;
		my $s = IO::Socket::INET->new(PeerAddr => $addr,
		    PeerPort => $open->port) or skip "cannot reach $addr", 1;
		print $s "GET /v1/models HTTP/1.1\r\nHost: $addr\r\n" .
		    "x-proxyd-operator: $t\r\n\r\n";
		like(scalar <$s>, qr/ 200 /, 'its own address is here, too');
	}
	is(Client->once($open->port, GET => '/v1/models', {
	    'x-proxyd-operator' => $token })->{status}, 401,
	    'the token of another daemon, though anybody may ask');
	$open->finish('open');
};

subtest 'target and key' => sub {
	my $r = direct({ %op, 'x-proxyd-target' => 'two/big/model' });
	is($r->{status}, 200, 'a target') or diag $r->{body};
	my $row = last_row();
	is("$row->{provider}/$row->{model_sent}", 'two/big/model',
	    'it went there');
	is($row->{route}, 'operator', 'by his choice');
	is($row->{model_asked}, 'any', 'asked');
	direct({ %op, 'x-proxyd-target' => 'two' });
	is(last_row()->{model_sent}, 'any', 'a provider alone: as asked');
	like(direct({ %op, 'x-proxyd-target' => 'none/x' })->{body},
	    qr/there is no provider 'none'/, 'an unknown provider');
	my ($good, $bad, $other) = map { $_->{id} } $g->sql('SELECT id FROM
	    keys ORDER BY id');
	$r = direct({ %op, 'x-proxyd-key' => $bad });
	is($r->{status}, 401, 'a key that is revoked: no other is tried');
	$row = last_row();
	is($row->{attempts}, 1, 'one attempt');
	is($row->{key_id}, $bad, 'with it');
	is(direct({ %op, 'x-proxyd-key' => $bad })->{status}, 401,
	    'again, though it is parked');
	is(last_row()->{key_id}, $bad, 'it was asked');
	is(direct({ %op, 'x-proxyd-key' => $other })->{status}, 200,
	    'a key tells its provider');
	is(last_row()->{provider}, 'two', 'which was asked');
	is(direct({ %op, 'x-proxyd-key' => $good, 'x-proxyd-target' =>
	    'two/m' })->{status}, 400, 'not of that provider');
	is(direct({ %op, 'x-proxyd-key' => 999 })->{status}, 404, 'no such');
};

subtest 'for an administrator' => sub {
	my $r = $ad->call(POST => '/api/v1/proxy/v1/messages', { model => 'm',
	    max_tokens => 9, messages => $ask->{messages} },
	    'x-proxyd-target' => 'two/m2');
	is($r->{status}, 200, 'sent') or diag $r->{body};
	is($r->{json}{content}[0]{text}, 'fine', 'translated');
	ok($r->{headers}{'x-proxyd-request-id'}, 'with its id');
	is($r->{headers}{'content-type'}, 'application/json', 'its type');
	is($ad->call(GET => '/api/v1/proxy/v1/models')->{json}{object},
	    'list', 'a list of models');
	like($ad->call(POST => '/api/v1/proxy/v1beta/models/m:' .
	    'streamGenerateContent?alt=sse', { contents => [{ parts => [{
	    text => 'hi' }] }] })->{body}, qr/^data: .*fine/s,
	    'path and query as they are');
	$r = $ad->call(POST => '/api/v1/proxy/v1/chat/completions',
	    '{"model":');
	is($r->{status}, 400, "proxyd's errors");
	like($r->{body}, qr/not valid JSON/, 'as it says them');
	is($ad->call(GET => '/api/v1/proxy/docs')->{status}, 404,
	    'no page of its');
	is($ad->call(POST => '/api/v1/proxy/v1/messages', {},
	    'X-CSRF-Token' => undef)->{status}, 403, 'no CSRF token');
	is($ad->call(POST => '/api/v1/proxy/v1/messages', {},
	    Origin => 'http://evil.example')->{status}, 403, 'another page');
	is($ad->call(POST => '/api/v1/proxy/v1/messages', '{}',
	    'Content-Type' => 'text/plain')->{status}, 415, 'a form');
	is($ad->call(POST => '/api/v1/proxy/v1/messages', {}, 'x-proxyd-key' =>
	    'x')->{json}{field}, 'x-proxyd-key', 'no key');
	my $root = $ad->{session};
	$ad->call(POST => '/api/v1/users', { name => 'guest',
	    password => 'just looking', role => 'viewer' });
	$ad->log_in('guest', 'just looking');
	is($ad->call(POST => '/api/v1/proxy/v1/messages', $ask)->{status},
	    403, 'a viewer may not');
	is($ad->call(GET => '/api/v1/proxy/v1/models')->{status}, 403,
	    'nothing of it');
	$ad->{session} = { };
	is($ad->call(POST => '/api/v1/proxy/v1/messages', $ask)->{status},
	    401, 'nobody may not');
	$ad->{session} = $root;
	my ($n) = $g->sql("SELECT detail FROM audit WHERE action =
	    'send request' AND object = '/v1/messages' LIMIT 1");
	is($n->{detail}, 'two/m2', 'it is in the audit log');
};

subtest 'one small request' => sub {
	my $test = sub { $ad->call(POST => '/api/v1/test', { @_ }) };
	my ($bad) = map { $_->{id} } $g->sql("SELECT id FROM keys WHERE mask
	    LIKE '%002'");
	my $r = $test->(model => 'm2', provider => 'two');
	is($r->{status}, 200, 'of a provider') or diag $r->{body};
	is($r->{json}{text}, 'fine', 'what it said');
	ok($r->{json}{ok} && $r->{json}{status} == 200 && $r->{json}{ms} > 0,
	    'that it was well, and how long it took');
	is(last_row()->{model_sent}, 'm2', '... was asked');
	$r = $test->(model => 'm1', provider => 'one', key_id => $bad);
	is($r->{status}, 200, 'of a key that is refused');
	ok(!$r->{json}{ok}, '... which is told');
	like($r->{json}{text}, qr/\S/, "... in words: $r->{json}{text}");
	is($test->(model => 'm')->{json}{text}, 'fine', 'as routed');
	for ([model => ''], [model => 'x' x 300], [provider => 7],
	    [key_id => 0], [what => 1]) {
		$r = $test->(model => 'm', @$_);
		is($r->{status}, 422, "$_->[0] is wrong");
		is($r->{json}{field}, $_->[0], '... by name');
	}
	is($test->(model => 'm', provider => "a\r\nx-b: c")->{status}, 400,
	    'no header is made of it');
	is($test->(model => 'm', provider => 'none')->{json}{ok}, JSON::PP::false, 'a provider that there is not');
};

# A call whose answer is read as it comes.
sub begin {
	my ($text) = @_;
	my $c = Client->new($ad->port);
	$c->request(POST => '/api/v1/proxy/v1/chat/completions', {
	    Cookie => $ad->{session}{cookie}, 'X-CSRF-Token' =>
	    $ad->{session}{csrf} }, { %$ask, stream => JSON::PP::true,
	    messages => [{ role => 'user', content => $text }] });
	return $c;
}

sub inflight { return $g->status->{worker}[0]{inflight} }

subtest 'streams' => sub {
	my $c = begin('wait for me');
	ok($c->until_match(qr/first/), 'passed on at once');
	is(inflight(), 1, 'while it goes on');
	$c->close;
	ok($g->wait_for(sub { inflight() == 0 }), 'stopped with the client');
	is(last_row()->{close}, 'client left', 'and so it is logged');
	$c = begin('very long');
	ok($c->until_match(qr/xxxx/), 'begins');
	my $r = $c->response;
	is(scalar(() = $r->{body} =~ /x{8000}/g), 500,
	    'a client that reads late gets all');
	ok($r->{complete}, 'to the end');
	my @c = map { begin('wait for me') } 1 .. 32;
	$_->until_match(qr/first/) for @c;
	my $more = begin('wait for me')->response;
	is($more->{status}, 429, 'so many at once');
	$_->close for @c;
	ok($g->wait_for(sub { inflight() == 0 }, 20), 'all stopped');
	$c = begin('wait for me');
	$c->until_match(qr/first/);
	$g->{crashed} = 1;
	$g->kill_children('KILL');
	$r = $c->response;
	ok($r && !$r->{complete}, 'the worker dies: the client sees it');
	ok($g->wait_for(sub { my $r = eval { direct({ %op }) };
	    $r && $r->{status} == 200 }), 'the token outlives the worker');
};

subtest 'nobody there' => sub {
	$g->stop;
	my $r = $ad->call(POST => '/api/v1/proxy/v1/messages', $ask);
	is($r->{status}, 503, 'proxyd is gone');
	like($r->{json}{detail}, qr/does not run/, 'which it says');
	$g->start;
	my ($new) = map { /^token (\S+)/ } $g->control('operator');
	isnt($new, $token, 'another life, another token');
	is(direct({ %op })->{status}, 401, 'the old one is of no use');
	is($ad->call(POST => '/api/v1/proxy/v1/messages', { model => 'm',
	    max_tokens => 9, messages => $ask->{messages} })->{status}, 200,
	    'and it goes on');
	$token = "$token|$new";
};

$ad->finish;
$g->finish;

subtest 'the token is nowhere' => sub {
	my @files = grep { -f } glob "$g->{home}/*";
	cmp_ok(scalar @files, '>', 4, 'files of both daemons');
	for my $f (@files) {
		open my $fh, '<:raw', $f or die;
		local $/;
		unlike(scalar <$fh>, qr/$token/, $f =~ s{.*/}{}r);
	}
	my @sent = $up->requests;
	cmp_ok(scalar @sent, '>', 10, 'requests at providers');
	is(scalar(grep { encode_json($_) =~ /$token|x-proxyd/ } @sent), 0,
	    'nor any of these headers');
};

done_testing;
