#!/usr/bin/perl

# Whatever a provider does: refuses, hangs, cuts, answers garbage, sends an error
# under 200.  The client gets a well-formed answer of its own dialect, there is
# one row, and the next request works.

use strict;
use warnings;
use Client;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Upstream;

my %json = ('Content-Type' => 'application/json');
my %sse = ('Content-Type' => 'text/event-stream');
my $bomb = '{"error":{"message":"secret-detail","type":"server_error"}}';

# The model's name says what the provider does.
my $up = Upstream->new(sub {
	my ($req, $n) = @_;
	my $body = eval { Upstream::json_of($req) } // {};
	my ($what) = ($body->{model} // $req->{path}) =~
	    /(?:claude|gpt|gemini)-(\w+)/;
	my $key = $req->{headers}{'x-api-key'} //
	    $req->{headers}{authorization} //
	    $req->{headers}{'x-goog-api-key'};

	if ($what eq 'hang') { return ['hang'] }
	if ($what eq 'drop') { return ['close'] }
	if ($what eq 'reset') { return ['reset'] }
	if ($what eq 'garbage') { return [bytes => "\x00\xff garbage"], ['close'] }
	if ($what eq 'html') { return [reply => 200, { 'Content-Type' =>
	    'text/html' }, '<html>hello</html>'] }
	if ($what eq 'badjson') { return [reply => 200, \%json, '{"a":'] }
	if ($what eq 'empty') { return [reply => 200, \%json, ''] }
	if ($what =~ /^s(\d+)$/) { return [reply => $1, \%json, $bomb] }
	if ($what eq 'redirect') { return [reply => 302, { Location =>
	    'http://127.0.0.1:1/' }, ''] }
	if ($what eq 'errin200') { return [head => 200, \%sse], [chunk =>
	    "data: $bomb\n\n"], ['last'] }
	if ($what eq 'stall') { return [head => 200, \%sse],
	    [chunk => substr(Scripts::anthropic_sse(), 0, 900)], ['hang'] }
	if ($what eq 'firstkey') {
		return [reply => 429, { %json, 'Retry-After' => 7 }, $bomb]
		    if $key =~ /1$/;
		return answer_for($req);
	}
	if ($what eq 'limited') {
		return [reply => 429, { %json, 'Retry-After' => 3 }, $bomb];
	}
	if ($what eq 'swap') {	# SSE where JSON was asked, and the reverse
		my %b = %$body;
		my $flip = { %$req, body => unpack 'H*', json_text({ %b,
		    stream => $b{stream} ? JSON::PP::false :
		    JSON::PP::true }) };
		return answer_for($flip);
	}
	return answer_for($req);
});

sub config {
	return config_for($up) =~
	    s/base_url: (\S+)/base_url: $1\n    first_byte_timeout: 1s\n    idle_timeout: 1s/gr;
}
my $g = Gateway->new(config => config());

my %path = (chat => '/v1/chat/completions', anthropic => '/v1/messages');

sub ask {
	my ($d, $model, $stream) = @_;
	return Client->once($g->port, POST => $path{$d}, {}, { model => $model,
	    max_tokens => 9, messages => [ { role => 'user',
	    content => 'x' } ], $stream ? (stream => \1) : () });
}

sub well_formed {
	my ($d, $r) = @_;
	my $j = Client::json($r);
	return $d eq 'anthropic' ? $j && $j->{type} eq 'error' &&
	    $j->{error}{message} : $j && $j->{error}{message};
}

my %want = (hang => 504, drop => 502, reset => 502, garbage => 502,
    html => 502, badjson => 502, empty => 502, s500 => 500, s503 => 503,
    s400 => 400, s404 => 404, redirect => 502);
for my $d (qw(chat anthropic)) {
	for my $what (sort keys %want) {
		for my $stream (0, 1) {
			my $r = ask($d, "claude-$what", $stream);
			my $name = "$d, claude-$what" .
			    ($stream ? ', streaming' : '');
			ok($r, "$name: answered") or next;
			is($r->{status}, $want{$what},
			    "$name: $want{$what}") or diag $r->{body};
			ok(well_formed($d, $r), "$name: in its envelope");
		}
	}
	like(ask($d, 'claude-garbage')->{body}, qr/did not answer by HTTP/,
	    "$d: what answers, but not by HTTP, could be reached");
	like(ask($d, 'claude-drop')->{body}, qr/cannot be reached/,
	    "$d: who says nothing, could not");
	my $r = ask($d, 'claude-errin200', 1);
	like($r->{status}, qr/^50[02]$/,
	    "$d: error under 200 before any content") or diag $r->{body};
	ok(well_formed($d, $r), "$d: in its envelope");
	$r = ask($d, 'claude-stall', 1);
	is($r->{status}, 200, "$d: a stream that stalls has begun");
	ok($r->{complete}, "$d: and is ended");
	my @ev = Client::events($r->{body});
	ok((grep { $_->{json} && $_->{json}{error} } @ev),
	    "$d: by an error event");
	for my $stream (0, 1) {
		$r = ask($d, $d eq 'chat' ? 'gpt-swap' : 'claude-swap',
		    $stream);
		is($r->{status}, 200, "$d: the other form than asked");
		like($r->{body}, qr/Bonjour/, "$d: is understood");
		is($r->{headers}{'content-type'} =~ /event-stream/ ? 1 : 0,
		    $stream, "$d: the client gets what it asked for");
	}
}

subtest 'a 429 moves on to the next key, and rests the first' => sub {
	$up->forget;
	for (1 .. 4) {
		is(ask('chat', 'gpt-firstkey')->{status}, 200, 'answered');
	}
	my @r = grep { $_->{event} eq 'request' } $up->requests;
	is((grep { $_->{headers}{authorization} =~ /1$/ } @r), 1,
	    'the first key was asked once');
	$g->settled;
	my ($row) = grep { $_->{attempts} == 2 }
	    $g->rows("model_asked = 'gpt-firstkey'");
	ok($row, 'a row with two attempts');
	my $att = decode_json($row->{attempts_json});
	is_deeply([map { $_->{status} } @$att], [429, 200], 'and their story');
	my $stats = Client::json(Client->once($g->port,
	    GET => '/v1/api-keys/stats'));
	is((grep { $_->{status_codes}{429} }
	    values %{ $stats->{openai} }), 1, 'seen in the statistics');
};

subtest 'every key rests' => sub {
	my $g = Gateway->new(config => config());
	my $one = sub { Client->once($g->port, POST => $path{chat}, {},
	    { model => 'gpt-limited', messages => [ { role => 'user',
	    content => 'x' } ] }) };
	my $r = $one->();
	is($r->{status}, 429, 'both refused');
	is($r->{headers}{'retry-after'}, 3, "provider's hint");
	$up->forget;
	$r = $one->();
	is($r->{status}, 429, 'refused by the gateway');
	like($r->{headers}{'retry-after'}, qr/^[123]$/, 'with the true time');
	is((() = $up->requests), 0, 'without asking');
	$g->finish('resting');
};

subtest 'nobody listens' => sub {
	my $gone = Upstream->new(sub { ['close'] });
	my $g = Gateway->new(config => config_for($gone));
	$gone->stop;
	my $r = Client->once($g->port, POST => $path{anthropic}, {}, {
	    model => 'claude-x', max_tokens => 1, messages => [
	    { role => 'user', content => 'x' } ] });
	is($r->{status}, 502, 'unreachable: 502');
	like($r->{body}, qr/'anthropic' cannot be reached/, 'by name');
	unlike($r->{body}, qr/sk-ant/, 'no key in it');
	$g->finish('unreachable');
};

subtest 'no key' => sub {
	my $g = Gateway->new;
	my $r = Client->once($g->port, POST => $path{anthropic}, {}, {
	    model => 'claude-x', max_tokens => 1, messages => [
	    { role => 'user', content => 'x' } ] });
	is($r->{status}, 401, 'no key: 401');
	like($r->{body}, qr/no key for provider 'anthropic'/, 'says which');
	$g->finish('keyless');
};

subtest 'the client leaves' => sub {
	$up->forget;
	my $c = Client->new($g->port)->request(POST => $path{chat}, {}, {
	    model => 'claude-hang', messages => [ { role => 'user',
	    content => 'x' } ] });
	ok($g->wait_for(sub { grep { $_->{event} eq 'request' }
	    $up->requests }), 'asked');
	$c->close;
	ok($g->wait_for(sub { grep { $_->{event} eq 'closed' &&
	    $_->{unfinished} } $up->requests }, 1),
	    'the provider is let go at once');
	$g->settled;
	my ($row) = $g->rows("close = 'client left'");
	is($row->{status}, 0, 'a row with no status');
};

unlike($g->log_text, qr/secret-detail|sk-ant-test-key|sk-test-openai/,
    'nothing secret in the log');
$g->finish;
done_testing;
