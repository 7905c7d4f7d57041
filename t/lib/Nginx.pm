package Nginx;

# An nginx in front of a scripted provider: TLS, HTTP/2 or not, certificates
# good and bad.  It runs in a directory of its own, in the foreground, without
# rights, and ends with the test.

use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep);

my $main = $$;
my @live;

sub _which {
	my ($name) = @_;

	for (split(/:/, $ENV{PATH}), '/usr/sbin', '/sbin') {
		return "$_/$name" if -x "$_/$name";
	}
	return;
}

# Why a test cannot run here; undef if it can.
sub missing {
	return 'nginx is missing' unless _which('nginx');
	return 'neither certtool (gnutls-bin) nor openssl is here'
	    unless _which('certtool') || _which('openssl');
	return;
}

# --- certificates -----------------------------------------------------------------

sub _run {
	my ($dir, @cmd) = @_;
	my $pid = fork // die "fork: $!";

	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', "$dir/certs.log";
		open STDERR, '>&', \*STDOUT;
		exec @cmd or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	return if $? == 0;
	open my $f, '<', "$dir/certs.log";
	die "@cmd: ", <$f>;
}

sub _write {
	my ($file, $text) = @_;

	open my $f, '>', $file or die "$file: $!";
	print $f $text;
	close $f or die;
}

# dir/NAME.pem and NAME.key, signed by dir/CA.pem.  No ca: its own authority.
# san => [...], expired => 1
sub certificate {
	my ($dir, $name, %o) = @_;

	if (my $tool = _which('certtool')) {
		_certtool($tool, $dir, $name, %o);
	} else {
		_openssl(_which('openssl'), $dir, $name, %o);
	}
}

