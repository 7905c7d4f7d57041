package Rig;

# What stands on the two cores: gateway or nginx on core 0; the canned provider,
# the load and this driver on core 1.  And how their use of the machine is read.

use strict;
use warnings;
use Bodies;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Gateway;
use IO::Socket::INET;
use JSON::PP;
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

our $here = dirname(abs_path(__FILE__));
our $tmp = tempdir('proxyd-bench-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $main = $$;
my @pids;
my $ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());

sub bench { ($ENV{BUILDDIR} // 'build/opt') . "/bench/$_[0]" }

sub slurp {
	my ($file) = @_;

	open my $f, '<', $file or return '';
	local $/;
	return <$f> // '';
}

sub spew {
	my ($file, $text) = @_;

	open my $f, '>:raw', $file or die "$file: $!";
	print $f $text;
	close $f or die "$file: $!";
	return $file;
}

# --- cores and processes ---------------------------------------------------------

# Pins the driver, and so what it starts from here on.
sub on_core {
	my ($core) = @_;

	system("taskset -cp $core $$ >/dev/null") == 0 or die 'taskset';
}

sub start_on {
	my ($core, $out, @cmd) = @_;
	my $pid = fork // die "fork: $!";

	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>&', $out or die;
		exec 'taskset', '-c', $core, @cmd or POSIX::_exit(127);
	}
	push @pids, $pid;
	return $pid;
}

sub end {
	my ($pid, $signal) = @_;

	local $?;
	kill $signal // 'TERM', $pid;
	waitpid $pid, 0;
	@pids = grep { $_ != $pid } @pids;
}

END {
	if ($$ == $main) {
		local $?;
		kill 'TERM', @pids if @pids;
		waitpid $_, 0 for @pids;
	}
}
$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);

# A process and all below it.
sub tree {
	my ($root) = @_;
	my (%kids, @all);

	for my $dir (glob '/proc/[0-9]*') {
		slurp("$dir/stat") =~ /^(\d+) \(.*\) \S (\d+)/s or next;
		push @{ $kids{$2} }, $1;
	}
	my @todo = ($root);
	while (defined(my $pid = shift @todo)) {
		push @all, $pid;
		push @todo, @{ $kids{$pid} // [] };
	}
	return @all;
}

# CPU of a tree so far, in us: user and system, of the living and, below the
# root, of those that were waited for.
sub cpu_us {
	my ($root) = @_;
	my $sum = 0;

	for (tree($root)) {
		my ($rest) = slurp("/proc/$_/stat") =~ /.*\) (.*)/s or next;
		my @f = split ' ', $rest;
		$sum += $f[11] + $f[12];
		$sum += $f[13] + $f[14] if $_ == $root;
	}
	return $sum * 1e6 / $ticks;
}

# Memory of a tree in KiB, shared pages counted once.
sub pss_kib {
	my ($root) = @_;
	my $sum = 0;

	for (tree($root)) {
		my ($kib) = slurp("/proc/$_/smaps_rollup") =~ /^Pss:\s+(\d+)/m;
		return unless defined $kib;
		$sum += $kib;
	}
	return $sum;
}

# The most that a tree's processes ever held, in KiB; each counts shared pages.
sub peak_kib {
	my ($root) = @_;
	my $sum = 0;

	for (tree($root)) {
		my ($kib) = slurp("/proc/$_/status") =~ /^VmHWM:\s+(\d+)/m;
		$sum += $kib // 0;
	}
	return $sum;
}

# --- the canned provider ---------------------------------------------------------

# Options of upstream.c; returns { pid, plain, stream }.
sub upstream {
	my (@opts) = @_;

	pipe(my $r, my $w) or die;
	my $pid = start_on(1, $w, bench('upstream'), @opts);
	close $w;
	my ($plain, $stream) = (<$r> // '') =~ /^ready (\d+) (\d+)/ or
	    die 'the canned provider did not start';
	return { pid => $pid, plain => $plain, stream => $stream };
}

# --- nginx -----------------------------------------------------------------------

sub free_port {
	IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)->sockport;
}

# new in front of an upstream; { pid, bare, log, sse } (ports).
sub nginx {
	my ($up) = @_;
	my $dir = tempdir('nginx-XXXXXX', DIR => $tmp);
	my %port = map { $_ => free_port() } qw(bare log sse);
	my $text = slurp("$here/nginx.conf");
	my %fill = (DIR => $dir, PLAIN => $up->{plain},
	    STREAM => $up->{stream}, map { 'PORT_' . uc $_ => $port{$_} }
	    keys %port);

	# Its workers run as another user, where it is started by root.
	chmod 0755, $tmp, $dir;
	$text =~ s/\@([A-Z_]+)\@/$fill{$1}/g;
	spew("$dir/nginx.conf", $text);
	my $pid = start_on(0, \*STDERR, 'nginx', '-p', $dir, '-c',
	    "$dir/nginx.conf", '-e', "$dir/error.log");
	for (1 .. 200) {
		last if -s "$dir/nginx.pid";
		die 'nginx did not start: ' . slurp("$dir/error.log")
		    if waitpid($pid, WNOHANG) == $pid;
		sleep 0.02;
	}
	return { pid => $pid, dir => $dir, %port };
}

# --- the gateway -----------------------------------------------------------------

