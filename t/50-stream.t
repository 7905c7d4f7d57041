#!/usr/bin/perl

# Streams over sockets: cut into any pieces, cut off at any byte, read slowly,
# given up by the client, without delay, and followed by other requests.
# SLOW=1 cuts at every byte.

use strict;
use warnings;
use utf8;
use Client;
use Extract;
use Gateway;
use IO::Socket::INET;
use JSON::PP;
use Socket qw(SOL_SOCKET SO_RCVBUF SO_LINGER);
use Stream;
use Test::More;
use Time::HiRes qw(sleep time);
use Upstream;

my $sanitized = ($ENV{BUILDDIR} // '') =~ /san-/;
my %sse = ('Content-Type' => 'text/event-stream');
my %json = ('Content-Type' => 'application/json');

sub dialect_of {
	my ($path) = @_;

	return $path =~ m{/chat/} ? 'openai-chat' : $path =~ m{/responses} ?
	    'openai-responses' : $path =~ m{/messages} ? 'anthropic' :
	    'gemini';
}

# What the question says is what the provider does.
sub script {
	my ($req) = @_;
	my $d = dialect_of($req->{path});
	my $how = $req->{path} =~ /streamGenerateContent$/ ? 'array' : 'sse';
	my @head = [head => 200, $how eq 'array' ? \%json : \%sse];
	my $body = join '', sample($d, $how);
	my ($what, $n) = Upstream::body_of($req) =~ /DO (\w+) (\d+)/;

	return (@head, [drip => $body, $n], ['last']) if $what eq 'drip';
	my $part = substr $body, 0, $n;
	return (@head, [chunk => $part], ['close']) if $what eq 'close';
	return (@head, [chunk => $part], ['reset']) if $what eq 'reset';
	return (@head, [chunk => $part], ['last']) if $what eq 'short';
	return (@head, [chunk => $part], ['hang']) if $what eq 'stall';
	return [reply => 400, \%json, '{}'];
}

# A provider of each dialect at one address; the model's name picks it.
sub config {
	my ($base) = @_;

	return "PROVIDERS:\n" . join('', map { "  p-$_:\n    dialect: $_\n" .
	    "    base_url: $base\n    keyless: true\n" } @DIALECTS) .
	    "MODELS:\n" . join '', map { "  - { route_key: m-$_, " .
	    "provider: p-$_ }\n" } @DIALECTS;
}

my $up = Upstream->new(\&script);
my $g = Gateway->new(config => config($up->base));
my @forms = map { [$_, 'sse'], $_ eq 'gemini' ? [$_, 'array'] : () }
    @DIALECTS;

sub ask {
	my ($c, $d, $how, $provider, $do) = @_;
	my $m = "m-$provider";

	return $c->request(POST => question_path($d, $m, $how), {},
	    question($d, $m, $how, "DO $do"));
}

sub once {
	return ask(Client->new($g->port), @_)->response;
}

sub said {
	my ($d, $how, $body) = @_;
	return Extract::extract($d, $body, $how eq 'sse');
}

my $text = join '', sample_deltas();
my $call = [ { name => 'look_up', args => '{"city":"' .
    "K\xc3\xb6ln" . '","days":2}' } ];

for (@forms) {
	my ($d, $how) = @$_;
	my $body = join '', sample($d, $how);
	my $x = said($d, $how, $body);
	is(stream_end($d, $how, $body), 'complete', "sample $d, $how");
	is_deeply([$x->{text}, $x->{calls}], [$text, $call], 'says it');
}

subtest 'pitfall-08: split' => sub {
	my $c = Client->new($g->port);
	for my $provider (@DIALECTS) {
	for my $form (@forms) {
		my ($d, $how) = @$form;
		my %first;
		for my $n (1, 2, 7, 64) {
			my $name = "$d, $how, $provider in pieces of $n";
			my $r = ask($c, $d, $how, $provider, "drip $n")
			    ->response;
			is($r->{status}, 200, "$name: 200");
			if ($d eq $provider) {
				ok($r->{body} eq join('', sample($d, $how)),
				    "$name: the same bytes");
				next;
			}
			is(stream_end($d, $how, $r->{body}), 'complete',
			    "$name: well-formed");
			my $x = said($d, $how, $r->{body});
			is_deeply([@$x{qw(text calls stop)}], [$text, $call,
			    'tool'], "$name: says the same");
		}
	}
	}
};

# --- cut off --------------------------------------------------------------------

# What is wrong with the answer to a stream that was cut; nothing: ''.
sub cut_fault {
	my ($d, $how, $r) = @_;

	return 'no answer' unless $r;
	return "HTTP $r->{status} is not complete" unless $r->{complete};
	if ($r->{status} != 200) {
		return "status $r->{status}" if $r->{status} != 502;
		return error_fault($d, Client::json($r), 502);
	}
	my $end = stream_end($d, $how, $r->{body});
	return $end unless $end =~ /^(complete|error)$/;
	my $x = said($d, $how, $r->{body});
	return "says '$x->{text}'" if $x->{text} ne
	    substr $text, 0, length $x->{text};
	return 'complete, and says less' if $end eq 'complete' &&
	    ($x->{text} ne $text || @{ $x->{calls} } != 1);
	return '';
}

sub cut_everywhere {
	my ($d, $how, $provider, $stride) = @_;
	my $len = length join '', sample($provider,
	    $d eq $provider ? $how : 'sse');
	my ($c, %seen, @bad);

	$stride = 1 if $ENV{SLOW};
	for my $way (qw(close reset short)) {
		for (my $k = 0; $k <= $len; $k += $stride) {
			$c //= Client->new($g->port);
			my $r = ask($c, $d, $how, $provider, "$way $k")
			    ->response;
			my $f = cut_fault($d, $how, $r);
			push @bad, "$way after $k: $f" if $f;
			$c = undef unless $r && $r->{complete};
			$seen{ !$r ? 0 : $r->{status} }++;
		}
	}
	my $name = "$d, $how, by $provider";
	is("@bad[0 .. ($#bad > 3 ? 3 : $#bad)]", '', "$name: " .
	    join ', ', map { "$seen{$_} times $_" } sort keys %seen);
	ok($seen{200} && $seen{502}, "$name: before and after it has begun");
}

subtest 'cut' => sub {
	my $before = $g->status->{stat};
	$up->forget;
	cut_everywhere(@$_, $_->[0], 23) for @forms;
	cut_everywhere(@$_, 41) for (
	    ['openai-chat', 'sse', 'anthropic'],
	    ['anthropic', 'sse', 'openai-chat'],
	    ['gemini', 'array', 'openai-responses'],
	    ['openai-responses', 'sse', 'gemini'],
	    ['gemini', 'sse', 'anthropic']);
	ok($g->settled, 'a row a request');
	my $n = grep { $_->{event} eq 'request' } $up->requests;
	my $after = $g->status->{stat};
	is($after->{attempts} - $before->{attempts}, $n,
	    "each of $n attempts was made once");
	my @rows = $g->rows;
	my %id;
	$id{ $_->{request_id} }++ for @rows;
	is(scalar keys %id, scalar @rows, 'no row twice');
	is((grep { $_->{close} !~ /^(done|error)$/ } @rows), 0,
	    'each says how it ended');
	is((grep { $_->{close} eq 'error' && !$_->{error} } @rows), 0,
	    'and why');
};

# --- no delay -----------------------------------------------------------------------

# A provider that says one thing and then waits for a byte in a pipe.
sub lockstep {
	my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
	    Listen => 8, ReuseAddr => 1) or die;
	pipe(my $r, my $w) or die;
	my $pid = fork // die;

	if (!$pid) {
		close $w;
		while (my $s = $listen->accept) {
			lockstep_serve($s, $r);
			close $s;
		}
		POSIX::_exit(0);
	}
	close $r;
	$w->autoflush(1);
	return ($pid, $listen->sockport, $w);
}

