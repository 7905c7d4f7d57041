#!/usr/bin/perl

# Connections whose first request announces a large body are read by larger
# pieces: whatever comes first, in however many pieces, and what follows it, is
# received whole; those that say nothing are counted, limited and ended.

use strict;
use warnings;
use Client;
use Gateway;
use Scripts;
use Test::More;
use Upstream;

my $up = Upstream->new(sub { ([reply => 200, { 'Content-Type' =>
    'application/json' }, chat_body()]) });
my $g = Gateway->new(args => ['-w', 1], config => config_for($up,
    "MAX_CONNECTIONS: 8\n"));

sub body_of_size {
	my ($size) = @_;
	my $text = join ' ', 1 .. $size / 4;
	my $body = '{"model":"gpt-5.1","messages":[{"role":"user","content":"';

	return $body . substr($text, 0, $size - length($body) - 4) . '"}]}';
}

my %body = (small => body_of_size(300), large => body_of_size(150_000));

sub head {
	my ($body, @more) = @_;

	return join "\r\n", 'POST /v1/chat/completions HTTP/1.1',
	    'Host: localhost', @more, 'Content-Type: application/json',
	    'Content-Length: ' . length $body, '', '';
}

# Sends what cannot be written at once, too.
sub put {
	my ($c, $data) = @_;

	while (length $data) {
		my $n = $c->send($data) or return;
		substr $data, 0, $n, '';
	}
}

sub answered {
	my ($c, $body, $name) = @_;
	my $r = $c->response;

	my @asked = $up->requests;

	is($r && $r->{status}, 200, "$name: answered");
	ok(@asked == 1 && Upstream::body_of($asked[0]) eq $body,
	    "$name: the provider has the same bytes, once");
	$up->forget;
}

sub open_now { $g->status->{worker}[0]{open} }

subtest 'what comes first' => sub {
	for my $kind (qw(small large)) {
		my $c = Client->new($g->port);
		$g->wait_for(sub { open_now() == 1 });
		is(open_now(), 1, "$kind: one that says nothing is counted");
		put($c, head($body{$kind}) . $body{$kind});
		answered($c, $body{$kind}, $kind);
		for my $next (qw(large small large)) {
			put($c, head($body{$next}) . $body{$next});
			answered($c, $body{$next}, "$kind, then $next");
		}
		$c->close;
		ok($g->wait_for(sub { open_now() == 0 }), "$kind: closed");
	}
};

subtest 'in pieces' => sub {
	for my $at (1, 20, 60, length(head($body{large})) - 3) {
		my $c = Client->new($g->port);
		my $all = head($body{large}) . $body{large};
		put($c, substr $all, 0, $at);
		$g->wait_for(sub { open_now() == 1 });
		put($c, substr $all, $at, 100_000);
		put($c, substr $all, $at + 100_000);
		answered($c, $body{large}, "cut at $at");
		$c->close;
		$g->wait_for(sub { open_now() == 0 });
	}
	my $c = Client->new($g->port);
	put($c, head($body{large}, 'Expect: 100-continue'));
	ok($c->until_match(qr/^HTTP\/1\.1 100 /), 'go on, it says');
	put($c, $body{large});
	answered($c, $body{large}, 'when told to go on');
	$c->close;
	$c = Client->new($g->port);
	put($c, head($body{large}) . substr $body{large}, 0, 100_000);
	$c->close;
	ok($g->wait_for(sub { open_now() == 0 }), 'one that breaks off ends');
};

# The head of a request has to fit into the memory of its connection.
subtest 'which it is' => sub {
	my $long = 'X-Long: ' . 'x' x 20_000;
	my $c = Client->new($g->port);

	put($c, join "\r\n", 'POST /v1/chat/completions HTTP/1.1',
	    'Content-Length: ' . length $body{large}, 'Host: localhost', $long,
	    '', $body{large});
	answered($c, $body{large}, 'large: 20 KB of head fit');
	$c->close;
	$c = Client->new($g->port);
	put($c, join "\r\n", 'POST /v1/chat/completions HTTP/1.1',
	    'Content-Length: ' . length $body{small}, 'Host: localhost', $long,
	    '', $body{small});
	my $r = $c->response;
	ok(!$r || $r->{status} >= 400, 'small: they do not');
	$c->close;
	$g->wait_for(sub { open_now() == 0 });
};

subtest 'too many' => sub {
	my @c = map { Client->new($g->port) } 1 .. 8;

	ok($g->wait_for(sub { open_now() == 8 }), 'eight that say nothing');
	put($c[0], head($body{large}) . $body{large});
	answered($c[0], $body{large}, 'one of them speaks');
	put($c[1], head($body{small}) . $body{small});
	answered($c[1], $body{small}, 'another, too');
	my $more = Client->new($g->port);
	put($more, head($body{small}));
	ok(!$more->response, 'a ninth is not served');
	like($g->log_text, qr/refused: too many/, 'and the log says so');
	(pop @c)->close;
	ok($g->wait_for(sub { open_now() == 7 }), 'one left unheard');
	$more = Client->new($g->port);
	put($more, head($body{small}) . $body{small});
	answered($more, $body{small}, 'there is room for another');
};

my $silent = Client->new($g->port);
$g->wait_for(sub { open_now() >= 1 });
my $begun = time;
$g->stop;
cmp_ok(time - $begun, '<', 10, 'those that say nothing hold nobody up');
ok(!$silent->fill, 'and are ended');
is(join(' ', map { $_->{path} // () } $up->requests), '',
    'nothing else was asked');
$g->finish;
done_testing;
