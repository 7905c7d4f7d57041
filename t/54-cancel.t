#!/usr/bin/perl

# Requests in flight: what is shown of them, and their end by the operator, in
# every dialect, before and after the answer began.

use strict;
use warnings;
use Admind;
use Client;
use Ctl;
use Gateway;
use JSON::PP;
use Test::More;
use Upstream;

sub chunk {
	return [chunk => 'data: ' . encode_json({ id => 'c', object =>
	    'chat.completion.chunk', created => 1, model => 'm', choices => [
	    { index => 0, delta => { content => $_[0] },
	    finish_reason => undef } ] }) . "\n\n"];
}

my $up = Upstream->new(sub {
	my ($rq) = @_;
	return ['hang'] unless Upstream::body_of($rq) =~ /"stream":\s*true/;
	return [head => 200, { 'Content-Type' => 'text/event-stream' }],
	    chunk('some words ' x 8), ['hang'];
});
my $g = Gateway->new(args => ['-w', 2], config => <<"EOT");
PROVIDERS:
  up:
    dialect: openai-chat
    base_url: ${\$up->base}
    default_model: served
API_KEY_POOLS:
  up: [sk-cancel-0001]
PREFERRED_PROVIDER: up
EOT
my $ad = Admind->new($g->{home}, file => $g->{file});
$ad->set_up;

my @said = (messages => [{ role => 'user', content => 'hi' }]);
my @gemini = (contents => [{ parts => [{ text => 'hi' }] }]);
my %how = (
	'openai-chat' => ['/v1/chat/completions', { model => 'asked', @said },
	    qr/cancelled by the operator/],
	'openai-responses' => ['/v1/responses', { model => 'asked',
	    input => 'hi' }, qr/response\.failed.*cancelled by the/s],
	anthropic => ['/v1/messages', { model => 'asked', max_tokens => 9,
	    @said }, qr/event: error\n.*cancelled by the operator/s],
	gemini => ['/v1beta/models/asked:generateContent', { @gemini },
	    qr/"code":499.*cancelled by the/s]);

sub begin {
	my ($dialect, $stream) = @_;
	my ($path, $body) = @{ $how{$dialect} };
	$path =~ s/generateContent/streamGenerateContent?alt=sse/ if $stream;
	$body = { %$body, stream => JSON::PP::true }
	    if $stream && $dialect ne 'gemini';
	return Client->new($g->port)->request(POST => $path,
	    { 'User-Agent' => "test-$dialect" }, $body);
}

sub flying { return @{ $ad->call(GET => '/api/v1/requests')->{json}
    {requests} } }

for my $d (sort keys %how) {
	subtest "$d, streamed" => sub {
		my $c = begin($d, 1);
		ok($c->until_match(qr/some words/), 'the answer has begun');
		my ($f) = flying();
		is($f->{dialect}, $d, 'shown: the dialect');
		is("$f->{provider}/$f->{model_sent}", 'up/served', 'target');
		is($f->{model_asked}, 'asked', 'model asked for');
		is($f->{user_agent}, "test-$d", 'client');
		is($f->{attempts}, 1, 'attempts');
		cmp_ok($f->{tokens}, '>=', 20, 'tokens so far');
		cmp_ok($f->{age_ms}, '<', 20000, 'age');
		my $r = $ad->call(DELETE => "/api/v1/requests/$f->{id}");
		is($r->{status}, 204, 'cancelled') or diag $r->{body};
		$r = $c->response;
		is($r->{status}, 200, 'it had begun');
		like($r->{body}, $how{$d}[2], 'an error event of the dialect');
		ok($r->{complete}, 'and an end');
		$g->settled;
		my ($row) = $g->rows("request_id = '$f->{id}'");
		is($row->{close}, 'cancelled', 'logged as cancelled');
		is($row->{incomplete}, 1, 'incomplete');
		is($row->{error}, 'cancelled by the operator', 'by whom');
	};
	subtest "$d, whole" => sub {
		my $c = begin($d, 0);
		ok($g->wait_for(sub { my ($f) = flying();
		    $f && $f->{attempts} == 1 }), 'an attempt is under way');
		my ($f) = flying();
		is(join(' ', $g->control("cancel $f->{id}")), 'ok',
		    'cancelled on the control socket');
		my $r = $c->response;
		is($r->{status}, 499, 'the answer');
		like($r->{body}, qr/cancelled by the operator/, 'says why');
		is(scalar(flying()), 0, 'it is gone');
		$g->settled;
		my ($row) = $g->rows("request_id = '$f->{id}'");
		is("$row->{status} $row->{close} $row->{attempts}",
		    '499 cancelled 1', 'logged, and not tried again');
	};
}

subtest 'while its body comes' => sub {
	my $c = Client->new($g->port);
	$c->send("POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n" .
	    "Content-Length: 100\r\n\r\n{\"model\":");
	ok($g->wait_for(sub { flying() == 1 }), 'it is shown');
	my ($f) = flying();
	$g->control("cancel $f->{id}");
	ok(!$c->response, 'the connection ends');
	$g->settled;
	my ($row) = $g->rows("request_id = '$f->{id}'");
	is($row->{close}, 'cancelled', 'logged');
};