sub lockstep_serve {
	my ($s, $r) = @_;
	my $in = '';

	while ($in !~ /\r\n\r\n/ || length($in) < $+[0] +
	    ($in =~ /content-length: (\d+)/i)[0]) {
		sysread $s, $in, 65536, length $in or return;
	}
	my ($path) = $in =~ m{^POST (\S+)};
	syswrite $s, "HTTP/1.1 200 OK\r\nContent-Type: " .
	    "text/event-stream\r\nConnection: close\r\n\r\n";
	for my $f (sample(dialect_of($path), 'sse')) {
		syswrite $s, $f;
		# The next one only when the client has got this.
		next unless $f =~ /Bonjour|你好|quoted|fin\./a ||
		    Encode::decode('UTF-8', $f) =~ /你好/;
		next if $f =~ /\.done|completed/;
		sysread $r, my $go, 1 or return;
	}
}

subtest 'no delay' => sub {
	require Encode;
	my ($pid, $port, $w) = lockstep();
	my $h = Gateway->new(config => config("http://127.0.0.1:$port"));
	for my $provider (@DIALECTS) {
	for my $form (@forms) {
		my ($d, $how) = @$form;
		next if $d eq $provider && $how eq 'array';
		my $c = Client->new($h->port, timeout => 5);
		ask($c, $d, $how, $provider, 'nothing 0');
		my $name = "$d, $how, by $provider";
		my @late;
		for my $word (qw(Bonjour 你好 quoted fin\.)) {
			my $bytes = Encode::encode('UTF-8', $word);
			push @late, $word
			    unless $c->until_match(qr/$bytes/);
			syswrite $w, '.';
		}
		is("@late", '', "$name: each event is there before the next");
		my $r = $c->response;
		is(stream_end($d, $how, $r->{body}), 'complete',
		    "$name: and the rest");
	}
	}
	$h->finish('no delay');
	kill 'KILL', $pid;
	waitpid $pid, 0;
};

