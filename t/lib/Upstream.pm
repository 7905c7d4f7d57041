package Upstream;

# A scripted provider on loopback, a process of its own: one loop, any number
# of connections.  For each request it calls script->($request, $n) there, which
# returns actions:
#
#	[reply => $status, { header => value }, $body]
#	[bytes => $data]		raw bytes, as they are
#	[head => $status, {...}]	chunked from here on
#	[chunk => $data]		... one chunk
#	[last]				... the last chunk
#	[drip => $data, $n]		chunks of n bytes, each its own write
#	[sleep => $seconds]
#	[close]				drops the connection
#	[reset]				... with RST
#	[hang]				says nothing more
#
# What it was asked is kept in a file, a JSON line a request.

use strict;
use warnings;
use File::Temp qw(tempfile);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time sleep);

my $main = $$;

sub new {
	my ($class, $script, %o) = @_;
	my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
	    LocalPort => $o{port} // 0, Listen => 128, ReuseAddr => 1)
	    or die "listen: $!";
	my (undef, $file) = tempfile('upstream-XXXXXX', TMPDIR => 1,
	    UNLINK => 1);
	open my $fh, '>>', $file or die "$file: $!";
	my $self = bless { file => $file, port => $listen->sockport }, $class;

	$self->{pid} = fork // die;
	if (!$self->{pid}) {
		$SIG{TERM} = sub { POSIX::_exit(0) };
		$SIG{PIPE} = 'IGNORE';
		eval { serve($listen, $script, $fh) };
		warn $@ if $@;
		POSIX::_exit(1);
	}
	return $self;
}

sub port { $_[0]{port} }
sub base { "http://127.0.0.1:$_[0]{port}" }

sub requests {
	my ($self) = @_;

	open my $f, '<:raw', $self->{file} or die;
	return map { JSON::PP->new->utf8->decode($_) } <$f>;
}

sub forget {
	my ($self) = @_;

	truncate $self->{file}, 0;
}

sub stop {
	my ($self) = @_;

	return unless $self->{pid};
	kill 'KILL', $self->{pid};
	local $?;
	waitpid $self->{pid}, 0;
	$self->{pid} = 0;
}

sub DESTROY { $_[0]->stop if $$ == $main }

# --- in the child -------------------------------------------------------------

sub serve {
	my ($listen, $script, $fh) = @_;
	my $sel = IO::Select->new($listen);
	my (%conn, $n);

	$fh->autoflush(1);
	while (1) {
		my $wait = 60;
		for my $c (values %conn) {
			next unless @{ $c->{todo} };
			my $d = ($c->{at} // 0) - time;
			$d = 0 if $d < 0;
			$wait = $d if $d < $wait;
		}
		for my $s ($sel->can_read($wait)) {
			if ($s == $listen) {
				my $new = $listen->accept or next;
				setsockopt $new, IPPROTO_TCP, TCP_NODELAY, 1;
				$new->blocking(1);
				$sel->add($new);
				$conn{$new} = { s => $new, in => '',
				    todo => [], peer => $new->peerport };
				next;
			}
			my $c = $conn{$s};
			my $r = sysread $s, $c->{in}, 65536, length $c->{in};
			if (!$r) {
				$sel->remove($s);
				close $s;
				delete $conn{$s};
				print $fh encode_json({ event => 'closed',
				    unfinished => @{ $c->{todo} } ? 1 : 0,
				    peer => $c->{peer} }), "\n";
				next;
			}
			while (my $req = parse($c)) {
				$req->{n} = ++$n;
				$req->{peer} = $c->{peer};
				$req->{time} = time;
				print $fh JSON::PP->new->utf8->canonical
				    ->encode($req), "\n";
				push @{ $c->{todo} }, $script->($req, $n);
			}
		}
		for my $c (values %conn) {
			next if act($c);
			$sel->remove($c->{s});
			delete $conn{ $c->{s} };
			close $c->{s};
		}
	}
}

sub parse {
	my ($c) = @_;

	return unless $c->{in} =~ /\r\n\r\n/;
	my ($head, $rest) = split /\r\n\r\n/, $c->{in}, 2;
	my ($line, @h) = split /\r\n/, $head;
	my %h;
	for (@h) {
		my ($k, $v) = split /:\s*/, $_, 2;
		$h{lc $k} = $v;
	}
	my $len = $h{'content-length'} // 0;
	return if length $rest < $len;
	$c->{in} = substr $rest, $len;
	my ($method, $path) = split / /, $line;
	my $body = substr $rest, 0, $len;
	return { event => 'request', method => $method, path => $path,
	    headers => \%h, body => unpack('H*', $body) };
}

# Recorded bodies are hex, so that any bytes survive JSON.
# Empty where the event has none.
sub body_of { pack 'H*', $_[0]{body} // '' }
sub json_of { JSON::PP->new->utf8->allow_nonref->decode(body_of($_[0])) }

sub put { my $s = shift; local $SIG{PIPE} = 'IGNORE'; syswrite $s, $_[0] }

sub reason { { 200 => 'OK', 429 => 'Too Many Requests' }->{$_[0]} // 'Status' }

sub head_text {
	my ($status, $h, @more) = @_;

	return "HTTP/1.1 $status " . reason($status) . "\r\n" . join('',
	    map { "$_: $h->{$_}\r\n" } sort keys %$h) . join('', @more) .
	    "\r\n";
}

# Runs what is due; false when the connection is to be dropped.
sub act {
	my ($c) = @_;
	my $s = $c->{s};

	while (@{ $c->{todo} }) {
		return 1 if ($c->{at} // 0) > time;
		my $a = shift @{ $c->{todo} };
		my ($what, @arg) = @$a;
		if ($what eq 'reply') {
			my ($status, $h, $body) = @arg;
			put($s, head_text($status, $h,
			    'Content-Length: ' . length($body) . "\r\n") .
			    $body);
		} elsif ($what eq 'bytes') {
			put($s, $arg[0]);
		} elsif ($what eq 'head') {
			put($s, head_text(@arg,
			    "Transfer-Encoding: chunked\r\n"));
		} elsif ($what eq 'chunk') {
			put($s, sprintf("%x\r\n%s\r\n", length $arg[0],
			    $arg[0])) if length $arg[0];
		} elsif ($what eq 'last') {
			put($s, "0\r\n\r\n");
		} elsif ($what eq 'drip') {
			my ($data, $n) = @arg;
			unshift @{ $c->{todo} }, map { [chunk => $_] }
			    unpack "(a$n)*", $data;
		} elsif ($what eq 'sleep') {
			$c->{at} = time + $arg[0];
		} elsif ($what eq 'hang') {
			unshift @{ $c->{todo} }, $a;
			$c->{at} = time + 3600;
		} elsif ($what eq 'reset') {
			setsockopt $s, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
			return 0;
		} elsif ($what eq 'close') {
			return 0;
		} else {
			die "unknown action $what";
		}
	}
	return 1;
}

1;
