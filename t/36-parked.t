#!/usr/bin/perl

# Between two requests a connection is parked: libmicrohttpd does not see it
# until something comes.  Whatever comes then, in whatever pieces and at
# whatever time, is read; one that is silent for long becomes libmicrohttpd's,
# which ends it; and none holds up a drain.

use strict;
use warnings;
use Client;
use Gateway;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

my $parked_max = 128;		# PARKED_MAX of http_client.c
my $g = Gateway->new(args => ['-w', 1]);
my $pid = $g->status->{worker}[0]{pid};

sub ask {
	my ($text, @more) = @_;
	my $body = encode_json({ model => 'mock-echo', @more,
	    messages => [{ role => 'user', content => $text }] });

	return join "\r\n", 'POST /v1/chat/completions HTTP/1.1',
	    'Host: localhost', 'Content-Type: application/json',
	    'Content-Length: ' . length $body, '', $body;
}

sub answered {
	my ($c, $text, $name) = @_;
	my $r = $c->response;
	my $said = $r && $r->{status} == 200 && decode_json($r->{body})->
	    {choices}[0]{message}{content};

	is($said, $text, $name);
}

sub open_now { $g->status->{worker}[0]{open} }

# In how many epolls of the worker the socket of this client stands.
sub epolls {
	my ($c) = @_;
	my $n = 0;
	my $port = sprintf ':%04X', $c->socket->sockport;
	open my $f, '<', "/proc/$pid/net/tcp" or die $!;
	my ($inode) = map { my @f = split; $f[2] =~ /$port$/ ? $f[9] : () } <$f>;
	my ($fd) = grep { (readlink "/proc/$pid/fd/$_" // '') eq
	    "socket:[$inode]" } map { m{(\d+)$} } glob "/proc/$pid/fd/*";

	for my $info (glob "/proc/$pid/fdinfo/*") {
		open my $i, '<', $info or next;
		$n += grep { /^tfd:\s+$fd\s/ } <$i>;
	}
	return $n;
}

sub parked { my ($c) = @_; $g->wait_for(sub { epolls($c) == 1 }, 1) }
sub left { my ($c) = @_; $g->wait_for(sub { epolls($c) == 2 }, 5) }

subtest 'one after the other' => sub {
	my $c = Client->new($g->port);

	for my $i (1 .. 3) {
		$c->send(ask("number $i"));
		answered($c, "number $i", "request $i");
		ok(parked($c), 'parked');
	}
	ok(left($c), 'silent for a second or two: libmicrohttpd has it again');
	$c->send(ask('late'));
	answered($c, 'late', 'and answers');
	ok(parked($c), 'parked again');
	$c->close;
	ok($g->wait_for(sub { open_now() == 0 }), 'one that leaves is gone');
};

subtest 'in pieces' => sub {
	my $c = Client->new($g->port);
	my $all = ask('in pieces');

	for my $at (1, 10, index($all, "\r\n\r\n") + 2, length($all) - 1) {
		$c->send(ask('first'));
		answered($c, 'first', 'answered');
		ok(parked($c), "parked; then $at bytes");
		$c->send(substr $all, 0, $at);
		ok(left($c), 'of which libmicrohttpd is told');
		$c->send(substr $all, $at);
		answered($c, 'in pieces', 'and of the rest');
	}
	$c->send(ask('once') . ask('more') . substr $all, 0, 40);
	answered($c, 'once', 'two and a part at once: the first');
	answered($c, 'more', 'the second');
	ok($g->wait_for(sub { open_now() == 1 }), 'the third is waited for');
	$c->send(substr $all, 40);
	answered($c, 'in pieces', 'the third');
	$c->close;
};

# Each comes while the one before is answered; the last ones in one piece.
subtest 'while another is answered' => sub {
	my $c = Client->new($g->port);
	my @text = map { "round $_" } 1 .. 50;

	$c->send(ask($text[0]));
	for my $i (0 .. $#text) {
		$c->send(ask($text[$i + 1])) if $i < $#text;
		answered($c, $text[$i], $text[$i]);
	}
	ok(parked($c), 'then parked');
	$c->send(join '', map { ask($_) } @text);
	answered($c, $_, "$_, all at once") for @text;
	$c->send(ask('a stream', stream => JSON::PP::true) . ask('behind it'));
	like($c->response->{body}, qr/\[DONE\]/, 'a stream');
	answered($c, 'behind it', 'and what stood behind it');
	ok(parked($c), 'parked');
	$c->send("BREW / HTTP/9.9\r\n\r\n");
	1 while $c->fill;
	ok($g->wait_for(sub { open_now() == 0 }), 'what is not HTTP ends it');
};

subtest 'those who leave' => sub {
	my @c = map { Client->new($g->port) } 1 .. 4;

	for my $c (@c) {
		$c->send(ask('hello'));
		answered($c, 'hello', 'answered');
	}
	parked($_) for @c;
	is(open_now(), 4, 'four are there');
	$c[0]->close;
	setsockopt $c[1]->socket, Socket::SOL_SOCKET, Socket::SO_LINGER,
	    pack 'ii', 1, 0;
	$c[1]->close;
	$c[2]->half_close;
	$c[3]->send(ask('not read'));
	$c[3]->close;
	ok($g->wait_for(sub { open_now() == 0 }),
	    'closed, reset, half closed, with a request: all are gone');
};

subtest 'more than are parked' => sub {
	my @c = map { Client->new($g->port) } 1 .. $parked_max + 22;

	for my $round (1, 2) {
		$_->send(ask("round $round")) for @c;
		my @said = map { my $r = $_->response;
		    $r && decode_json($r->{body})->{choices}[0]{message}{content}
		    } @c;
		is(scalar(grep { ($_ // '') eq "round $round" } @said),
		    scalar @c, "round $round: all are answered");
	}
	is(open_now(), scalar @c, 'and are kept');
	$_->close for @c;
	ok($g->wait_for(sub { open_now() == 0 }), 'all are gone');
};

my @c = map { Client->new($g->port) } 1 .. 3;
for my $c (@c) {
	$c->send(ask('hello'));
	answered($c, 'hello', 'answered, and kept');
}
parked($_) for @c;
my $begun = time;
$c[0]->send(ask('the last one'));
answered($c[0], 'the last one', 'answered');
$g->stop;
cmp_ok(time - $begun, '<', 10, 'parked ones hold nobody up');
ok(!$_->fill, 'and are ended') for @c;
$g->finish;
done_testing;