# For each dialect d a model "to-d" with whole bodies, and "sse-d".  full: behind
# as many others as a large site has, each provider with as many keys.
sub config {
	my ($up, $more, $full) = @_;
	my $text = "WORKERS: 1\nMAX_CONNECTIONS: 8192\nPROVIDERS:\n";
	my %port = (to => 'plain', sse => 'stream');
	my @models = map { my $kind = $_; map { "$kind-$_" } dialects() }
	    qw(to sse);

	for (@models) {
		my ($kind, $dialect) = /^(\w+)-(.*)/;
		$text .= "  $_:\n    dialect: $dialect\n" .
		    ($full ? '' : "    keyless: true\n") .
		    "    base_url: http://127.0.0.1:$up->{$port{$kind}}\n";
	}
	if ($full) {
		$text .= "BUDGET_UNPRICED: true\nAPI_KEY_POOLS:\n";
		for my $m (@models) {
			$text .= "  $m:\n    keys:\n" . join '', map {
			    "      - sk-$m-0123456789abcdef-$_\n" } 1 .. 100;
		}
	}
	$text .= "MODELS:\n";
	$text .= "  - {route_key: rule-$_, target_model: model-$_, " .
	    "provider: $models[$_ % @models]}\n"
	    for $full ? 1 .. 1000 - @models : ();
	$text .= "  - {route_key: $_, target_model: $_, provider: $_}\n"
	    for @models;
	return $text . ($more // '');
}

sub gateway {
	my ($up, %o) = @_;

	on_core(0);
	my $g = eval { Gateway->new(config => config($up, @o{qw(more full)}),
	    args => [ '-w', 1 ]) };
	my $why = $@;
	on_core(1);
	die $why unless $g;
	return $g;
}

# Tenants with limits for a gateway that runs, in service when this returns the
# client key of one.
sub tenants {
	my ($g, $n) = @_;
	my $prog = bench('tenants');
	my $key = `$prog $g->{home} $n`;

	die 'tenants' if $?;
	chomp $key;
	sleep 1;	# the logger tells workers within that time
	return $key;
}

# --- load ------------------------------------------------------------------------

our $key;		# of the client; none: no header
my $nscript = 0;

sub _script {
	my ($body) = @_;
	my $file = "$tmp/load-" . ++$nscript;

	my $auth = defined $key ?
	    qq(wrk.headers["Authorization"] = "Bearer $key") : '';

	spew("$file.body", $body);
	return spew("$file.lua", <<"EOT");
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
$auth
local f = io.open("$file.body", "rb")
wrk.body = f:read("*a")
f:close()
done = function(s, l, r)
	local e = s.errors
	io.write(string.format('\\nRESULT {"requests":%d,"us":%d,"p50":%d,' ..
	    '"p99":%d,"connect":%d,"read":%d,"write":%d,"status":%d,' ..
	    '"timeout":%d}\\n', s.requests, s.duration, l:percentile(50),
	    l:percentile(99), e.connect, e.read, e.write, e.status,
	    e.timeout))
end
EOT
}

my %scripts;

# The command that loads port with a body.
sub wrk_command {
	my ($port, $path, $body, $c, $seconds) = @_;
	my $script = $scripts{ ($key // '') . $body } //= _script($body);

	return ('wrk', '-t1', "-c$c", "-d${seconds}s", '--timeout', '30s',
	    '-s', $script, "http://127.0.0.1:$port$path");
}

sub wrk_result {
	my ($text) = @_;
	my ($json) = $text =~ /^RESULT (.*)/m or die "wrk: $text";
	my $r = decode_json($json);

	$r->{failed} = 0;
	$r->{failed} += $r->{$_} for qw(connect read write status timeout);
	return $r;
}

sub wrk {
	my @cmd = wrk_command(@_);

	open my $p, '-|', 'taskset', '-c', 1, @cmd or die "wrk: $!";
	local $/;
	my $text = <$p>;
	close $p;
	return wrk_result($text);
}

# Starts the stream client; read "open" and the result from the handle.
sub streams {
	my ($port, $path, $body, $k, $ramp) = @_;
	my $file = spew("$tmp/stream.body", $body);

	open my $p, '-|', 'taskset', '-c', 1, bench('stream'), '-p', $port,
	    '-f', $file, '-k', $k, '-r', $ramp, '-u', $path,
	    defined $key ? ('-a', $key) : ()
	    or die "stream: $!";
	return $p;
}

# --- the record -------------------------------------------------------------------

sub _first { my ($line) = split /\n/, $_[0] // ''; return $line // '' }

sub machine {
	my ($model) = slurp('/proc/cpuinfo') =~ /^model name\s*:\s*(.*)/m;
	my ($load) = slurp('/proc/loadavg') =~ /^(\S+)/;
	my $commit = _first(`git rev-parse --short HEAD 2>/dev/null`);

	$commit .= ' and changes' if
	    `git status --porcelain -uno common proxyd Makefile 2>/dev/null`;
	return { commit => $commit, cpu => $model,
	    cores => 0 + `nproc --all`, kernel => (POSIX::uname())[2],
	    load_before => $load, nginx => _first(`nginx -v 2>&1`),
	    wrk => _first(`wrk -v 2>&1`),
	    libmicrohttpd => _first(
	    `pkg-config --modversion libmicrohttpd`),
	    libcurl => _first(`pkg-config --modversion libcurl`),
	    cc => _first(`cc --version`),
	    date => POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime) };
}

1;
