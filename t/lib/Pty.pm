package Pty;

# A program in a terminal of its own, with core modules only: a pair of Linux
# pseudo-terminals, of which the program has one side.

use strict;
use warnings;
use Fcntl;
use IO::Select;
use POSIX qw(:termios_h);
use Time::HiRes qw(time);

use constant { TIOCGPTN => 0x80045430, TIOCSPTLCK => 0x40045431,
    TIOCSWINSZ => 0x5414, TIOCSCTTY => 0x540e };

# undef where the system has no such thing.
sub new {
	my ($class, $cols, $rows, @cmd) = @_;

	sysopen my $m, '/dev/ptmx', O_RDWR | O_NOCTTY or return;
	my $zero = pack 'i', 0;
	ioctl $m, TIOCSPTLCK, $zero or return;
	my $n = pack 'i', 0;
	ioctl $m, TIOCGPTN, $n or return;
	my $name = '/dev/pts/' . unpack 'i', $n;
	sysopen my $s, $name, O_RDWR | O_NOCTTY or return;
	my $self = bless { m => $m, s => $s, seen => '' }, $class;
	$self->resize($cols, $rows);
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		POSIX::setsid();
		ioctl $s, TIOCSCTTY, 0;
		open STDIN, '<&', $s or die;
		open STDOUT, '>&', $s or die;
		open STDERR, '>&', $s or die;
		exec @cmd or POSIX::_exit(127);
	}
	$self->{pid} = $pid;
	return $self;
}

sub resize {
	my ($self, $cols, $rows) = @_;
	my $size = pack 'SSSS', $rows, $cols, 0, 0;
	ioctl $self->{m}, TIOCSWINSZ, $size or die "TIOCSWINSZ: $!";
}

sub type { syswrite $_[0]{m}, $_[1] }
sub echoes {
	my $t = POSIX::Termios->new;
	$t->getattr(fileno $_[0]{s});
	return ($t->getlflag & ECHO) != 0;
}

# What has come, once it fits; undef after some seconds.
sub until_match {
	my ($self, $re) = @_;
	my $end = time + 15;
	my $sel = IO::Select->new($self->{m});

	while ($self->{seen} !~ $re) {
		return if time > $end || !$sel->can_read($end - time);
		sysread $self->{m}, $self->{seen}, 65536,
		    length $self->{seen} or return;
	}
	return $self->{seen};
}

sub forget { $_[0]{seen} = '' }

# Its exit status, 256 and more for a signal; what is left to read is read.
sub status {
	my ($self) = @_;
	my $sel = IO::Select->new($self->{m});
	my $end = time + 15;

	while (time < $end) {
		sysread $self->{m}, $self->{seen}, 65536, length $self->{seen}
		    while $sel->can_read(0);
		last if waitpid($self->{pid}, POSIX::WNOHANG()) > 0;
		select undef, undef, undef, 0.01;
	}
	my $status = $? & 127 ? 256 + $? : $? >> 8;
	sysread $self->{m}, $self->{seen}, 65536, length $self->{seen}
	    while $sel->can_read(0);
	return $status;
}

1;
