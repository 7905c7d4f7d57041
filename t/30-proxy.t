#!/usr/bin/perl

# Proxying end to end: the first requests of users, same dialect byte for byte,
# keys, statistics, headers, the row in the log.

use strict;
use warnings;
use utf8;
use Client;
use Encode qw(encode_utf8);
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Upstream;

my $up = Upstream->new(sub { answer_for($_[0]) });
my $g = Gateway->new(config => config_for($up));
my $text = "Bonjour \x{4f60}\x{597d}!";

sub post {
	my ($path, $headers, $body) = @_;
	return Client->once($g->port, POST => $path, $headers,
	    ref $body ? json_text($body) : encode_utf8($body));
}

subtest 'the first requests of users' => sub {
	my @bearer = (Authorization => 'Bearer anything');
	my @case = (
	[ 'claude by OpenAI', '/v1/chat/completions', { @bearer },
	    '{"model":"claude-3-opus-20240229","messages":[{"role":"user",'
	    . '"content":"请用中文自我介绍一下你自己。"}]}',
	    qr{^/v1/messages$} ],
	[ 'gemini by OpenAI', '/v1/chat/completions', { @bearer },
	    '{"model":"gemini-pro","messages":[{"role":"user","content":'
	    . '"介绍一下Google Gemini。"}]}',
	    qr{^/v1beta/models/gemini-pro:} ],
	[ 'claude by its own', '/v1/anthropic/completions', {},
	    '{"model":"claude-3-opus-20240229","messages":[{"role":"user",'
	    . '"content":"你好 Claude！"}]}', qr{^/v1/messages$} ],
	[ 'gemini by its own', '/v1/gemini/completions', {},
	    '{"model":"gemini-pro","messages":[{"role":"user","content":'
	    . '"你好 Gemini！"}]}', qr{^/v1beta/models/gemini-pro:} ],
	);
	for (@case) {
		my ($name, $path, $h, $body, $want) = @$_;
		my $r = post($path, $h, $body);
		is($r->{status}, 200, "$name: 200") or diag $r->{body};
		my $j = Client::json($r);
		my $got = $path =~ /anthropic/ ? $j->{content}[0]{text} :
		    $path =~ /gemini/ ?
		    $j->{candidates}[0]{content}{parts}[0]{text} :
		    $j->{choices}[0]{message}{content};
		is($got, $text, "$name: the text, in the path's dialect");
		like((grep { $_->{event} eq 'request' } $up->requests)[-1]
		    {path}, $want, "$name: served by the right provider");
		$body =~ s/}$/,"stream":true}/;
		$r = post($path, $h, $body);
		is($r->{status}, 200, "$name: streaming, 200");
		like($r->{headers}{'content-type'}, qr{text/event-stream},
		    "$name: as events");
		ok($r->{complete}, "$name: complete");
		$got = join '', map { my $e = $_->{json};
		    $path =~ /anthropic/ ? $e->{delta}{text} // '' :
		    $path =~ /gemini/ ? map({ $_->{text} // '' }
		    @{ $e->{candidates}[0]{content}{parts} // [] }) :
		    $e->{choices}[0]{delta}{content} // '' }
		    Client::events($r->{body});
		is($got, $text, "$name: streamed text");
	}
};

subtest 'same dialect: the bytes' => sub {
	my @case = (
	[ '/v1/chat/completions', { model => 'gpt-4o-mini',
	    messages => [ { role => 'user', content => 'x' } ] },
	    \&chat_body, \&chat_sse ],
	[ '/v1/messages', { model => 'claude-sonnet-5', max_tokens => 9,
	    messages => [ { role => 'user', content => 'x' } ] },
	    \&anthropic_body, \&anthropic_sse ],
	[ '/v1beta/models/gemini-3-flash-preview:generateContent', {
	    contents => [ { role => 'user', parts => [ { text => 'x' } ] }
	    ] }, \&gemini_body, undef ],
	[ '/v1beta/models/gemini-3-flash-preview:streamGenerateContent'
	    . '?alt=sse', { contents => [ { role => 'user', parts => [
	    { text => 'x' } ] } ] }, undef, \&gemini_sse ],
	);
	for (@case) {
		my ($path, $body, $plain, $sse) = @$_;
		# White space and order that no encoder of ours would write.
		for my $stream (0, 1) {
			my $want = $stream ? $sse : $plain or next;
			my %b = (%$body, $stream && $path !~ /gemini/ ?
			    (stream => \1) : (), $path =~ /chat/ &&
			    $stream ? (stream_options => {
			    include_usage => \1 }) : ());
			my $sent = JSON::PP->new->utf8->pretty->encode(\%b);
			my $r = post($path, {}, $sent);
			is($r->{status}, 200, "$path $stream");
			is($r->{body}, $want->(), 'answer: the same bytes');
			my ($last) = (grep { $_->{event} eq 'request' }
			    $up->requests)[-1];
			is(Upstream::body_of($last), $sent,
			    'request: the same bytes');
		}
	}
};

subtest 'keys, headers' => sub {
	$up->forget;
	for (1 .. 4) {
		post('/v1/messages', { 'x-api-key' => 'client-key',
		    'anthropic-version' => '2026-10-21',
		    'anthropic-beta' => 'some-beta', cookie => 'secret=1' },
		    { model => 'claude-sonnet-5', max_tokens => 9,
		    messages => [ { role => 'user', content => 'x' } ] });
	}
	my @r = grep { $_->{event} eq 'request' } $up->requests;
	my %key;
	$key{ $_->{headers}{'x-api-key'} }++ for @r;
	is_deeply(\%key, { 'sk-ant-test-key-0000001' => 2,
	    'sk-ant-test-key-0000002' => 2 }, 'keys take turns');
	my $h = $r[0]{headers};
	is($h->{'anthropic-version'}, '2026-10-21', "the client's version");
	is($h->{'anthropic-beta'}, 'some-beta', 'and beta pass');
	ok(!exists $h->{cookie}, 'a cookie does not');
	ok(!exists $h->{authorization}, 'nor another kind of key');
	is($h->{'accept-encoding'}, 'identity', 'pitfall-12: no compression is asked');
	is(scalar(keys %{ { map { $_->{peer} => 1 } @r } }) <= 2, 1,
	    'connections are reused');
	post('/v1/chat/completions', { Authorization => 'Bearer client-key' },
	    { model => 'claude-x', messages => [ { role => 'user',
	    content => 'x' } ] });
	$h = (grep { $_->{event} eq 'request' } $up->requests)[-1]{headers};
	is($h->{'anthropic-version'}, '2023-06-01', 'a version by default');
	ok(!exists $h->{authorization}, "a client's key goes no further");
};

subtest 'statistics' => sub {
	my $r = Client->once($g->port, GET => '/v1/api-keys/stats');
	is($r->{status}, 200, 'stats');
	unlike($r->{body}, qr/sk-ant-test-key|openai-key-000|gemini-key-0/,
	    'no key in it');
	my $j = Client::json($r);
	is_deeply([sort keys %$j], [qw(anthropic gemini openai)],
	    'by provider');
	my ($sum, $codes) = (0, 0);
	for my $k (values %{ $j->{anthropic} }) {
		$sum += $k->{total_requests};
		$codes += $k->{status_codes}{200} // 0;
		is($k->{total_requests}, $k->{successful_requests} +
		    $k->{failed_requests}, 'sums agree');
		is($k->{success_rate} + 0, 1, 'rate');
		like($k->{last_used},
		    qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'RFC 3339');
	}
	$g->settled;
	my @rows = $g->rows("provider = 'anthropic'");
	is($sum, scalar @rows, 'as many as rows in the log');
	is($codes, $sum, 'all of them 200');
};

subtest 'the row' => sub {
	$g->settled;
	my ($row) = $g->rows("dialect = 'openai-chat' AND stream = 1 " .
	    "AND provider = 'anthropic'");
	is($row->{model_asked}, 'claude-3-opus-20240229', 'asked');
	is($row->{model_answered}, 'claude-3-opus-20240229', 'answered');
	is($row->{input}, 12, 'input tokens');
	is($row->{output}, 5, 'output tokens');
	is($row->{stop}, 'end_turn', "provider's stop reason");
	is($row->{status}, 200, 'status');
	is($row->{upstream_id}, 'up-1234', "provider's request id");
	is($row->{upstream_status}, 200, "provider's");
	is($row->{translated}, 1, 'translated');
	ok($row->{ttfb_us} > 0 && $row->{ttfb_us} <= $row->{total_us},
	    'first byte, total');
	ok($row->{overhead_us} > 0 && $row->{overhead_us} < 100_000,
	    "our own overhead: $row->{overhead_us} us");
	ok($row->{bytes_in} && $row->{bytes_out} && $row->{bytes_up} &&
	    $row->{bytes_down}, 'bytes on both sides');
	like($row->{key_mask}, qr/\*/, 'key, masked');
};

subtest 'lists of models' => sub {
	my %h = ('anthropic' => { 'anthropic-version' => '2023-06-01' },
	    gemini => { 'x-goog-api-key' => 'x' }, openai => {});
	my %shape = (anthropic => sub { $_[0]{data}[0]{type} eq 'model' &&
	    exists $_[0]{has_more} }, gemini => sub {
	    $_[0]{models}[0]{name} =~ m{^models/} },
	    openai => sub { $_[0]{object} eq 'list' });
	for my $d (sort keys %h) {
		my $r = Client->once($g->port, GET => '/v1/models', $h{$d});
		is($r->{status}, 200, "$d: /v1/models");
		ok($shape{$d}->(Client::json($r)), "$d: its own shape");
	}
	my $r = Client->once($g->port, GET => '/v1beta/models');
	ok($shape{gemini}->(Client::json($r)), '/v1beta/models is Gemini');
	$r = Client->once($g->port, GET => '/v1/models?key=abc');
	ok($shape{gemini}->(Client::json($r)), '?key= is Gemini, too');
	$r = Client->once($g->port, GET => '/v1/models/mock-echo');
	is(Client::json($r)->{id}, 'mock-echo', 'one model');
	$r = Client->once($g->port, GET => '/v1/models/nope');
	is($r->{status}, 404, 'no such model');
};

subtest 'Gemini streams as an array without alt=sse' => sub {
	my $r = post('/v1beta/models/claude-x:streamGenerateContent', {}, {
	    contents => [ { parts => [ { text => 'x' } ] } ] });
	is($r->{status}, 200, 'translated: 200');
	like($r->{headers}{'content-type'}, qr{application/json}, 'JSON');
	my $j = Client::json($r);
	is(ref $j, 'ARRAY', 'an array');
	is(join('', map { map { $_->{text} // '' }
	    @{ $_->{candidates}[0]{content}{parts} // [] } } @$j), $text,
	    'the text');
};

subtest 'health, docs, HEAD' => sub {
	for (qw(/healthz /docs /)) {
		is(Client->once($g->port, GET => $_)->{status}, 200, $_);
		is(Client->once($g->port, HEAD => $_)->{status}, 200,
		    "HEAD $_");
	}
};

$g->finish;
done_testing;
