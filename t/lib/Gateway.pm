package Gateway;

# A proxyd under test, in a home of its own, on a port of its own.  At its end
# it asserts what every test of the daemon wants: no alert and no sanitizer line
# in the log, nothing in flight, a row for each request, everybody gone.

use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use POSIX qw(WNOHANG);
use Test::More ();
use Time::HiRes qw(sleep time);

my @live;
my $main = $$;

sub bindir { ($ENV{BUILDDIR} // 'build/opt') . '/bin' }

# config => text of app.yml (undef: embedded default), args => [...],
# env => {...}, allow => qr/.../ for alerts that the test provokes
sub new {
	my ($class, %o) = @_;
	my $self = bless { %o }, $class;

	$self->{home} //= tempdir('proxyd-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	$self->{log} = "$self->{home}/log";
	$self->{file} = "$self->{home}/app.yml" if defined $o{config};
	$self->write_config($o{config}) if defined $o{config};
	$self->start unless $o{stopped};
	push @live, $self;
	return $self;
}

sub write_config {
	my ($self, $text) = @_;
	my $new = "$self->{file}.new";

	# Tests make providers fail by the dozen; those of circuits say so.
	$text .= "BREAKER_SHARE: 0\n" if $text =~ /\n\z/ &&
	    $text !~ /^BREAKER_/m;
	open my $f, '>:raw', $new or die "$new: $!";
	print $f $text;
	close $f or die;
	rename $new, $self->{file} or die;
}

sub start {
	my ($self) = @_;

	pipe(my $r, my $w) or die;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		close $r;
		$^F = 1000;
		require Fcntl;
		fcntl($w, Fcntl::F_SETFD(), 0);
		open STDERR, '>>', $self->{log} or die;
		open STDOUT, '>>', $self->{log} or die;
		open STDIN, '<', '/dev/null';
		delete @ENV{qw(OPENAI_API_KEY ANTHROPIC_API_KEY
		    GEMINI_API_KEY)};
		%ENV = (%ENV, %{ $self->{env} // {} });
		my @cmd = (bindir() . '/proxyd', '-d', $self->{home},
		    '-R', fileno $w);
		push @cmd, '-f', $self->{file} if $self->{file};
		push @cmd, '-p', $self->{port} // 0;
		push @cmd, @{ $self->{args} // ['-w', 2] };
		exec @cmd or POSIX::_exit(127);
	}
	close $w;
	$self->{pid} = $pid;
	my $line = <$r> // '';
	if ($line =~ /^ready (\S+) (\d+)/) {
		@$self{qw(host boundport)} = ($1, $2);
		return 1;
	}
	waitpid $pid, 0;
	$self->{exit} = $? >> 8;
	$self->{pid} = 0;
	chomp($self->{error} = $line);
	$self->{error} =~ s/^error //;
	return 0 if $self->{may_fail};
	die "proxyd did not start: $line" . $self->log_text;
}

sub port { $_[0]{boundport} }
sub url { "http://127.0.0.1:$_[0]{boundport}$_[1]" }

sub log_text {
	my ($self) = @_;

	open my $f, '<', $self->{log} or return '';
	local $/;
	return scalar <$f> // '';
}

# One command on the control socket; the answer's lines.
sub control {
	my ($self, $command) = @_;
	my $s = IO::Socket::UNIX->new(Peer => "$self->{home}/proxyd.sock")
	    or die "control socket: $!";

	print $s "$command\n";
	$s->flush;
	my @lines = <$s>;
	chomp @lines;
	return @lines;
}

sub status {
	my ($self) = @_;
	my %st;

	for ($self->control('status')) {
		if (/^stat (\S+) (\d+)/) {
			$st{stat}{$1} = $2;
		} elsif (/^worker ((?:\d+ ){2}\S+ -?\d+ \d+ \d+ \d+)/) {
			my %w;
			@w{qw(slot pid state beat inflight open generation)} =
			    split ' ', $1;
			push @{ $st{worker} }, \%w;
		} elsif (/^(\S+) (.*)/) {
			$st{$1} = $2;
		}
	}
	return \%st;
}

# Waits until cond->() is true; a test never sleeps for a fixed time.
sub wait_for {
	my ($self, $cond, $seconds) = @_;
	my $end = time + ($seconds // 10);

	while (time < $end) {
		my $v = $cond->();
		return $v if $v;
		sleep 0.02;
	}
	return;
}

sub db {
	my ($self) = @_;
	return "$self->{home}/proxyd.db";
}

# Rows of the request log.
sub rows {
	my ($self, $where) = @_;

	return $self->sql('SELECT * FROM requests' .
	    ($where ? " WHERE $where" : '') . ' ORDER BY id');
}

# What a query gives, by the sqlite3 shell in JSON.
sub sql {
	my ($self, $sql) = @_;
	require JSON::PP;

	open my $p, '-|', 'sqlite3', '-json', '-cmd', '.timeout 5000',
	    $self->db, $sql or die "sqlite3: $!";
	local $/;
	my $text = <$p> // '';
	close $p;
	return $text =~ /\S/ ? @{ JSON::PP->new->utf8->decode($text) } : ();
}

# Waits until the log holds n rows (or as many as requests have begun).
sub settled {
	my ($self, $n) = @_;

	return $self->wait_for(sub {
		my $st = $self->status->{stat};
		return $st->{rows} >= $n if defined $n;
		return $st->{rows} == $st->{requests} && $st->{requests} > 0;
	});
}

# Every worker serves by what the database has now.
sub known {
	my ($self) = @_;
	my ($row) = $self->sql('SELECT generation FROM meta');

	return $self->wait_for(sub {
		my $w = $self->status->{worker} // [];
		return @$w && !grep { $_->{generation} < $row->{generation} }
		    @$w;
	});
}

sub kill_children { kill $_[1], map { $_->{pid} } @{ $_[0]->status->{worker} } }

sub stop {
	my ($self) = @_;

	return unless $self->{pid};
	my $settled = $self->{crashed} || $self->wait_for(sub {
		my $st = $self->status;
		return 0 if grep { $_->{inflight} } @{ $st->{worker} };
		return $st->{stat}{rows} == $st->{stat}{requests};
	});
	$self->{final} = eval { $self->status };
	kill 'TERM', $self->{pid};
	my $gone = $self->wait_for(sub {
		waitpid($self->{pid}, WNOHANG) == $self->{pid} }, 30);
	$self->{exit} = $? >> 8;
	if (!$gone) {
		kill 'KILL', $self->{pid};
		waitpid $self->{pid}, 0;
	}
	$self->{pid} = 0;
	return ($settled, $gone);
}

# The end-of-test assertions.
sub finish {
	my ($self, $name) = @_;

	$name //= 'gateway';
	return if !$self->{pid} && !defined $self->{exit};
	my ($settled, $gone) = $self->{pid} ? $self->stop : (1, 1);
	my $st = $self->{final}{stat} // {};
	Test::More::ok($settled, "$name: nothing in flight, a row a request")
	    or Test::More::diag("requests $st->{requests}, rows $st->{rows}");
	Test::More::ok($gone, "$name: ended when told");
	Test::More::is($self->{exit}, $self->{want_exit} // 0,
	    "$name: exit status");
	my $allow = $self->{allow};
	my @bad = grep { /: (?:alert|fatal): |Sanitizer|: runtime error: / &&
	    !(defined $allow && /$allow/) } split /\n/, $self->log_text;
	Test::More::is("@bad[0 .. ($#bad > 4 ? 4 : $#bad)]", '',
	    "$name: no alert, no sanitizer line in the log");
	delete $self->{exit};
}

sub DESTROY {
	my ($self) = @_;

	return unless $self->{pid} && $$ == $main;
	local $?;
	kill 'KILL', $self->{pid};
	waitpid $self->{pid}, 0;
}

1;
