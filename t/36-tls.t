#!/usr/bin/perl

# Providers over TLS: whom proxyd believes, which protocol it speaks, how it
# uses its connections.  nginx stands before a scripted provider.

use strict;
use warnings;
use Client;
use Gateway;
use IO::Socket::INET;
use Nginx;
use POSIX ();
use Scripts;
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use Time::HiRes qw(time);
use Upstream;

if (my $why = Nginx::missing()) {
	plan skip_all => $why;
}

my $text = "Bonjour \x{4f60}\x{597d}!";
my $dir = Nginx::dir();
my @here = qw(127.0.0.1 localhost);

Nginx::certificate($dir, 'ca');
Nginx::certificate($dir, 'otherca');
Nginx::certificate($dir, 'good', ca => 'ca', san => \@here);
Nginx::certificate($dir, 'expired', ca => 'ca', san => \@here, expired => 1);
Nginx::certificate($dir, 'elsewhere', ca => 'ca', san => ['other.example']);

# The connections of the scripted provider that carried a request already.
my %seen;
my $up = Upstream->new(sub {
	my ($req) = @_;
	my $body = eval { Upstream::json_of($req) } // {};
	my $what = $body->{model} // '';

	# As a provider that closes an idle connection just when it is used.
	if ($what =~ /^stale-(close|reset)/ && $seen{ $req->{peer} }++) {
		return [$1];
	}
	# A stream that is slow enough for others to run beside it.
	if ($what eq 'slow') {
		my ($a, $b) = unpack '(a500)a*', chat_sse();
		return ([head => 200, { 'Content-Type' =>
		    'text/event-stream' }], [chunk => $a], [sleep => 0.5],
		    [chunk => $b], ['last']);
	}
	return answer_for($req);
});

# A provider that answers once, then resets the connection as soon as the next
# request begins to come.
my $rude = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 8)
    or die "listen: $!";
my $rude_pid = fork // die;
if (!$rude_pid) {
	while (my $s = $rude->accept) {
		my $in = '';
		while ($in !~ /\r\n\r\n/ ||
		    length $' < ($` =~ /content-length: (\d+)/i)[0]) {
			sysread $s, $in, 1 << 20, length $in or last;
		}
		print $s "HTTP/1.1 200 OK\r\nContent-Type: application/json" .
		    "\r\nContent-Length: ", length(chat_body()),
		    "\r\n\r\n", chat_body();
		$s->flush;
		sysread $s, $in, 1;
		setsockopt $s, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
		close $s;
	}
	POSIX::_exit(0);
}
END { local $?; kill 'KILL', $rude_pid if $rude_pid }

my $ngx = Nginx->new($dir, $up->port,
    h2 => { cert => 'good', listen => 'ssl http2' },
    h1 => { cert => 'good', listen => 'ssl' },
    expired => { cert => 'expired', listen => 'ssl http2' },
    elsewhere => { cert => 'elsewhere', listen => 'ssl http2' },
    idle2 => { cert => 'good', listen => 'ssl http2',
	more => 'keepalive_timeout 1s;' },
    idle1 => { cert => 'good', listen => 'ssl',
	more => 'keepalive_timeout 1s;' },
    few2 => { cert => 'good', listen => 'ssl http2',
	more => 'keepalive_requests 3;' },
    few1 => { cert => 'good', listen => 'ssl',
	more => 'keepalive_requests 3;' });

# name => [URL, file of the authority]
my %provider = (
	(map { $_ => [ $ngx->url($_), 'ca' ] } qw(h2 h1 expired elsewhere
	    idle2 idle1 few2 few1)),
	byname => [ $ngx->url('h2', 'localhost'), 'ca' ],
	system => [ $ngx->url('h2') ],
	otherca => [ $ngx->url('h2'), 'otherca' ],
	nofile => [ $ngx->url('h2'), 'missing' ],
	plain => [ $up->base ],
	rude => [ 'http://127.0.0.1:' . $rude->sockport ],
);
my %target = map { $_ => [ $_, 'gpt-4o-mini' ] } keys %provider;
$target{"slow-$_"} = [ $_, 'slow' ] for qw(h2 h1);
$target{"stale-$_"} = [ 'plain', "stale-$_" ] for qw(close reset);