sub _certtool {
	my ($tool, $dir, $name, %o) = @_;
	my @t = "cn = \"$name\"";

	push @t, $o{ca} ? ('tls_www_server', 'signing_key') :
	    ('ca', 'cert_signing_key');
	push @t, map { /^[\d.]+$/ ? "ip_address = $_" : "dns_name = $_" }
	    @{ $o{san} // [] };
	push @t, $o{expired} ? ('activation_date = "2020-01-01 00:00:00"',
	    'expiration_date = "2020-02-01 00:00:00"') :
	    'expiration_days = 2';
	_write("$dir/$name.tmpl", join "\n", @t, '');
	_run($dir, $tool, qw(--generate-privkey --key-type ecdsa --curve
	    secp256r1 --outfile), "$dir/$name.key");
	_run($dir, $tool, ($o{ca} ? ('--generate-certificate',
	    '--load-ca-certificate', "$dir/$o{ca}.pem",
	    '--load-ca-privkey', "$dir/$o{ca}.key") :
	    '--generate-self-signed'), '--load-privkey',
	    "$dir/$name.key", '--template', "$dir/$name.tmpl", '--outfile',
	    "$dir/$name.pem");
}

sub _openssl {
	my ($tool, $dir, $name, %o) = @_;
	my $san = join ',', map { /^[\d.]+$/ ? "IP:$_" : "DNS:$_" }
	    @{ $o{san} // [] };

	_run($dir, $tool, qw(ecparam -name prime256v1 -genkey -noout -out),
	    "$dir/$name.key");
	if (!$o{ca}) {
		_run($dir, $tool, qw(req -x509 -new -days 2 -key),
		    "$dir/$name.key", '-subj', "/CN=$name", '-addext',
		    'keyUsage=critical,keyCertSign,cRLSign',
		    '-out', "$dir/$name.pem");
		return;
	}
	_write("$dir/$name.ext", "subjectAltName=$san\n");
	_run($dir, $tool, qw(req -new -key), "$dir/$name.key", '-subj',
	    "/CN=$name", '-out', "$dir/$name.csr");
	_run($dir, $tool, qw(x509 -req -in), "$dir/$name.csr", '-CA',
	    "$dir/$o{ca}.pem", '-CAkey', "$dir/$o{ca}.key",
	    '-CAcreateserial', '-days', $o{expired} ? -1 : 2, '-extfile',
	    "$dir/$name.ext", '-out', "$dir/$name.pem");
}

# --- the process ------------------------------------------------------------------

sub dir { tempdir('nginx-XXXXXX', TMPDIR => 1, CLEANUP => 1) }

sub _free_port {
	my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
	    or die "listen: $!";

	return $s->sockport;
}

# new($dir, $provider_port, name => { cert => 'good', listen => 'ssl http2',
# more => 'keepalive_timeout 1s;' }, ...)
sub new {
	my ($class, $dir, $to, %server) = @_;
	my $self = bless { dir => $dir, pid => 0 }, $class;

	# Another process may take a free port first: try again.
	for (1 .. 5) {
		$self->{port} = { map { $_ => _free_port() } keys %server };
		_write("$dir/nginx.conf", $self->_config($to, \%server));
		$self->_start and last;
	}
	die 'nginx does not start: ' . $self->_read('error.log')
	    unless $self->{pid};
	push @live, $self;
	return $self;
}

sub _config {
	my ($self, $to, $server) = @_;
	my $d = $self->{dir};
	my $temp = join '', map { "\t${_}_temp_path $d/$_;\n" }
	    qw(client_body proxy fastcgi uwsgi scgi);
	my $text = <<"EOT";
daemon off;
master_process off;
pid $d/nginx.pid;
error_log $d/error.log warn;
events { worker_connections 256; }
http {
$temp	log_format t '\$server_port \$server_protocol \$connection '
	    '\$connection_requests \$status \$request_uri';
	access_log $d/access.log t;
	client_max_body_size 64m;
	proxy_http_version 1.1;
	proxy_set_header Connection "";
	proxy_buffering off;
EOT
	for (sort keys %$server) {
		my $s = $server->{$_};
		$text .= <<"EOT";
	server {
		listen 127.0.0.1:$self->{port}{$_} $s->{listen};
		ssl_certificate $d/$s->{cert}.pem;
		ssl_certificate_key $d/$s->{cert}.key;
		location / { proxy_pass http://127.0.0.1:$to; }
EOT
		$text .= "\t\t$s->{more}\n" if $s->{more};
		$text .= "\t}\n";
	}
	return "$text}\n";
}

sub _start {
	my ($self) = @_;
	my $d = $self->{dir};
	my $prog = _which('nginx');

	unlink "$d/nginx.pid";
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		if ($> == 0) {
			my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
			chown $uid, $gid, $d, glob "$d/*";
			$( = $gid;
			$) = "$gid $gid";
			POSIX::setuid($uid);
		}
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', "$d/out.log";
		open STDERR, '>&', \*STDOUT;
		exec $prog, '-p', $d, '-c', "$d/nginx.conf", '-e',
		    "$d/error.log" or POSIX::_exit(127);
	}
	for (1 .. 500) {
		if (waitpid($pid, WNOHANG) == $pid) {
			return 0;
		}
		# Written once all ports are its own.
		if (-s "$d/nginx.pid") {
			$self->{pid} = $pid;
			return 1;
		}
		sleep 0.02;
	}
	kill 'KILL', $pid;
	waitpid $pid, 0;
	return 0;
}

sub port { $_[0]{port}{ $_[1] } }
sub url { "https://" . ($_[2] // '127.0.0.1') . ":$_[0]{port}{$_[1]}" }

sub _read {
	my ($self, $name) = @_;

	open my $f, '<', "$self->{dir}/$name" or return '';
	local $/;
	return <$f> // '';
}

# What came to one of the servers: [{ protocol, connection, nth, status, uri }],
# waiting until n requests have been logged, which is after they are answered.
sub served {
	my ($self, $name, $n) = @_;
	my @r;

	for (1 .. 500) {
		@r = ();
		for (split /\n/, $self->_read('access.log')) {
			my ($port, %l);
			($port, @l{qw(protocol connection nth status uri)}) =
			    split / /;
			push @r, \%l if $port == $self->{port}{$name};
		}
		last if @r >= ($n // 0);
		sleep 0.02;
	}
	return @r;
}

# How many connections a server has, as the kernel sees it.
sub connections {
	my ($self, $name) = @_;
	my $here = sprintf '0100007F:%04X', $self->{port}{$name};

	open my $f, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
	return scalar grep { my @w = split; $w[1] eq $here && $w[3] eq '01' }
	    <$f>;
}

sub stop {
	my ($self) = @_;

	return unless $self->{pid};
	local $?;
	kill 'KILL', $self->{pid};
	waitpid $self->{pid}, 0;
	$self->{pid} = 0;
}

sub DESTROY { $_[0]->stop if $$ == $main }
END { if ($$ == $main) { $_->stop for @live } }

# A test that is told to end ends nginx, too.
$SIG{$_} //= sub { exit 1 } for qw(INT TERM HUP);

1;
