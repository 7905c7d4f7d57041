#!/usr/bin/perl

# HTTP/1.1 of our own to a provider over plain http: what is sent, answers in all
# their forms and pieces, those that are none, and when a connection is used
# again.

use strict;
use warnings;
use Client;
use Gateway;
use IO::Socket::INET;
use POSIX ();
use Scripts;
use Test::More;
use Upstream;

my $body = chat_body();
my $n = length $body;
my $ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
my $length = "Content-Length: $n\r\n";
my $chunked = "Transfer-Encoding: chunked\r\n";
my $half = int($n / 2);
my @chunk = (substr($body, 0, $half), substr $body, $half);
my $chunks = join '', map { sprintf "%X;a=\"b\"\r\n%s\r\n", length, $_ } @chunk;

# name => bytes that are an answer, and whether the connection is kept
my %good = (
	length => ["$ok$length\r\n$body", 1],
	chunks => ["$ok$chunked\r\n${chunks}0\r\nX-Trailer: 1\r\n\r\n", 1],
	newline => [("$ok$length\r\n" =~ s/\r//gr) . $body, 1],
	continue => ["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints" .
	    "\r\nLink: <x>\r\n\r\n$ok$length\r\n$body", 1],
	until => ["$ok\r\n$body", 0],
	old => ["HTTP/1.0 200 OK\r\n$length\r\n$body", 0],
	bye => ["${ok}Connection: close\r\n$length\r\n$body", 0],
	more => ["$ok$length\r\n${body}HTTP/1.1 200 OK\r\n", 0],
);
# name => bytes that are none, and why
my %bad = (
	both => ["$ok$length$chunked\r\n${chunks}0\r\n\r\n",
	    qr/Content-Length and Transfer-Encoding/],
	lengths => ["${ok}Content-Length: 1\r\n$length\r\n$body",
	    qr/Content-Length is none, or there are two/],
	folded => ["${ok}X: a\r\n b\r\n$length\r\n$body", qr/folded/],
	noname => ["${ok}X : a\r\n$length\r\n$body", qr/no name/],
	nul => ["${ok}X: \0\r\n$length\r\n$body", qr/NUL/],
	coding => ["${ok}Transfer-Encoding: x, chunked\r\n\r\n0\r\n\r\n",
	    qr/not chunked alone/],
	size => ["$ok$chunked\r\nzz\r\n", qr/chunk has no size/],
	chunkend => ["$ok$chunked\r\n1\r\n{}\r\n", qr/chunk does not end/],
	long => [$ok . ('X: ' . 'y' x 1000 . "\r\n") x 70, qr/too long/],
	html => ["<html>\r\n\r\n", qr/not HTTP/],
	switch => ["HTTP/1.1 101 Switching\r\n\r\n", qr/switched/],
	packed => ["${ok}Content-Encoding: br\r\n$length\r\n$body",
	    qr/Content-Encoding is not known/],
	broken => ["${ok}Content-Encoding: gzip\r\n$length\r\n$body",
	    qr/compressed answer is damaged/],
	inhead => [substr($ok, 0, 30), qr/within an answer's head/],
	short => ["$ok$length\r\n" . substr($body, 0, 9),
	    qr/before the answer's end/],
	silent => ['', qr/without an answer/],
);

# The model says which, and by how many bytes at a time.
my $up = Upstream->new(sub {
	my ($req) = @_;
	my $model = Upstream::json_of($req)->{model};
	my ($what, $piece) = $model =~ /^(\w+)-(\d+)$/ or
	    return answer_for($req);
	my ($bytes, $keep) = @{ $good{$what} // [$bad{$what}[0], 0] };
	return ((map { [bytes => $_], [sleep => 0.0005] }
	    $bytes eq '' ? () : unpack "(a$piece)*", $bytes),
	    $keep || $what eq 'more' ? () : ['close']);
});

# Refuses what is large before it has read it, in both ways to close.
my $hasty = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 8)
    or die "listen: $!";
my $hasty_pid = fork // die;
if (!$hasty_pid) {
	my $says = '{"error":{"message":"much too large","type":"x"}}';
	while (my $s = $hasty->accept) {
		sysread $s, my $in, 100;
		syswrite $s, "HTTP/1.1 413 Large\r\nContent-Type: " .
		    "application/json\r\nContent-Length: " . length($says) .
		    "\r\n\r\n$says";
		close $s;
	}
	POSIX::_exit(0);
}
END { local $?; kill 'KILL', $hasty_pid if $hasty_pid }

my @pieces = (100000, 500, 7, 1);
my $g = Gateway->new(args => ['-w', 1], config => <<"END");
RETRY_TRIES: 1
PROVIDERS:
  plain:
    dialect: openai-chat
    base_url: @{[ $up->base ]}/v1
    headers: { X-Own: a }
    keys: [sk-of-plain-000001]
  hasty:
    dialect: openai-chat
    base_url: http://127.0.0.1:@{[ $hasty->sockport ]}
    keys: [sk-of-hasty-000001]
MODELS:
  - { route_key: hasty, provider: hasty }
@{[ join '', map { "  - { route_key: $_, provider: plain }\n" } 'gpt',
    map { my $w = $_; map { "$w-$_" } @pieces } sort keys %good, keys %bad ]}
END

sub ask {
	my ($model, $fill) = @_;
	my $r = Client->once($g->port, POST => '/v1/chat/completions', {},
	    json_text({ model => $model, messages => [ { role => 'user',
	    content => 'x' x ($fill // 1) } ] }));
	my $j = Client::json($r);
	return ($r->{status}, $j->{choices}[0]{message}{content} // '',
	    $j->{error}{message} // '');
}

sub asked { grep { $_->{event} eq 'request' } $up->requests }
sub last_peer { (asked())[-1]{peer} }

my ($status, $said) = ask('gpt');
is($status, 200, 'answered') or diag $g->log_text;
my $text = $said;
like($text, qr/^Bonjour/, 'with its text');
my ($req) = asked();
my %h = %{ $req->{headers} };
is($h{host}, '127.0.0.1:' . $up->port, 'Host');
is($h{'content-length'}, length Upstream::body_of($req), 'its own length');
is($h{'accept-encoding'}, 'identity', 'no compression is asked for');
is($h{'x-own'}, 'a', 'a header of the configuration');
is($h{authorization}, 'Bearer sk-of-plain-000001', 'the key');
ok(!exists $h{$_}, "no $_") for qw(expect transfer-encoding connection);

for my $what (sort keys %good) {
	for my $piece (100000, 7, 1) {
		($status, $said) = ask("$what-$piece");
		is("$status $said", "200 $text", "$what by $piece");
		my $peer = last_peer();
		is((ask('gpt'))[0], 200, 'and the next');
		is($peer == last_peer() ? 1 : 0, $good{$what}[1],
		    $good{$what}[1] ? 'on its connection' :
		    'on another connection');
	}
}

for my $what (sort keys %bad) {
	for my $piece (100000, 500) {
		ask('gpt');
		my $before = asked();
		my ($s, undef, $why) = ask("$what-$piece");
		is($s, 502, "$what by $piece: 502");
		like($why, $bad{$what}[1], "$what: $why");
		like($why, qr/'plain'/, "$what: the provider is named");
		# Only where no byte came on a kept connection: once again.
		is(asked() - $before, $what eq 'silent' ? 2 : 1,
		    "$what: how often it was asked");
		is((ask('gpt'))[0], 200, "$what: and the next is answered");
	}
}

for (1 .. 5) {
	my ($s, undef, $why) = ask('hasty', 3_000_000);
	like("$s $why", qr/^413 .*much too large/,
	    'an answer before all was sent');
}
unlike($g->log_text, qr/sk-of/, 'no key in the log');
$g->finish;
$up->stop;
done_testing;