sub config {
	my $t = "PROVIDERS:\n";
	for (sort keys %provider) {
		my ($url, $ca) = @{ $provider{$_} };
		$t .= "  $_:\n    dialect: openai-chat\n" .
		    "    base_url: $url\n    keys: [\"sk-of-$_-000001\"]\n";
		$t .= "    ca_file: $dir/$ca.pem\n" if $ca;
	}
	$t .= "MODELS:\n";
	for (sort keys %target) {
		my ($p, $m) = @{ $target{$_} };
		$t .= "  - route_key: $_\n    target_model: $m\n" .
		    "    provider: $p\n";
	}
	return $t;
}
# One worker, so that each connection is known to be its.
my $g = Gateway->new(config => config(), args => ['-w', 1]);

sub body {
	my ($model, $stream, $fill) = @_;

	return { model => $model, messages => [ { role => 'user',
	    content => 'x' x ($fill // 1) } ], $stream ?
	    (stream => \1) : () };
}

sub ask {
	return Client->once($g->port, POST => '/v1/chat/completions', {},
	    json_text(body(@_)));
}

# How often the scripted provider was asked; large bodies are not decoded.
sub asked {
	open my $f, '<:raw', $up->{file} or die;
	return scalar grep { /"event":"request"/ } <$f>;
}

sub connections_of {
	my %c;

	$c{ $_->{connection} }++ for @_;
	return scalar keys %c;
}

sub said {
	my ($r, $stream) = @_;
	my $j = $stream ? undef : Client::json($r);

	return $j->{choices}[0]{message}{content} // '' unless $stream;
	return join '', map { $_->{json} ?
	    $_->{json}{choices}[0]{delta}{content} // '' : '' }
	    Client::events($r->{body});
}

sub refused {
	my ($name, $provider, $server) = @_;
	my ($n, $m) = (asked(), scalar $ngx->served($server));

	for my $stream (0, 1) {
		my $r = ask($provider, $stream);
		is($r->{status}, 502, "$name: 502") or diag $r->{body};
		my $msg = (Client::json($r) // {})->{error}{message} // '';
		like($msg, qr/provider '$provider'.*certificate/i,
		    "$name: the text says why: $msg");
		unlike($r->{body}, qr/sk-of-/, "$name: and has no key");
	}
	is(asked(), $n, "$name: no request reached the provider");
	is(scalar($ngx->served($server)), $m, "$name: nor its front");
}

sub served_well {
	my ($name, $provider) = @_;

	for my $stream (0, 1) {
		my $r = ask($provider, $stream);
		is($r->{status}, 200, "$name: 200") or diag $r->{body};
		ok($r->{complete}, "$name: complete");
		is(said($r, $stream), $text, "$name: " .
		    ($stream ? 'streaming' : 'plain'));
	}
}

subtest 'whom it believes' => sub {
	refused('an unknown authority', 'system', 'h2');
	refused('another authority', 'otherca', 'h2');
	refused('expired', 'expired', 'expired');
	refused('of another host', 'elsewhere', 'elsewhere');
	served_well('ca_file', 'h2');
	served_well('ca_file, by name', 'byname');
	is($up->{pid} && (grep { $_->{event} eq 'request' }
	    $up->requests)[-1]{headers}{authorization},
	    'Bearer sk-of-byname-000001', 'with its key');
	$ngx->served('h2', 4);
	# A connection or a session of one that believes helps no other.
	refused('an unknown authority, of a connected host', 'system', 'h2');
	refused('another authority, of a connected host', 'otherca', 'h2');
	my $n = asked();
	my $r = ask('nofile');
	is($r->{status}, 502, 'a ca_file that is not there: 502');
	is(asked(), $n, 'and nothing is sent');
};

# What a new connection makes the worker read says which files it believes.
subtest 'ca_file stands in place of the system\'s authorities' => sub {
	my ($w) = map { $_->{pid} } @{ $g->status->{worker} };
	my $read = sub {
		open my $f, '<', "/proc/$w/io" or return;
		return (map { /^rchar: (\d+)/ } <$f>)[0];
	};
	plan skip_all => "/proc/$w/io cannot be read" unless $read->();
	ok($g->wait_for(sub { !$ngx->connections('idle1') }), 'none is open');
	my $before = $read->();
	is(ask('idle1')->{status}, 200, 'a new connection');
	my $n = $read->() - $before;
	ok($n < 100_000, "no folder of authorities was read: $n bytes");
};

subtest 'the protocol' => sub {
	served_well('HTTP/1.1', 'h1');
	my %p = map { $_->{protocol} => 1 } $ngx->served('h2', 4);
	is_deeply([keys %p], ['HTTP/2.0'], 'HTTP/2 where it is offered');
	%p = map { $_->{protocol} => 1 } $ngx->served('h1', 2);
	is_deeply([keys %p], ['HTTP/1.1'], 'HTTP/1.1 where it is not');
};

subtest 'connections are kept' => sub {
	for my $s (qw(h2 h1)) {
		my $n = $ngx->served($s);
		for (1 .. 10) {
			is(ask($s, $_ & 1)->{status}, 200, "$s: answered");
		}
		my @r = $ngx->served($s, $n + 10);
		@r = @r[$n .. $#r];
		is(connections_of(@r), 1, "$s: one connection");
		ok($r[-1]{nth} >= 10, "$s: that carried them all");
	}
};

sub together {
	my ($model, $n) = @_;
	my $t0 = time;
	my @c = map { Client->new($g->port) } 1 .. $n;

	$_->request(POST => '/v1/chat/completions', {},
	    json_text(body($model, 1))) for @c;
	my @r = map { $_->response } @c;
	is((grep { $_->{status} == 200 && $_->{complete} &&
	    said($_, 1) eq $text } @r), $n, "$model: $n streams, all whole");
	ok(time - $t0 < $n * 0.5, "$model: beside each other");
}

subtest 'streams beside each other' => sub {
	my $n = $ngx->served('h2');
	together('slow-h2', 12);
	my @r = $ngx->served('h2', $n + 12);
	is(connections_of(@r[$n .. $#r]), 1, 'on one connection of HTTP/2');
	$n = $ngx->served('h1');
	together('slow-h1', 4);
	@r = $ngx->served('h1', $n + 4);
	is(connections_of(@r[$n .. $#r]), 4, 'HTTP/1.1: each its own');
};

subtest 'a connection that the provider has closed' => sub {
	for my $s (qw(idle2 idle1)) {
		for (1 .. 2) {
			is(ask($s)->{status}, 200, "$s: answered");
			ok($g->wait_for(sub { !$ngx->connections($s) }),
			    "$s: closed while idle");
		}
		is(ask($s)->{status}, 200, "$s: and answered anew");
		my @r = $ngx->served($s, 3);
		is(connections_of(@r), scalar @r,
		    "$s: a new connection each");
	}
	for my $s (qw(few2 few1)) {
		for (1 .. 10) {
			is(ask($s, $_ & 1)->{status}, 200,
			    "$s: closed after three: answered");
		}
		my @c = map { Client->new($g->port) } 1 .. 10;
		$_->request(POST => '/v1/chat/completions', {},
		    json_text(body($s))) for @c;
		is((grep { $_->response->{status} == 200 } @c), 10,
		    "$s: ten at once");
	}
};

subtest 'a connection that is closed just then' => sub {
	for my $how (qw(close reset)) {
		my $n = asked();
		for (1 .. 4) {
			is(ask("stale-$how")->{status}, 200, "$how: answered");
		}
		ok(asked() > $n + 4, "$how: after it was sent again");
	}
	for (1 .. 10) {
		my $r = ask('rude', 0, 6_000_000);
		is($r->{status}, 200, 'while a large body is sent: answered')
		    or diag $r->{body};
	}
};

$g->finish;
$up->stop;
$ngx->stop;
done_testing;
