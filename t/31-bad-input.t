#!/usr/bin/perl

# Whatever a client sends: a 4xx in the envelope of the path's dialect, with a
# message that names the thing; and the next request on a fresh connection works.

use strict;
use warnings;
use Client;
use Gateway;
use JSON::PP;
use Scripts;
use Test::More;
use Upstream;

my $up = Upstream->new(sub { answer_for($_[0]) });
my $g = Gateway->new(config => config_for($up, "MAX_BODY: 1MiB\n"));

my %path = ('openai-chat' => '/v1/chat/completions',
    anthropic => '/v1/messages',
    'openai-responses' => '/v1/responses',
    gemini => '/v1beta/models/gemini-pro:generateContent');
my %good = ('openai-chat' => { model => 'gpt-4o', messages => [
    { role => 'user', content => 'x' } ] },
    anthropic => { model => 'claude-x', max_tokens => 5, messages => [
    { role => 'user', content => 'x' } ] },
    'openai-responses' => { model => 'claude-x', input => 'x' },
    gemini => { contents => [ { parts => [ { text => 'x' } ] } ] });

# The message, if the envelope is the dialect's own.
sub message {
	my ($d, $r) = @_;
	my $j = Client::json($r) or return "no JSON: $r->{body}";

	if ($d eq 'anthropic') {
		return 'not Anthropic\'s envelope' unless
		    ($j->{type} // '') eq 'error' && $j->{error}{type};
	} elsif ($d eq 'gemini') {
		return 'not Gemini\'s envelope' unless
		    ($j->{error}{code} // 0) == $r->{status} &&
		    $j->{error}{status};
	} else {
		return 'not OpenAI\'s envelope' unless
		    exists $j->{error}{type} && exists $j->{error}{param};
	}
	return $j->{error}{message};
}

sub bad {
	my ($name, $d, $body, $status, $re, %h) = @_;
	my $r = Client->once($g->port, POST => $path{$d}, \%h,
	    ref $body ? json_text($body) : $body);

	is($r->{status}, $status, "$d: $name: $status") or
	    diag $r->{body};
	like(message($d, $r), $re, "$d: $name: message");
}

for my $d (sort keys %path) {
	my $good = json_text($good{$d});
	bad('empty', $d, '', 400, qr/body is empty/);
	bad('malformed', $d, '{"model" 1}', 400,
	    qr/not valid JSON: expected ':'.* at byte \d+/);
	bad('truncated', $d, substr($good, 0, -5), 400, qr/not valid JSON/);
	bad('an array', $d, '[]', 400, qr/expected a JSON object, got an array/);
	bad('too deep', $d, '{"x":' . '[' x 200 . ']' x 200 . '}', 400,
	    qr/nested too deeply/);
	bad('not UTF-8', $d, "{\"x\":\"\xff\"}", 400, qr/UTF-8/);
	bad('too large', $d, '{"x":"' . 'a' x 2_000_000 . '"}', 413,
	    qr/larger than 1048576 bytes/);
	bad('compressed', $d, 'xx', 415, qr/Content-Encoding 'gzip'/,
	    'Content-Encoding' => 'gzip');
	my $r = Client->once($g->port, GET => $path{$d});
	is($r->{status}, 405, "$d: wrong method");
	like(message($d, $r), qr/GET is not allowed/, "$d: says so");
	$r = Client->once($g->port, GET => $path{$d}, { Upgrade =>
	    'websocket', Connection => 'Upgrade' });
	is($r->{status}, 426, "$d: WebSocket");
	my %origin = (Origin => 'http://evil.example');
	bad('a web page', $d, $good, 401, qr/Origin/, %origin);
	bad('forwarded', $d, $good, 401, qr/forwarded/,
	    'X-Forwarded-For' => '10.0.0.1');
	bad('another host', $d, $good, 401, qr/Host/,
	    Host => 'attacker.example');
	is(Client->once($g->port, POST => $path{$d}, {},
	    $good)->{status}, 200, "$d: and a good one works");
}

bad('role is a number', 'openai-chat', { model => 'gpt-4o', messages => [
    { role => 3, content => 'x' } ] }, 400,
    qr/messages\[0\]\.role.*expected a string.*a number/);
bad('messages is text', 'openai-chat', { model => 'gpt-4o',
    messages => 'x' }, 400, qr/messages.*expected an array/);
bad('no messages', 'openai-chat', { model => 'gpt-4o' }, 400, qr/messages/);
bad('no model', 'openai-chat', { messages => [ { role => 'user',
    content => 'x' } ] }, 400, qr/model/);
bad('max_tokens is text', 'anthropic', { %{ $good{anthropic} },
    max_tokens => 'many' }, 400, qr/max_tokens/);
bad('no max_tokens', 'anthropic', { model => 'claude-x', messages => [
    { role => 'user', content => 'x' } ] }, 400, qr/max_tokens/);
bad('content is a number', 'anthropic', { %{ $good{anthropic} },
    messages => [ { role => 'user', content => 1 } ] }, 400,
    qr/messages\[0\]\.content/);
bad('parts is text', 'gemini', { contents => [ { parts => 'x' } ] }, 400,
    qr/contents\[0\]\.parts/);
bad('unknown model', 'openai-chat', { model => 'nobody-has-it',
    messages => [ { role => 'user', content => 'x' } ] }, 404,
    qr/'nobody-has-it'/);
bad('unknown model of the mock', 'openai-chat', { model => 'mock-nope',
    messages => [ { role => 'user', content => 'x' } ] }, 404,
    qr/'mock-nope'/);

for my $p ('/v1/nope', '//v1/messages', '/v1/messages/', '/v1/%6dessages',
    '/v1/messages;x', '/V1/messages', '/v1/messages.', '/v1/./messages',
    '/v1beta/models/x:nope', '/v1beta/models/:generateContent') {
	my $r = Client->once($g->port, POST => $p, {}, '{}');
	# A name may hold a colon, so that GET could have been meant: 405.
	like($r->{status}, $p =~ /:/ ? qr/^40[45]$/ : qr/^404$/,
	    "POST $p: no such thing") or diag $r->{body};
}

subtest 'smuggling' => sub {
	my @raw = (
	"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n" .
	    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n" .
	    "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
	"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nHost: localhost" .
	    "\r\nContent-Length: 2\r\n\r\n{}",
	"GET / HTTP/1.1\r\n\r\n",
	"GARBAGE\r\n\r\n",
	);
	for (@raw) {
		my $c = Client->new($g->port, timeout => 3);
		$c->send($_);
		my $r = $c->response;
		my ($first) = /^(.*?)\r/;
		ok(!$r || $r->{status} >= 400, "refused: $first, " .
		    ($r ? $r->{status} : 'closed'));
	}
};

subtest 'vanishing clients' => sub {
	my $good = json_text($good{anthropic});
	Client->new($g->port)->send("POST /v1/mess");
	Client->new($g->port)->send("POST /v1/messages HTTP/1.1\r\nHost: " .
	    "localhost\r\nContent-Length: 100\r\n\r\n{\"a\"");
	my $c = Client->new($g->port);
	$c->request(POST => $path{anthropic}, {}, $good);
	$c->close;
	my $slow = Client->new($g->port);
	my $raw = "POST $path{anthropic} HTTP/1.1\r\nHost: localhost\r\n" .
	    "Content-Length: " . length($good) . "\r\n\r\n$good";
	$slow->send($_) for split //, $raw;
	is($slow->response->{status}, 200, 'byte by byte is fine');
};

$g->finish;
done_testing;