# --- a slow reader --------------------------------------------------------------------

my $mb = 50;

# 1,000 deltas of 50 KB.
sub big_stream {
	my ($d) = @_;
	my $piece = ('x' x 71 . ' ') x ($mb * 1_000_000 / 72 / 1000);
	my @f = sample($d, 'sse');
	my ($at) = grep { $f[$_] =~ /fin\./ && $f[$_] =~ /delta/ } 0 .. $#f;

	(my $big = $f[$at]) =~ s/fin\./$piece/;
	splice @f, $at, 1, ($big) x 1000;
	return join '', grep { !/\.done|completed/ } @f[0 .. $#f - 1], $f[-1];
}

sub rss_kb {
	my ($h) = @_;
	my $max = 0;

	for (map { $_->{pid} } @{ $h->status->{worker} }) {
		open my $f, '<', "/proc/$_/status" or next;
		for (<$f>) {
			$max = $1 if /^VmRSS:\s+(\d+)/ && $1 > $max;
		}
	}
	return $max;
}

sub written {
	my ($pid) = @_;

	open my $f, '<', "/proc/$pid/io" or return -1;
	return (join('', <$f>) =~ /^wchar: (\d+)/m)[0];
}

# Until the provider has written nothing for a while.
sub held_back {
	my ($h, $pid, $start) = @_;
	my ($last, $since) = (-1, time);

	$h->wait_for(sub {
		my $n = written($pid);
		($last, $since) = ($n, time) if $n != $last;
		return $n > $start + 1_000_000 && time - $since > 0.5;
	}, 20);
	return $last - $start;
}

subtest 'a client that does not read' => sub {
	my %big = map { $_ => big_stream($_) } qw(openai-chat anthropic);
	my $slow = Upstream->new(sub { ([head => 200, \%sse],
	    [drip => $big{ dialect_of($_[0]{path}) }, 60_000], ['last']) });
	plan skip_all => 'the kernel does not tell what is written'
	    if written($slow->{pid}) < 0;
	for (['openai-chat', 'openai-chat'], ['anthropic', 'openai-chat'],
	    ['anthropic', 'anthropic']) {
		my ($d, $provider) = @$_;
		my $name = "$d, by $provider";
		my $h = Gateway->new(config => config($slow->base),
		    args => ['-w', 1]);
		is(Client->once($h->port, GET => '/healthz')->{status}, 200,
		    "$name: up");
		my $rss = rss_kb($h);
		my $c = Client->new($h->port);
		setsockopt $c->socket, SOL_SOCKET, SO_RCVBUF, 65536;
		my $start = written($slow->{pid});
		ask($c, $d, 'sse', $provider, 'big 0');
		my $n = held_back($h, $slow->{pid}, $start);
		cmp_ok($n, '<', $mb * 600_000,
		    "$name: the provider is held back ($n bytes)");
		my $grown = rss_kb($h) - $rss;
		SKIP: {
			skip "$name: sanitizers keep what is freed", 1
			    if $sanitized;
			cmp_ok($grown, '<', 30 << 10,
			    "$name: little is kept ($grown KiB)");
		}
		my $r = $c->response;
		ok($r->{complete}, "$name: then it reads all");
		my $x = () = $r->{body} =~ /x{71} /g;
		is($x, 1000 * int($mb * 1_000_000 / 72 / 1000),
		    "$name: nothing is lost");
		like(substr($r->{body}, -200), $d eq 'openai-chat' ?
		    qr/\[DONE\]\n\n$/ : qr/message_stop/, "$name: to its end");
		ok($r->{body} eq $big{$d}, "$name: the same bytes")
		    if $d eq $provider;
		$grown = rss_kb($h) - $rss;
		cmp_ok($grown, '<', 30 << 10,
		    "$name: nor later ($grown KiB)") unless $sanitized;

		# Another one leaves without having read.
		$c = Client->new($h->port);
		setsockopt $c->socket, SOL_SOCKET, SO_RCVBUF, 65536;
		$start = written($slow->{pid});
		ask($c, $d, 'sse', $provider, 'big 0');
		held_back($h, $slow->{pid}, $start);
		$c->close;
		ok($h->settled, "$name: one that leaves is noticed");
		is((grep { $_->{close} eq 'client left' } $h->rows), 1,
		    "$name: and said so");
		$h->finish($name);
	}
};

# --- the client leaves --------------------------------------------------------------

sub leaves {
	my ($name, $how_it_goes, @ask) = @_;
	my $left = sub {
		return ($g->sql("SELECT count(*) AS n FROM requests " .
		    "WHERE close = 'client left'"))[0]{n};
	};
	my $before = $left->();

	$up->forget;
	my $c = ask(Client->new($g->port), @ask);
	ok($c->until_match(qr/Bonjour/), "$name: a stream has begun");
	setsockopt $c->socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0
	    if $how_it_goes eq 'reset';
	$c->close;
	ok($g->wait_for(sub { grep { $_->{event} eq 'closed' &&
	    $_->{unfinished} } $up->requests }, 1),
	    "$name: the provider is let go within a second");
	ok($g->wait_for(sub { $left->() == $before + 1 }),
	    "$name: the row says so");
	my ($row) = $g->sql('SELECT * FROM requests ORDER BY id DESC LIMIT 1');
	is($row->{incomplete}, 1, "$name: incomplete");
	is($row->{status}, 200, "$name: though it had begun");
	is($row->{model_asked}, "m-$ask[2]", "$name: of that request");
}

subtest 'pitfall-45: the client leaves' => sub {
	for my $way (qw(close reset)) {
		leaves("$_->[0] by $_->[2], $way", $way, @$_, 'stall 1000')
		    for ['openai-chat', 'sse', 'openai-chat'],
		    ['anthropic', 'sse', 'openai-chat'],
		    ['openai-chat', 'sse', 'anthropic'],
		    ['gemini', 'array', 'gemini'];
	}
};

# --- what follows on the connection ---------------------------------------------------

subtest 'one connection' => sub {
	my $c = Client->new($g->port);
	for my $do ('drip 64', 'short 1000', 'drip 7', 'close 0', 'drip 64') {
		for (['openai-chat', 'sse', 'anthropic'],
		    ['anthropic', 'sse', 'anthropic'],
		    ['gemini', 'array', 'openai-chat']) {
			my $r = eval { ask($c, @$_, $do)->response };
			is($r && $r->{status}, $do eq 'close 0' ? 502 : 200,
			    "kept alive, $do: @$_");
			ok($r && $r->{complete}, 'complete');
		}
		is($c->request(GET => '/healthz')->response->{status}, 200,
		    'and something else');
	}
};

subtest 'pipelined' => sub {
	my @asks = (['openai-chat', 'sse', 'anthropic'],
	    ['anthropic', 'sse', 'openai-responses'],
	    ['gemini', 'array', 'gemini'], ['gemini', 'sse', 'openai-chat'],
	    ['openai-responses', 'sse', 'openai-responses']);
	for my $apart (0, 1) {
		my $c = Client->new($g->port);
		my $all = '';
		for (@asks) {
			my ($d, $how, $provider) = @$_;
			my $m = "m-$provider";
			my $b = JSON::PP->new->utf8->encode(question($d, $m,
			    $how, 'DO drip 64'));
			$all .= 'POST ' . question_path($d, $m, $how) .
			    " HTTP/1.1\r\nHost: localhost\r\n" .
			    "Content-Length: " . length($b) . "\r\n\r\n$b" .
			    "GET /healthz HTTP/1.1\r\nHost: localhost\r\n" .
			    "\r\n";
		}
		$c->send($_) for $apart ? unpack('(a100)*', $all) : $all;
		for (@asks) {
			my ($d, $how, $provider) = @$_;
			my $name = "$d, $how, by $provider";
			my $r = $c->response or last;
			is(stream_end($d, $how, $r->{body}), 'complete',
			    "$name: in its turn");
			is(said($d, $how, $r->{body})->{text}, $text,
			    "$name: its text");
			$r = $c->response or last;
			like($r->{body}, qr/"status":"ok"/,
			    'then what came behind it');
		}
		is($c->{in}, '', 'and nothing else');
	}
};

$g->finish;
done_testing;
