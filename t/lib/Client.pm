package Client;

# A raw HTTP client: says exactly what it is told, and shows exactly what came.

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use Time::HiRes qw(time);

sub new {
	my ($class, $port, %o) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => $o{addr} // '127.0.0.1',
	    PeerPort => $port, Proto => 'tcp') or die "connect: $!";

	$s->autoflush(1);
	return bless { s => $s, in => '', timeout => $o{timeout} // 20 },
	    $class;
}

sub socket { $_[0]{s} }
sub send { my ($self, $data) = @_; local $SIG{PIPE} = 'IGNORE'; syswrite $self->{s}, $data }
sub close { close $_[0]{s} }
sub half_close { shutdown $_[0]{s}, 1 }

sub request {
	my ($self, $method, $path, $headers, $body) = @_;
	my %h = (Host => 'localhost', %{ $headers // {} });

	$body = encode_json($body) if ref $body;
	$h{'Content-Length'} //= length $body if defined $body;
	$h{'Content-Type'} //= 'application/json' if defined $body;
	my $text = "$method $path HTTP/1.1\r\n" . join('', map {
	    defined $h{$_} ? "$_: $h{$_}\r\n" : () } sort keys %h) . "\r\n";
	$self->send($text . ($body // ''));
	return $self;
}

sub fill {
	my ($self) = @_;
	my $end = $self->{deadline} // (time + $self->{timeout});
	my $left = $end - time;

	return 0 if $left <= 0;
	return 0 unless IO::Select->new($self->{s})->can_read($left);
	my $n = sysread $self->{s}, $self->{in}, 65536, length $self->{in};
	$self->{eof} = 1 unless $n;
	return $n;
}

sub until_match {
	my ($self, $re) = @_;

	while ($self->{in} !~ $re) {
		$self->fill or return;
	}
	return 1;
}

# The next answer: { status, headers, body, complete }.  A body that broke off
# has complete false.
sub response {
	my ($self, %o) = @_;
	my $r = { complete => 0, body => '', headers => {} };

	$self->until_match(qr/\r\n\r\n/) or return;
	my ($head, $rest) = split /\r\n\r\n/, $self->{in}, 2;
	$self->{in} = $rest;
	my ($line, @h) = split /\r\n/, $head;
	($r->{status}) = $line =~ m{^HTTP/1\.\d (\d+)};
	if ($r->{status} == 100) {
		return $self->response(%o);
	}
	for (@h) {
		my ($k, $v) = split /:\s*/, $_, 2;
		$r->{headers}{lc $k} = $v;
	}
	if ($o{head} || $r->{status} == 204 || $r->{status} == 304) {
		$r->{complete} = 1;
	} elsif (($r->{headers}{'transfer-encoding'} // '') eq 'chunked') {
		$self->chunks($r, $o{on_chunk});
	} elsif (defined(my $len = $r->{headers}{'content-length'})) {
		while (length $self->{in} < $len) {
			$self->fill or last;
		}
		$r->{complete} = length $self->{in} >= $len;
		$r->{body} = substr $self->{in}, 0, $len, '';
	} else {
		1 while $self->fill;
		$r->{body} = $self->{in};
		$r->{complete} = 1;
		$self->{in} = '';
	}
	return $r;
}

sub chunks {
	my ($self, $r, $cb) = @_;

	while (1) {
		$self->until_match(qr/^[0-9a-fA-F]+[^\r\n]*\r\n/) or return;
		$self->{in} =~ s/^([0-9a-fA-F]+)[^\r\n]*\r\n//;
		my $n = hex $1;
		while (length $self->{in} < $n + 2) {
			$self->fill or do { $r->{body} .= $self->{in}; return };
		}
		my $data = substr $self->{in}, 0, $n, '';
		substr $self->{in}, 0, 2, '';
		if ($n == 0) {
			$r->{complete} = 1;
			return;
		}
		$r->{body} .= $data;
		push @{ $r->{chunks} }, [time, $data];
		$cb->($data) if $cb;
	}
}

# One request on a connection of its own.
sub once {
	my ($class, $port, @req) = @_;
	my $c = $class->new($port);

	return $c->request(@req)->response(head => $req[0] eq 'HEAD');
}

sub json {
	my ($r) = @_;

	return eval { JSON::PP->new->utf8->allow_nonref->decode($r->{body}) };
}

# The events of an SSE body: [{ event, data, json }].
sub events {
	my ($body) = @_;
	my @ev;

	for my $block (split /\r?\n\r?\n/, $body) {
		my %e;
		for (split /\r?\n/, $block) {
			next if /^:/;
			my ($k, $v) = /^([^:]*):? ?(.*)$/s;
			$e{$k} = defined $e{$k} ? "$e{$k}\n$v" : $v;
		}
		next unless defined $e{data};
		$e{json} = eval {
			JSON::PP->new->utf8->decode($e{data}) };
		push @ev, \%e;
	}
	return @ev;
}

1;
