package Admind;

# An admind under test, over the home of a Gateway or one of its own, on a port
# of its own.  At its end it asserts that it went as it was told and logged no
# alert.

use strict;
use warnings;
use Client;
use Gateway;
use JSON::PP;
use POSIX qw(WNOHANG);
use Test::More ();
use Time::HiRes qw(sleep time);

my @live;
my $main = $$;

# file => app.yml, port => N, no_port => 1; dies unless it starts, or with
# may_fail returns { error, exit }.
sub new {
	my ($class, $home, %o) = @_;
	my $self = bless { %o, home => $home, log => "$home/admind-test.log" },
	    $class;

	pipe(my $r, my $w) or die;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		close $r;
		require Fcntl;
		fcntl($w, Fcntl::F_SETFD(), 0);
		open STDERR, '>>', $self->{log} or die;
		open STDIN, '<', '/dev/null';
		delete @ENV{qw(OPENAI_API_KEY ANTHROPIC_API_KEY
		    GEMINI_API_KEY)};
		my @cmd = (Gateway::bindir() . '/admind', '-d', $home,
		    '-R', fileno $w);
		push @cmd, '-f', $o{file} if $o{file};
		push @cmd, '-p', $o{port} // 0 unless $o{no_port};
		exec @cmd or POSIX::_exit(127);
	}
	close $w;
	my $line = <$r> // '';
	if ($line =~ /^ready (\S+) (\d+)\n/) {
		Test::More::is(scalar <$r>, undef,
		    'one line, then it is closed');
		@$self{qw(pid host port)} = ($pid, $1, $2);
		push @live, $self;
		return $self;
	}
	waitpid $pid, 0;
	$self->{exit} = $? >> 8;
	chomp($line);
	$self->{error} = $line =~ s/^error //r;
	die "admind did not start: $self->{error}\n" unless $o{may_fail};
	return $self;
}

sub port { $_[0]{port} }

sub get {
	my ($self, $path, %h) = @_;
	return Client->once($self->{port}, GET => $path, { %h });
}

sub json {
	my ($self, $path, %h) = @_;
	return JSON::PP->new->utf8->decode($self->get($path, %h)->{body});
}

# One call of the management API.  With a session (log_in, set_up) as a browser
# makes it; { status, headers, body, json }.
sub call {
	my ($self, $method, $path, $body, %h) = @_;
	my $s = $self->{session} // {};
	my %head = (%{ $s->{cookie} ? { Cookie => $s->{cookie} } : {} },
	    $s->{csrf} ? ('X-CSRF-Token' => $s->{csrf}) : (),
	    defined $body ? ('Content-Type' => 'application/json') : (), %h);

	delete $head{$_} for grep { !defined $head{$_} } keys %head;
	my $r = Client->once($self->{port}, $method => $path, \%head,
	    ref $body ? JSON::PP->new->utf8->canonical->encode($body) :
	    $body);
	$r->{json} = eval { JSON::PP->new->utf8->decode($r->{body}) };
	return $r;
}

sub keep_session {
	my ($self, $r) = @_;
	my ($cookie) = ($r->{headers}{'set-cookie'} // '') =~ /^([^;]+)/;

	$self->{session} = { cookie => $cookie,
	    csrf => $r->{json}{user}{csrf} };
}

sub setup_token {
	my ($self) = @_;
	open my $f, '<', "$self->{home}/setup.token" or return '';
	chomp(my $token = <$f> // '');
	return $token;
}

# The first administrator.
sub set_up {
	my ($self, $name, $password) = @_;
	my $r = $self->call(POST => '/api/v1/setup', { token =>
	    $self->setup_token, name => $name // 'root',
	    password => $password // 'correct horse' });

	$self->keep_session($r) if $r->{status} == 200;
	return $r;
}

sub log_in {
	my ($self, $name, $password) = @_;
	my $r = $self->call(POST => '/api/v1/session', { name => $name,
	    password => $password });

	$self->keep_session($r) if $r->{status} == 200;
	return $r;
}

sub finish {
	my ($self, $sig) = @_;
	my $end = time + 20;
	my $gone;

	kill $sig // 'TERM', $self->{pid};
	while (!($gone = waitpid($self->{pid}, WNOHANG) == $self->{pid}) &&
	    time < $end) {
		sleep 0.02;
	}
	my $status = $?;
	if (!$gone) {
		kill 'KILL', $self->{pid};
		waitpid $self->{pid}, 0;
	}
	@live = grep { $_ != $self } @live;
	Test::More::ok($gone, 'it ends when told');
	Test::More::is($status, 0, '... with status 0');
	Test::More::ok(!-e "$self->{home}/admind.pid",
	    '... and takes its pid file along');
	open my $f, '<', $self->{log} or die;
	my @bad = grep { /: (?:alert|fatal): |Sanitizer|: runtime error: / }
	    <$f>;
	Test::More::is("@bad", '', 'no alert, no sanitizer line in the log');
}

END {
	local $?;
	if ($$ == $main) {
		kill 'KILL', $_->{pid} for @live;
	}
}

1;