subtest 'many' => sub {
	my @c = map { begin('openai-chat', 1) } 1 .. 300;
	$_->until_match(qr/some words/) for @c;
	my $r = $ad->call(GET => '/api/v1/requests')->{json};
	is($r->{in_flight}, 300, 'all are counted');
	my @f = @{ $r->{requests} };
	cmp_ok(scalar @f, '<=', 256, 'the table is bounded');
	cmp_ok(scalar @f, '>=', 128, 'and full');
	my %id = map { $_->{id} => 1 } @f;
	is(scalar keys %id, scalar @f, 'each once');
	for my $f (@f) {
		ok($g->wait_for(sub { ($g->control("cancel $f->{id}"))[0] eq
		    'ok' || !grep { $_->{id} eq $f->{id} } flying() }),
		    'cancelled') or last;
	}
	ok($g->wait_for(sub { my $n = $ad->call(GET => '/api/v1/requests')
	    ->{json}{in_flight}; $n == 300 - @f }), 'these, and no other');
	$_->close for @c;
	ok($g->wait_for(sub { flying() == 0 }), 'the rest left');
};

subtest 'who may, and what not' => sub {
	for my $id ('req_' . 'x' x 24, 'x', 'req_%0astop', 'req_' . 'y' x 200,
	    'req_%00', '0') {
		is($ad->call(DELETE => "/api/v1/requests/$id")->{status}, 404,
		    "no such: $id");
	}
	like(join(' ', $g->control('cancel ')), qr/^error/, 'none');
	my $root = $ad->{session};
	$ad->call(POST => '/api/v1/users', { name => 'guest',
	    password => 'just looking', role => 'viewer' });
	$ad->log_in('guest', 'just looking');
	is($ad->call(GET => '/api/v1/requests')->{status}, 200,
	    'a viewer sees them');
	is($ad->call(DELETE => '/api/v1/requests/req_x')->{status}, 403,
	    'and ends none');
	$ad->{session} = $root;
	my ($n) = $g->sql("SELECT count(*) AS n FROM audit WHERE action =
	    'cancel request'");
	is($n->{n}, 4, 'what was done is in the audit log');
};

subtest 'by the shell' => sub {
	my $ctl = Ctl->new($g->{home});
	is_deeply($ctl->json('none', qw(requests list)), [], 'nothing runs');
	my @c = map { begin('openai-chat', 1) } 1 .. 3;
	$_->until_match(qr/some words/) for @c;
	my @f = @{ $ctl->json('list', qw(requests list)) };
	is(scalar @f, 3, 'all are listed');
	is_deeply([ sort keys %{ $f[0] } ], [ sort keys %{ (flying())[0] } ],
	    'with what REST tells');
	my @id = map { $_->{id} } @f;
	like($ctl->does('for people', qw(requests list)),
	    qr/^\Q$id[0]\E +\d+\.\d s +asked +up +openai-chat/m, 'and read');
	is_deeply([ sort split /\n/, $ctl->does('names', qw(completion
	    --names request)) ], [ sort @id ], 'completed');
	like($ctl->does('two of them', 'requests', 'cancel', @id[0, 1]),
	    qr/\Q$id[0]\E ends\n\Q$id[1]\E ends\n/, 'are cancelled');
	ok($g->wait_for(sub { flying() == 1 }), 'these, not the third');
	my %by = map { $_->{request_id} => $_->{close} } $g->rows if
	    $g->wait_for(sub { $g->rows("request_id = '$id[0]'") });
	is($by{$id[0]}, 'cancelled', 'logged');
	$ctl->refused(qr/'req_none': no such request is in flight/, 'none',
	    qw(requests cancel req_none));
	$ctl->refused(qr/'stop': no such request/, 'no word', qw(requests
	    cancel stop));
	$ctl->refused(qr/requests cancel: .*request-id/, 'no id', qw(requests
	    cancel));
	my ($n) = $g->sql("SELECT count(*) AS n FROM audit WHERE action =
	    'cancel request' AND client = 'proxyctl'");
	is($n->{n}, 2, 'in the audit log');
	$_->close for @c;
	ok($g->wait_for(sub { flying() == 0 }), 'the rest left');
};

subtest 'a worker that dies' => sub {
	my $c = begin('openai-chat', 1);
	$c->until_match(qr/some words/);
	is(scalar(flying()), 1, 'in flight');
	$g->{crashed} = 1;
	$g->kill_children('KILL');
	ok($g->wait_for(sub { flying() == 0 }), 'its requests are not shown');
	ok($g->wait_for(sub { $g->status->{worker}[0]{state} eq 'running' }),
	    'another comes');
	$g->stop;
	my ($st, $out, $err) = Ctl->new($g->{home})->feed('', qw(requests
	    list));
	is($st, 3, 'proxyctl: down');
	like($err, qr/proxyd does not run/, 'which is said');
	my $r = $ad->call(GET => '/api/v1/requests')->{json};
	ok(!$r->{running}, 'proxyd gone: said');
	is($ad->call(DELETE => '/api/v1/requests/req_x')->{status}, 503,
	    'nothing to cancel');
};

$ad->finish;
$g->{allow} = qr/was killed by signal 9/;
$g->finish;
done_testing;
